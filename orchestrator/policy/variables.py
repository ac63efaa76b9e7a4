"""The variables that an expression may read: one table for the type check, the messages and the documentation."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str, ...]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: `type` in CEL's notation, `shown` as a person writes it, `depth` the number of keys below it."""

    name: str
    type: str
    shown: str
    says: str
    depth: int = 0

    @property
    def path(self) -> Path:
        """The name in its parts."""
        return tuple(self.name.split("."))

    @property
    def holds_doubles(self) -> bool:
        """Whether the values at its keys are measured numbers."""
        return self.type.endswith("dyn>" + ">" * (self.depth - 1))


_TEXTS = "map<string,string>"
_NUMBERS = "map<string,dyn>"

VARIABLES = (
    Variable("model.name", "string", "model.name", "the candidate's name"),
    Variable("model.version", "string", "model.version", "its version, as text"),
    Variable("tags", _TEXTS, "tags.NAME", "the model version's tags, as text: double(tags.accuracy) converts one", 1),
    Variable("properties", _TEXTS, "properties.NAME", "the model version's properties, as text", 1),
    Variable("metrics", _NUMBERS, "metrics.NAME", "what was measured in the environment below, as decimal numbers", 1),
    Variable("run.id", "string", "run.id", "the run that made the candidate"),
    Variable("run.status", "string", "run.status", "completed, failed or canceled"),
    Variable("run.experiment", "string", "run.experiment", "the name of its experiment"),
    Variable("run.tags", _TEXTS, "run.tags.NAME", "the run's tags, as text", 1),
    Variable("run.properties", _TEXTS, "run.properties.NAME", "the run's properties, as text", 1),
    Variable("jobs", _TEXTS, "jobs.NAME", "conclusions of the jobs of the GitHub run below, such as success", 1),
    Variable("champion", "dyn", "champion", "the version that last succeeded into the target, or null"),
    Variable("champion.version", "string", "champion.version", "its version, as text"),
    Variable("champion.metrics", _NUMBERS, "champion.metrics.NAME", "what was measured for it", 1),
    Variable("champion.tags", _TEXTS, "champion.tags.NAME", "its tags, as text", 1),
    Variable(
        "evidence",
        "map<string,map<string,map<string,dyn>>>",
        "evidence.ENV.metrics.NAME",
        "what was measured in another environment",
        3,
    ),
    Variable("environment", "string", "environment", "the environment that the candidate wants to enter"),
    Variable("event.type", "string", "event.type", "the type of the signal"),
    Variable("event.source", "string", "event.source", "where the signal came from"),
    Variable("event.subject", "string", "event.subject", "what it is about"),
    Variable("event.id", "string", "event.id", "its id"),
    Variable("event.time", "timestamp", "event.time", "when it happened"),
    Variable("now", "timestamp", "now", "the moment of the decision"),
)
SIGNATURES = tuple((variable.name, variable.type) for variable in VARIABLES)
ALL_SHOWN = ", ".join(variable.shown for variable in VARIABLES)
ROOTS = tuple(dict.fromkeys(variable.path[0] for variable in VARIABLES))

_BY_PATH = {variable.path: variable for variable in VARIABLES}


def variable_of(path: Path) -> Variable | None:
    """The variable that a path begins with, the longest name first; None when there is none."""
    return _BY_PATH.get(path[:2]) or _BY_PATH.get(path[:1])


def parts_of(root: str) -> tuple[str, ...]:
    """The parts of a root that has named parts, such as model; empty for the others."""
    return tuple(variable.path[1] for variable in VARIABLES if len(variable.path) == 2 and variable.path[0] == root)


def spell(path: Path) -> str:
    """A path as an expression writes it: `tags.stage`, `metrics["champion.auc"]`."""
    spelled = path[0]
    for part in path[1:]:
        spelled += f".{part}" if _IDENTIFIER.fullmatch(part) else f"[{json.dumps(part, ensure_ascii=False)}]"
    return spelled


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the known word nearest to a misspelt one, or nothing."""
    close = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""
