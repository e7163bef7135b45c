"""Checks deploy/, the Containerfile and the objects in the documents. tests/scripts/deploy-check runs it with its tools.

usage: check.py PROGRAM TOOLS
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import alerts
import container
import dashboard
import pods
import proxy
import settings
from schemas import Schemas

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUSTOMIZED = ["base", "overlays/kubernetes", "overlays/openshift", "overlays/hub", "overlays/dev", "spoke"]


class Check:
    def __init__(self, program, tools, folder):
        self.tools, self.folder = tools, folder
        decoder, text, modules = json.JSONDecoder(), (tools / "modules.json").read_text(), []
        while text.strip():
            module, end = decoder.raw_decode(text.lstrip())
            modules.append(module)
            text = text.lstrip()[end:]
        self.schemas = Schemas(modules)
        self.path, self.program = program, settings.Program(program, folder / "program")
        self.checked, self.wrong = 0, []

    def say(self, place, problems):
        self.checked += 1
        self.wrong += [f"{place}: {problem}" for problem in problems]

    def command(self, place, command, **more):
        run = subprocess.run(command, capture_output=True, text=True, **more)
        self.say(place, [] if run.returncode == 0 else [(run.stdout + run.stderr).strip()])

    def objects(self, place, documents):
        """Objects of Kubernetes that are applied together."""
        for document in documents:
            self.say(f"{place}: {document['kind']} {document['metadata']['name']}", self.schemas.problems(document))
        self.say(place, pods.selectors(documents))
        configurations = [document["data"]["gathering.toml"] for document in documents
                          if document["kind"] == "ConfigMap" and "gathering.toml" in document["data"]]
        for name, pod in pods.pod_specs(documents):
            self.say(f"{place}: {name}", [*pods.security(pod), *pods.references(pod, documents)])
            if "gathering" in {container["name"] for container in pod["containers"]}:
                self.say(f"{place}: {name}", pods.of_gathering(pod, configurations[0], self.program))

    def build(self, place, folder):
        """What kustomize makes of a folder, checked."""
        run = subprocess.run([os.environ["KUSTOMIZE"], "build", folder], capture_output=True, text=True)
        self.say(place, [run.stderr.strip()] if run.returncode else [])
        documents = list(yaml.safe_load_all(run.stdout))
        if documents:
            self.objects(place, documents)
        return documents

    def kustomized(self):
        for place in KUSTOMIZED:
            self.build(f"deploy/{place}", DEPLOY / place)

    def described(self):
        """The overlay of docs/DEPLOYMENT.md, and the patch that it has for one."""
        text = (ROOT / "docs/DEPLOYMENT.md").read_text()
        blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)]
        overlays = [block for block in blocks if block.get("kind") == "Kustomization"]
        patches = [block for block in blocks if block.keys() == {"patches"}]
        self.say("docs/DEPLOYMENT.md", [] if len(overlays) == len(patches) == 1 else ["an overlay and a patch for it have to be there"])
        for number, block in enumerate([*overlays, *({**overlay, **patch} for overlay in overlays for patch in patches)]):
            folder = self.folder / f"overlay-{number}"
            folder.mkdir()
            (folder / "gathering.toml").write_text((DEPLOY / "base/gathering.toml").read_text())
            block = {**block, "resources": [os.path.relpath(DEPLOY / "overlays/kubernetes", folder.resolve())]}
            (folder / "kustomization.yaml").write_text(yaml.safe_dump(block))
            made = {document["metadata"]["name"]: document for document in self.build("docs/DEPLOYMENT.md", folder)
                    if document["kind"] == "NetworkPolicy"}
            opened = {port["port"] for rule in made["gathering"]["spec"]["egress"] for port in rule["ports"]} if made else set()
            closed = {4318, 8080, 8443, 3128} - opened if "patches" in block else {5432, 9092, 443} - opened
            self.say("docs/DEPLOYMENT.md", [f"the port {port} stays closed" for port in closed])

    def clowder(self):
        """The template with values for its parameters, and each deployment as the pod that Clowder makes of it."""
        place = DEPLOY / "clowder/clowdapp.yaml"
        template = place.read_text()
        values = {"ENV_NAME": "env-test", "IMAGE_TAG": "test", "TRUSTED_PROXIES": '["10.128.0.0/14"]'}
        for parameter in yaml.safe_load(template)["parameters"]:
            value = parameter.get("value", values.get(parameter["name"]))
            template = template.replace(f"${{{{{parameter['name']}}}}}", value).replace(
                f"${{{parameter['name']}}}", value if value.isidentifier() or "/" in value and "[" not in value else json.dumps(value))
        left = re.findall(r"\$\{\{?\w+", template)
        self.say(place, [f"{name} is no parameter" for name in left])
        platform = {"publicPort": 8000, "metricsPort": 9000, "kafka": {"brokers": [{"hostname": "kafka"}]}}
        file = self.folder / "cdappconfig.json"
        file.write_text(json.dumps(platform))
        for app in yaml.safe_load(template)["objects"]:
            self.say(place, self.schemas.problems(app))
            for deployment in app["spec"]["deployments"]:
                spec = dict(deployment["podSpec"])
                outer = {key: spec.pop(key) for key in ("terminationGracePeriodSeconds", "volumes")}
                pod = {**outer, "containers": [{"name": "gathering", **spec}]}
                document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": deployment["name"]}, "spec": pod}
                self.say(f"{place}: {deployment['name']}", self.schemas.problems(document))
                spec["env"] = [*spec["env"], {"name": "ACG_CONFIG", "value": str(file)}]
                pod = {**outer, "containers": [{"name": "gathering", **spec}]}
                self.say(f"{place}: {deployment['name']}", pods.of_gathering(pod, "", self.program))

    def compose(self):
        folder = DEPLOY / "compose"
        document = yaml.safe_load((folder / "compose.yaml").read_text())
        self.say(folder, [*self.schemas.compose(document), *container.of_compose(document, ROOT)])
        shown, refused, files = self.program.effective((folder / "gathering.toml").read_text(), {})
        self.say(folder, [refused] if refused else [])
        service = document["services"]["gathering"]
        given = {f"/run/secrets/{name}" for name in service["secrets"]}
        self.say(folder, [f"{file} is none of the secrets" for file in files - given])
        if shown:
            if int(service["stop_grace_period"].removesuffix("s")) <= pods.longest_stop(shown):
                self.say(folder, ["stop_grace_period is too short"])

    def systemd(self):
        folder = DEPLOY / "systemd"
        shown, refused, files = self.program.effective((folder / "gathering.toml").read_text(), {})
        self.say(folder, [refused] if refused else [])
        text = (folder / "gathering.service").read_text()
        given = {f"/run/credentials/gathering.service/{name}" for name in re.findall(r"^LoadCredential=(\S+?):", text, re.M)}
        self.say(folder, [f"{file} is none of the credentials" for file in files - given])
        if re.search(r"^ProcSubset=pid", text, re.M) or not re.search(r"^ProtectProc=invisible$", text, re.M):
            self.say(folder, ["/proc has to show /proc/stat, and no process of others"])
        if shown and int(re.search(r"^TimeoutStopSec=(\d+)s$", text, re.M)[1]) <= pods.longest_stop(shown):
            self.say(folder, ["TimeoutStopSec is too short"])
        # The program is where a package would put it, which is not here.
        unit = self.folder / "gathering.service"
        unit.write_text(text.replace("/usr/bin/gathering", str(self.path)))
        # It warns of keys and values that it does not know, and succeeds.
        run = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        self.say(folder, [said] if (said := (run.stdout + run.stderr).strip()) or run.returncode else [])
        # From 0, nothing to gain, to 100.
        self.command(folder, ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit])

    def proxy(self):
        """HAProxy reads the spoke's settings, with certificates that stand in, and runs with them."""
        files = self.program.files
        folder = self.folder / "haproxy"
        for name in ("serving", "client", "hub"):
            (folder / name).mkdir(parents=True)
            (folder / name / "tls.crt").write_bytes((files / "crt").read_bytes())
            (folder / name / "tls.key").write_bytes((files / "key").read_bytes())
        (folder / "hub/ca.crt").write_bytes((files / "crt").read_bytes())
        config = (DEPLOY / "spoke/haproxy.cfg").read_text().replace("/etc/haproxy/", f"{folder}/")
        (folder / "haproxy.cfg").write_text(config)
        hosts = {"REPORTS_HOST": "localhost", "UPLOAD_HOST": "localhost", "HUB_PORT": "443"}
        self.command("deploy/spoke/haproxy.cfg", ["haproxy", "-c", "-f", folder / "haproxy.cfg"], env={**os.environ, **hosts})
        self.say("deploy/spoke/haproxy.cfg", proxy.problems(config, folder))
        self.say("deploy/spoke/proxy.yaml", proxy.probes(yaml.safe_load_all((DEPLOY / "spoke/proxy.yaml").read_text())))

    def operator(self):
        """What the operator is given: its ConfigMap, and the objects that docs/OPERATORS.md says to apply."""
        config = yaml.safe_load((DEPLOY / "spoke/insights-config.yaml").read_text())
        reporting = yaml.safe_load(config["data"]["config.yaml"])["dataReporting"]
        wanted = {"uploadEndpoint": 0, "downloadEndpoint": 1, "downloadEndpointTechPreview": 2, "processingStatusEndpoint": 2}
        self.say("deploy/spoke/insights-config.yaml", [
            f"{key} has to be https with %s {wanted.get(key)} times" for key in wanted.keys() | reporting.keys()
            if not reporting.get(key, "").startswith("https://") or reporting[key].count("%s") != wanted.get(key)])
        for document in ("docs/OPERATORS.md", "docs/DEPLOYMENT.md"):
            for block in re.findall(r"^```yaml\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S):
                for described in yaml.safe_load_all(block):
                    if "kind" in described and described["kind"] != "Kustomization":
                        self.say(f"{document}: {described['kind']}", self.schemas.problems(described))

    def container(self):
        hadolint = self.tools / "python/bin/hadolint"
        self.say("Containerfile", container.problems(ROOT))
        self.command("Containerfile", [hadolint, "--failure-threshold", "style", ROOT / "Containerfile"])

    def monitoring(self):
        """Rules of Prometheus with their tests, and the dashboard of Grafana."""
        alerts.check(self.say, self.command)
        dashboard.check(self.say, self.command, self.folder)


def main():
    program, tools = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="gathering-deploy-") as folder:
        check = Check(program, tools, Path(folder))
        for part in (check.kustomized, check.described, check.clowder, check.compose, check.systemd, check.proxy, check.operator,
                     check.container, check.monitoring):
            part()
    for problem in check.wrong:
        print(f"deploy-check: {problem}", file=sys.stderr)
    print(f"deploy-check: {check.checked} checks, {len(check.wrong)} failed")
    if check.wrong or check.checked == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()
