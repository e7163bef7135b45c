"""Rules for pods that no schema holds: what restricted-v2 takes, and what agrees with the settings."""

import re

from settings import seconds

# How long /readyz waits for the database, in seconds.
READY_WAITS = 0.9
# A secret's values are not here; one of each stands in.
SECRETS = {"GATHERING__STORAGE__URL": "postgres://gathering:secret@database/gathering?sslmode=verify-full"}


def pod_specs(documents):
    for document in documents:
        if document["kind"] == "Deployment":
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def security(pod):
    """What keeps a pod from running under restricted-v2, or from being safe there."""
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot has to be true"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "the seccomp profile has to be RuntimeDefault"
    if {"runAsUser", "fsGroup"} & context.keys():
        yield "restricted-v2 gives each project users of its own: none may be named"
    if pod.get("automountServiceAccountToken") is not False:
        yield "no token of the cluster is needed"
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        if own != wanted:
            yield f"the container {container['name']} has to have {wanted}"
        if not container.get("resources", {}).get("requests") or "memory" not in container["resources"].get("limits", {}):
            yield f"the container {container['name']} needs requests and a limit for memory"


def references(pod, documents):
    """Volumes that are mounted and are not there, or the other way round, and ConfigMaps that nobody makes."""
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    mounts = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])}
    for name in volumes.keys() ^ mounts:
        yield f"the volume {name} is either not there or not used"
    made = {document["metadata"]["name"] for document in documents if document["kind"] == "ConfigMap"}
    # Made by who sets a cluster up; the documents say how.
    by_hand = {"gathering-hub-ca"}
    for volume in volumes.values():
        name = volume.get("configMap", {}).get("name")
        if name and name not in made | by_hand:
            yield f"nobody makes the ConfigMap {name}"


def of_gathering(pod, configuration, program):
    """Whether the program takes what the container gives it, and whether times agree."""
    container = pod["containers"][0]
    environment = {}
    for variable in container.get("env", []):
        environment[variable["name"]] = variable["value"] if "value" in variable else SECRETS[variable["name"]]
    if container["args"] == ["serve", "--role", "ingest"]:
        # The API is not there in this role, and what is for it alone is not read.
        configuration = without_api(configuration)
    shown, refused, files = program.effective(configuration, environment)
    if refused:
        yield refused
        return
    mounted = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
    for file in files:
        if not any(file.startswith(f"{path}/") for path in mounted):
            yield f"{file} is not mounted"
    stop = longest_stop(shown)
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if grace <= stop:
        yield f"{grace} seconds to end in are not more than the {stop} that the settings ask for"
    for name in ("livenessProbe", "readinessProbe"):
        probe = container[name]
        if probe.get("timeoutSeconds", 1) <= READY_WAITS:
            yield f"{name} gives up before /readyz answers"
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    for port in ports.values():
        if f'bind = "0.0.0.0:{port}"' not in shown:
            yield f"nothing listens on {port}"


def longest_stop(shown):
    """How long a stop may take, in seconds: the API's delay and grace, or the consumer's grace and five to leave its group; then
    one for the admin address, and two for traces."""
    delay, grace = seconds(shown, "shutdown_delay"), seconds(shown, "shutdown_grace")
    return max(delay + grace, grace + 5) + 3


def without_api(configuration):
    """Settings less the sections on TLS and keys; some key is needed for the check all the same."""
    sections = re.split(r"^(?=\[)", configuration, flags=re.MULTILINE)
    kept = [section for section in sections if not section.startswith(("[auth", "[http.tls]"))]
    return "".join([*kept, '\n[auth.keys]\nhmac_secret_file = "hmac.key"\n'])


def selectors(documents):
    """Services, policies and budgets that select no pod, and ports that no container has."""
    pods = [document["spec"]["template"] for document in documents if document["kind"] == "Deployment"]

    def selected(labels):
        return [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]

    for document in documents:
        name, spec = f"{document['kind']} {document['metadata']['name']}", document.get("spec", {})
        if document["kind"] == "Service":
            found = selected(spec["selector"])
            for pod in found:
                ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
                missing = [port["targetPort"] for port in spec["ports"] if port["targetPort"] not in ports]
                if missing:
                    yield f"{name}: no container has the port {missing[0]}"
        elif document["kind"] == "NetworkPolicy":
            labels = spec["podSelector"].get("matchLabels")
            if not labels:
                yield f"{name}: it would be for every pod of the namespace"
                continue
            found = selected(labels)
        elif document["kind"] == "PodDisruptionBudget":
            found = selected(spec["selector"]["matchLabels"])
            if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
                yield f"{name}: pods that are not ready would keep a node from being drained"
        elif document["kind"] == "HorizontalPodAutoscaler":
            found = [d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == spec["scaleTargetRef"]["name"]]
        elif document["kind"] == "ServiceMonitor":
            labels = spec["selector"]["matchLabels"]
            found = [d for d in documents if d["kind"] == "Service"
                     and labels.items() <= d["metadata"].get("labels", {}).items()]
        elif document["kind"] == "Ingress":
            backends = [path["backend"]["service"]["name"] for rule in spec["rules"] for path in rule["http"]["paths"]]
            found = [d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] in backends]
        elif document["kind"] == "Route":
            found = [d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == spec["to"]["name"]]
        else:
            continue
        if not found:
            yield f"{name}: it selects nothing"
