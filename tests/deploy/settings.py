"""Whether gathering takes the settings that a deployment gives it, with files standing in for its secrets."""

import re
import subprocess
from pathlib import Path

# Where deployments put settings and secrets. Elsewhere a path is left as it is.
MOUNTED = re.compile(r'"(/etc/gathering/|/run/secrets/|/run/credentials/)([^"]+)"')


def stand_ins(folder):
    """Files of each kind that settings may name, made once."""
    folder.mkdir(parents=True)
    (folder / "hmac").write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "password").write_text("secret\n")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "crt"],
        check=True, capture_output=True)
    return folder


def kind_of(path):
    name = Path(path).name
    if name == "hmac.key":
        return "hmac"
    if name.endswith(".crt"):
        return "crt"
    if name.endswith(".key"):
        return "key"
    if "pass" in name:
        return "password"
    raise SystemExit(f"deploy-check: no file stands in for {path}; tests/deploy/settings.py has to know of its kind")


class Program:
    """The program, run as a container or a unit would run it, but for the files."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.files = stand_ins(folder / "stand-ins")
        (folder / "hmac.key").symlink_to(self.files / "hmac")
        self.runs = 0

    def effective(self, text, environment, arguments=()):
        """The effective settings of a configuration file, or None with the sentence that refuses them."""
        self.runs += 1
        mounted = set()

        def stand_in(match):
            mounted.add(match[1] + match[2])
            return f'"{self.files / kind_of(match[2])}"'

        file = self.folder / f"{self.runs}.toml"
        file.write_text(MOUNTED.sub(stand_in, text or ""))
        environment = {**environment, "GATHERING_CONFIG": str(file)}
        shown = None
        for command in (["config", "--check"], ["config"]):
            run = subprocess.run([self.path, *command, *arguments], env=environment, capture_output=True, text=True,
                                 cwd=self.folder)
            if run.returncode != 0:
                return None, run.stderr.strip(), mounted
            shown = run.stdout
        return shown, None, mounted


def seconds(shown, key):
    """A duration of the section [http] in whole seconds."""
    http = shown.split("[http]", 1)[1].split("\n[", 1)[0]
    value = re.search(rf'^{key} = "(\d+)s"$', http, re.MULTILINE)
    return int(value[1])
