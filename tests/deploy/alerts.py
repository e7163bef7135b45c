"""The alert rules, their tests, and what the documents say of them."""

import re

import yaml

import promql
from alerts_object import OBJECT, ROOT, RULES, as_object

TESTS = ROOT / "tests/deploy/alerts"
RUNBOOK = ROOT / "docs/RUNBOOK.md"
# What each test asks: so one that fires beside the one that is meant is a failure as well.
FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def check(say, command):
    """Everything there is to check of alerts."""
    command(RULES, ["promtool", "check", "rules", "--lint-fatal", RULES])
    say(OBJECT, [] if OBJECT.read_text() == as_object() else ['it differs from the rules; run "make alerts"'])
    known = promql.Documented(ROOT / "docs/MONITORING.md")
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    say(RULES, [f"{name} is there twice" for name in twice([rule["alert"] for rule in rules() if "alert" in rule])])
    for rule in rules():
        name = rule.get("alert", rule.get("record"))
        say(f"{RULES}: {name}", known.problems(rule["expr"], recorded))
    for name, rule in alerts.items():
        say(f"{RULES}: {name}", complete(name, rule))
    say(known.path, mentioned(known, alerts))
    say(RUNBOOK, described(alerts))
    for file in sorted(TESTS.glob("*.yaml")):
        command(file, ["promtool", "test", "rules", file])
    say(TESTS, tried(alerts))


def twice(names):
    return {name for name in names if names.count(name) > 1}


def complete(name, rule):
    """What an alert has to say to whom it wakes."""
    if rule["labels"].get("severity") not in ("critical", "warning"):
        yield "its severity has to be critical or warning"
    annotations = rule["annotations"]
    if annotations.keys() != {"summary", "description", "runbook_url"}:
        yield "it has to have a summary, a description and a runbook_url"
        return
    if "$value" not in annotations["description"]:
        yield "its description has to have the value"
    repository = re.search(r'^repository = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    if annotations["runbook_url"] != f"{repository}/blob/main/docs/RUNBOOK.md#{name.lower()}":
        yield "its runbook_url has to lead to its heading in docs/RUNBOOK.md"
    labels = set(re.findall(r"\$labels\.(\w+)", annotations["description"]))
    kept = re.match(r"\(?\s*(?:sum|min|max|count) by \(([\w, ]+)\)", rule["expr"])
    if kept and labels - set(re.split(r", *", kept[1])):
        yield f"its description has labels that are summed away: {labels}"


def mentioned(known, alerts):
    """Whether the table of metrics names for each metric the alerts that use it, and no others."""
    users = {}
    for name, rule in alerts.items():
        for metric in known.metrics_of(rule["expr"], {r["record"]: r["expr"] for r in rules() if "record" in r}):
            users.setdefault(metric, set()).add(name)
    for metric, row in known.rows.items():
        for name in row.alerts - alerts.keys():
            yield f"{metric}: there is no alert {name}"
        for name in (row.alerts & alerts.keys()) - users.get(metric, set()):
            yield f"{metric}: {name} does not use it"
        if metric in users and not row.alerts:
            yield f"{metric}: it has an alert: {users[metric]}"
    named = set().union(*(row.alerts for row in known.rows.values()))
    for name in alerts.keys() - named:
        yield f"no metric has the alert {name}"


def described(alerts):
    """Whether the runbook has an entry for each alert, and no others."""
    chapter = re.search(r"^## Alerts\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(), re.M | re.S)
    headings = re.findall(r"^### (\w+)$", chapter[1], re.M) if chapter else []
    for name in alerts.keys() ^ set(headings):
        yield f"{name} is either no alert or has no entry"
    for name in twice(headings):
        yield f"{name} has two entries"


def tried(alerts):
    """Whether a test has each alert fire, and whether each test asks what fires."""
    fired = set()
    for file in sorted(TESTS.glob("*.yaml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            asked = [query for query in test["promql_expr_test"] if query["expr"] == FIRING]
            if not asked:
                yield f"{file.name}: {test['name']}: it does not ask which alerts fire"
            for query in asked:
                for sample in query.get("exp_samples", []):
                    fired |= set(re.findall(r'alertname="(\w+)"', sample["labels"]))
    for name in alerts.keys() ^ fired:
        yield f"{name} is either no alert or never fires"
