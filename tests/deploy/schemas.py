"""Whether documents are what their schemas say, strictly: a key that a schema does not know is a mistake."""

import functools
import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

HERE = Path(__file__).parent
# The release of Kubernetes whose schemas count: the oldest that is meant to work.
KUBERNETES = "1.29"


class Schemas:
    """The schemas of Kubernetes, and those in the Go modules that were downloaded."""

    def __init__(self, modules):
        self.folders = {}
        for module in modules:
            self.folders[module["Path"]] = Path(module["Dir"])

    def problems(self, document):
        """What is wrong with one object of Kubernetes, as sentences."""
        kind = (document.get("apiVersion"), document.get("kind"))
        if kind == ("cloud.redhat.com/v1alpha1", "ClowdApp"):
            # Clowder's own schema is in no module: ours holds what we use of it, as its documentation has it.
            schema = json.loads((HERE / "clowdapp.schema.json").read_text())
            return violations(schema, document)
        schema = self.custom().get(kind)
        if schema is not None:
            return violations(schema, document)
        try:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{'.'.join(map(str, error.path))}: {error.message}"]
        except kubernetes_validate.SchemaNotFoundError as error:
            return [str(error)]
        return []

    def compose(self, document):
        folder = self.folders["github.com/compose-spec/compose-go/v2"]
        return violations(json.loads((folder / "schema/compose-spec.json").read_text()), document)

    @functools.cache
    def custom(self):
        """Schemas of custom resources by apiVersion and kind."""
        openshift = self.folders["github.com/openshift/api"]
        prometheus = self.folders["github.com/prometheus-operator/prometheus-operator"]
        crds = [
            openshift / "route/v1/zz_generated.crd-manifests/routes.crd.yaml",
            *sorted(openshift.glob("insights/*/zz_generated.crd-manifests/*-TechPreviewNoUpgrade.crd.yaml")),
            *(prometheus / f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
              for kind in ("servicemonitors", "prometheusrules")),
        ]
        schemas = {}
        for path in crds:
            crd = yaml.safe_load(path.read_text())["spec"]
            for version in crd["versions"]:
                key = (f"{crd['group']}/{version['name']}", crd["names"]["kind"])
                schemas[key] = strict(version["schema"]["openAPIV3Schema"], root=True)
        return schemas


def strict(schema, root=False):
    """A schema of a custom resource as one of JSON that takes no key which it does not know."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    plain = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    # Formats and rules of OpenAPI that JSON's schemas know nothing of.
    for key in ("format", "default", "example", "nullable"):
        plain.pop(key, None)
    if schema.get("nullable") and "type" in plain:
        plain["type"] = [plain["type"], "null"]
    if "properties" in schema:
        plain["properties"] = {key: strict(value) for key, value in schema["properties"].items()}
        if root:
            plain["properties"]["metadata"] = {"type": "object"}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            plain.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if key in schema:
            plain[key] = strict(schema[key])
    return plain


def violations(schema, document):
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
