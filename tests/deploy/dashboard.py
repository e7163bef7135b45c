"""The dashboard of Grafana: that it can be imported, and that Prometheus takes its queries and has their metrics."""

import json
import re
from pathlib import Path

import yaml

import promql

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/gathering.json"
# What Grafana puts in the place of its variables before it asks.
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$namespace": ".*", "$job": ".*"}
WIDTH = 24


def check(say, command, folder):
    board = json.loads(DASHBOARD.read_text())
    say(DASHBOARD, form(board))
    say(DASHBOARD, overlaps(board["panels"]))
    known, records = promql.Documented(ROOT / "docs/MONITORING.md"), []
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            say(f"{DASHBOARD}: {panel['title']}", known.problems(target["expr"]))
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            say(f"{DASHBOARD}: {panel['title']}", [f"unknown variable {name}" for name in re.findall(r"\$\w+", expression)])
            records.append({"record": f"dashboard:panel_{panel['id']}:{target['refId'].lower()}", "expr": expression})
    say(DASHBOARD, [] if records else ["it asks nothing"])
    rules = folder / "dashboard.rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    command(DASHBOARD, ["promtool", "check", "rules", rules])


def form(board):
    """What Grafana 10 needs to import a dashboard."""
    for key, kind in (("uid", str), ("title", str), ("schemaVersion", int), ("panels", list), ("templating", dict), ("time", dict)):
        if not isinstance(board.get(key), kind):
            yield f"{key} has to be of the kind {kind.__name__}"
    if "id" in board:
        yield "the id is given by who imports it"
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource" or "job" not in variables:
        yield "the variables datasource and job are needed"
    identifiers = [panel["id"] for panel in board["panels"]]
    if len(set(identifiers)) != len(identifiers):
        yield "two panels have the same id"
    for panel in board["panels"]:
        title = panel.get("title", "?")
        if not {"type", "title", "gridPos"} <= panel.keys() or panel["gridPos"].keys() != {"x", "y", "w", "h"}:
            yield f"{title}: a panel has a type, a title and a place"
        if panel["type"] == "row":
            continue
        if not panel.get("description") or not panel.get("targets"):
            yield f"{title}: it has to say what it shows, and to ask for it"
        for source in [panel, *panel["targets"]]:
            if source.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
                yield f"{title}: its data come from the variable datasource"
        names = [target["refId"] for target in panel["targets"]]
        if len(set(names)) != len(names):
            yield f"{title}: two queries have the same name"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{title}: it has no unit"


def overlaps(panels):
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > WIDTH:
            yield f"{panel['title']}: it is too wide"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if taken.setdefault((x, y), panel["id"]) != panel["id"]:
                    yield f"{panel['title']} lies over another panel"
                    return
