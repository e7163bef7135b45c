"""Which metrics, labels and values an expression of PromQL has, and whether docs/MONITORING.md knows them."""

import re
from dataclasses import dataclass, field

# Labels that Prometheus gives to what it scrapes.
OF_TARGETS = {"namespace", "job", "instance", "pod"}
OPERATORS = {"sum", "min", "max", "avg", "count", "topk", "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool",
             "inf", "nan"}
TOKENS = re.compile(r"""
    (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<grouping>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\))
  | (?P<range>\[[^\]]*\])
  | (?P<duration>\b\d+(?:ms|[smhdwy])\b)
  | (?P<variable>\$\w+)
  | (?P<function>[a-zA-Z_]\w*(?=\s*\())
  | (?P<metric>[a-zA-Z_:][\w:]*)(?:\s*\{(?P<matchers>[^{}]*)\})?
""", re.X)
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


@dataclass
class Row:
    """A metric, as the document has it."""
    kind: str
    labels: set
    values: set
    alerts: set = field(default_factory=set)


class Documented:
    def __init__(self, path):
        self.path, self.rows = path, {}
        for line in path.read_text().splitlines():
            cells = [cell.strip("| ") for cell in line.split(" | ")]
            if len(cells) != 5 or cells[1] not in ("counter", "gauge", "histogram"):
                continue
            name, kind, labels, says, alert = cells
            self.rows[name.strip("`")] = Row(
                kind, set(re.findall(r"`([^`]+)`", labels)), set(re.findall(r"`([^`]+)`", says)),
                set(re.findall(r"`(Gathering\w+)`", alert)))

    def row(self, metric):
        for end in ("", "_bucket", "_sum", "_count"):
            row = self.rows.get(metric.removesuffix(end) if end else metric)
            if row and (not end or row.kind == "histogram" and metric.endswith(end)):
                return row
        return None

    def problems(self, expression, recorded=frozenset()):
        """What an expression has that no service shows, as sentences."""
        used = set()
        for token in TOKENS.finditer(expression):
            metric = token["metric"]
            if not metric or metric in OPERATORS or metric in recorded:
                # What is recorded is a sum by labels of targets.
                continue
            row = self.row(metric)
            if row is None:
                yield f"{metric} is not in {self.path.name}"
                continue
            used |= row.labels | ({"le"} if metric.endswith("_bucket") else set())
            for label, operator, value in MATCHER.findall(token["matchers"] or ""):
                if label not in row.labels | OF_TARGETS:
                    yield f"{metric} has no label {label}"
                elif label in row.labels and not value.startswith("$"):
                    yield from values(metric, row, label, operator, value)
        for token in TOKENS.finditer(expression):
            for label in re.findall(r"\w+", (token["grouping"] or "").partition("(")[2]):
                if label not in used | OF_TARGETS:
                    yield f"no metric here has a label {label}"

    def metrics_of(self, expression, recorded):
        """The documented metrics of an expression, those behind recorded ones too."""
        found = set()
        for token in TOKENS.finditer(expression):
            metric = token["metric"]
            if metric in recorded:
                found |= self.metrics_of(recorded[metric], {})
            elif metric and (row := self.row(metric)):
                found |= {name for name, other in self.rows.items() if other is row}
        return found


def values(metric, row, label, operator, value):
    """Whether a value may be: of a regular expression, each alternative has to match one that is documented."""
    known = row.values if label != "status" else {str(status) for status in range(100, 600)}
    alternatives = value.split("|") if operator in ("=~", "!~") else [re.escape(value)]
    for alternative in alternatives:
        pattern = alternative.replace("\\\\", "\\")
        if not any(re.fullmatch(pattern, one) for one in known):
            yield f"{metric}: {label} is never {alternative}"
