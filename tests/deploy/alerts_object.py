"""Writes deploy/base/prometheusrule.yaml, the alert rules as an object for Prometheus's operator. It needs nothing but Python."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/gathering.rules.yaml"
OBJECT = ROOT / "deploy/base/prometheusrule.yaml"
HEADER = """\
# Made by "make alerts" from deploy/prometheus/gathering.rules.yaml: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: gathering
spec:
"""


def as_object():
    """The object, as text."""
    rules = "".join(line for line in RULES.read_text().splitlines(keepends=True) if not line.startswith("#"))
    return HEADER + "".join(f"  {line}" if line.strip() else line for line in rules.splitlines(keepends=True))


if __name__ == "__main__":
    OBJECT.write_text(as_object())
