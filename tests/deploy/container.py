"""Whether the Containerfile's build gets all that it needs, and nothing that is secret."""

import json
import re
import subprocess
from pathlib import Path

# What may lie in the folder that an image is built from, and is nobody else's business.
SECRET = ["hmac.key", "gathering.toml", "data/gathering.db", ".git/config", "target/debug/gathering", "deploy/compose/.env",
          "deploy/compose/secrets/hmac.key", "run/pgpass", "deploy/compose/secrets/pgpass", "tests/secrets/pgpass", "crates/server/hmac.key",
          "crates/server/data/gathering.db", "tests/fuzz/target/release/messages"]


def matches(pattern, path):
    """Whether a pattern of .dockerignore is for a path, or for a folder that it lies in."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    expression = re.sub(r"\*\*/|\*\*|\*|\?|[^*?]+", lambda part: parts.get(part[0], re.escape(part[0])), pattern.strip("/"))
    return re.fullmatch(f"{expression}(?:/.*)?", path) is not None


def ignored(root):
    """Says of a path whether it is left out. Of the patterns that are for it, the last one counts."""
    lines = [line.strip() for line in (root / ".dockerignore").read_text().splitlines()]
    patterns = [(line.removeprefix("!"), not line.startswith("!")) for line in lines if line and not line.startswith("#")]
    return lambda path: next((leaves for pattern, leaves in reversed(patterns) if matches(pattern, path)), False)


def needed(root):
    """Every file of the workspace's packages, and those that their sources name elsewhere."""
    metadata = subprocess.run(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"], cwd=root, check=True,
                              capture_output=True, text=True)
    packages = {str(Path(package["manifest_path"]).parent.relative_to(root)) for package in json.loads(metadata.stdout)["packages"]}
    tracked = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    files = {"Cargo.toml", "Cargo.lock", ".cargo/config.toml"}
    files |= {file for file in tracked if any(file.startswith(f"{package}/") for package in packages)}
    for file in [file for file in files if file.startswith("crates/") and file.endswith(".rs")]:
        for name in re.findall(r'"((?:\.\./)+[^"{}*\s]+)"', (root / file).read_text()):
            for start in (root / file).parent, *(root / file).parents:
                found = (start / name).resolve()
                if found.is_relative_to(root) and found != root and found.exists() and not found.is_relative_to(root / "target"):
                    inner = found.relative_to(root).as_posix()
                    files |= {file for file in tracked if file == inner or file.startswith(f"{inner}/")}
                    break
    return files


def problems(root):
    if (root / ".containerignore").exists():
        yield "Docker does not read .containerignore, and Podman reads it in the place of .dockerignore"
    leaves_out = ignored(root)
    for file in sorted(needed(root)):
        if leaves_out(file):
            yield f"the build needs {file}, which .dockerignore leaves out"
    for file in SECRET:
        if not leaves_out(file):
            yield f".dockerignore lets {file} into the build"
    build = (root / "Containerfile").read_text().split("cargo build")[0].rsplit("\nFROM ", 1)[1]
    for name in variables(root):
        if not re.search(rf"^ARG {name}$", build, re.MULTILINE):
            yield f"the build stage does not take {name}, without which the program does not know its commit"


def variables(root):
    """What crates/server/build.rs reads, since there is no repository in the image."""
    found = set(re.findall(r'variable\("(\w+)"\)', (root / "crates/server/build.rs").read_text()))
    return found or {"crates/server/build.rs names no variable"}


def of_compose(document, root):
    """Whether what is to stay lies in a volume, and what the build is to know is handed over."""
    args = document["services"]["gathering"]["build"].get("args", {})
    for name in variables(root) - args.keys():
        yield f"the build is not told {name}"
    kept = {volume.split(":")[1] for volume in document["services"]["kafka"]["volumes"]}
    logs = document["services"]["kafka"]["environment"].get("KAFKA_LOG_DIRS")
    if logs not in kept:
        yield f"Kafka writes to {logs}, which is none of its volumes"
