"""One route of a policy: its own rules, its checks, and where its workflow runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.policy.environments import name_of
from orchestrator.policy.expressions import Expression
from orchestrator.policy.inputs import read_inputs
from orchestrator.policy.keys import DURATION_ALLOWS, RESERVED_CHECKS
from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.policy import (
    Check,
    Environment,
    ExpressionCheck,
    Gate,
    Mode,
    Route,
    SoakCheck,
    Transfer,
    Trigger,
)
from orchestrator.policy.shape import Section
from orchestrator.policy.stated import expression_at
from orchestrator.policy.variables import nearest

DEFAULT_REF = "main"
DEFAULT_EVIDENCE_TIMEOUT = "7d"
_NOT_IN_A_SIGNAL = ("metrics", "champion", "evidence", "jobs")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a route is read against: the stated environments, those of them that fit, and its file's `github`."""

    stated: tuple[Section, ...]
    environments: tuple[Environment, ...]
    github: Section | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all stated environments."""
        return tuple(name_of(section) for section in self.stated)

    def environment(self, name: str | None) -> Environment | None:
        """The environment of a name, where it fits."""
        return next((environment for environment in self.environments if environment.name == name), None)

    def leaves_out(self, name: str, key: str) -> bool:
        """Whether the environment of a name does not state a key, not even wrongly."""
        return any(name_of(section) == name and key not in section.stated for section in self.stated)


def read_route(section: Section, around: Surroundings, mistakes: list[Mistake]) -> Route | None:
    """The route of a section; None, and at least one mistake (here or in its environment), when there is none."""
    before = len(mistakes)
    mistakes.extend(_end_mistakes(section, around))
    mistakes.extend(_trigger_mistakes(section))
    only = _expression(section, "only", around, mistakes)
    mistakes.extend(_only_mistakes(section, only))
    inputs = read_inputs(section, around.names, mistakes)
    checks = _checks(section, around, mistakes)
    name, workflow = section.text("name"), section.text("workflow")
    source, target = around.environment(section.text("from")), around.environment(section.text("to"))
    repository = _resolved("repository", section, target, around)
    if repository is None and target is not None and not _states_repository(section, around):
        what = "no repository is stated for this route"
        mistakes.append(section.place.mistake(what, "github: {repository: owner/name} at the top, or here"))
    if len(mistakes) > before or not (name and workflow and source and target and target.gate and repository):
        return None
    return Route(
        name=name,
        models=section.texts("models"),
        experiments=section.texts("experiments"),
        as_name=section.text("as"),
        all_runs=section.text("runs") == "all",
        from_environment=source.name,
        to=target.name,
        on=_triggers(section),
        only=only,
        repository=repository,
        ref=_resolved("ref", section, target, around) or DEFAULT_REF,
        workflow=workflow,
        github_environment=_own_github(section, "environment") or target.github_environment,
        gate=Gate(target.gate),
        transfer=Transfer(section.text("transfer") or Transfer.COPY),
        inputs=inputs,
        checks=checks,
        mode=Mode(section.text("mode") or Mode.ENABLED),
        evidence_timeout=duration(section.text("evidence_timeout") or DEFAULT_EVIDENCE_TIMEOUT),
    )


def duration(text: str) -> timedelta:
    """The duration of a text such as `90m`, `24h` or `7d` that fits the pattern in the table of keys."""
    number = int(text[:-1])
    match text[-1]:
        case "m":
            return timedelta(minutes=number)
        case "h":
            return timedelta(hours=number)
        case _:
            return timedelta(days=number)


def _end_mistakes(section: Section, around: Surroundings) -> Iterator[Mistake]:
    start, end = section.text("from"), section.text("to")
    for key, name in (("from", start), ("to", end)):
        if name is not None and around.names and name not in around.names:
            what = f'there is no environment "{name}"{nearest(name, around.names)}'
            yield section.scalars[key].place.mistake(what, ", ".join(around.names))
    if start is not None and start == end:
        yield section.scalars["to"].place.mistake(f'the route leads from "{start}" to itself', "two environments")
    if end is not None and around.leaves_out(end, "gate"):
        what = f'"{end}" states no gate, and a route leads there'
        yield section.scalars["to"].place.mistake(what, f"gate: required (or none) at environments.{end}")


def _trigger_mistakes(section: Section) -> Iterator[Mistake]:
    words = section.texts("on")
    if not words:
        return
    on_run, otherwise = "run-completed" in words, set(words) != {"run-completed"}
    if len(set(words)) < len(words):
        yield section.at("on").mistake("a signal is here twice", "each once")
    if on_run and "experiments" not in section.stated:
        yield section.at("on").mistake("run-completed needs to know which experiments count", 'experiments: ["NAME-*"]')
    if otherwise and "models" not in section.stated:
        others = ", ".join(word for word in words if word != "run-completed")
        yield section.at("on").mistake(f"{others} needs to know which models count", 'models: ["NAME-*"]')
    if not otherwise and "models" in section.stated:
        what = "run-completed is about experiments; the model's name comes from `as`"
        yield section.at("models").mistake(what, "experiments in place of models")
    for key in ("experiments", "as", "runs"):
        if not on_run and key in section.stated:
            yield section.at(key).mistake(f'"{key}" is for run-completed only', "on: [run-completed], or leave it out")


def _only_mistakes(section: Section, only: Expression | None) -> Iterator[Mistake]:
    """A route is for what a signal carries; what is measured is read later, and decides in a check."""
    for path in only.reads if only else ():
        if path.startswith(_NOT_IN_A_SIGNAL):
            what = f'"only" reads {path}, which no signal carries: the route would never open'
            yield section.at("only").mistake(
                what, "model, tags, properties, run, event; what is measured goes to checks"
            )


def _triggers(section: Section) -> frozenset[Trigger]:
    return frozenset(Trigger(word) for word in section.texts("on"))


def _expression(section: Section, key: str, around: Surroundings, mistakes: list[Mistake]) -> Expression | None:
    scalar = section.scalars.get(key)
    return expression_at(scalar, around.names, mistakes) if scalar else None


def _checks(section: Section, around: Surroundings, mistakes: list[Mistake]) -> tuple[Check, ...]:
    seen: dict[str, int] = {}
    found = []
    for entry in section.sections.get("checks", ()):
        check = _soak_check(entry, mistakes) if "soak" in entry.stated else _expression_check(entry, around, mistakes)
        name = f"soak {entry.text('soak')}" if "soak" in entry.stated else entry.text("name")
        if name in RESERVED_CHECKS:
            what = f'a check cannot be named "{name}": that is what `override --check {name}` means'
            mistakes.append(entry.at("name").mistake(what, "another name"))
        elif name in seen:
            what = f'the check "{name}" is here twice; the first is on line {seen[name]}'
            mistakes.append(entry.at("name").mistake(what, "each name once in a route"))
        elif name:
            seen[name] = entry.place.line
        if check:
            found.append(check)
    return tuple(found)


def _soak_check(entry: Section, mistakes: list[Mistake]) -> SoakCheck | None:
    for key in ("name", "expect", "when"):
        if key in entry.stated:
            what = f'"{key}" does not go with "soak": a soak time is a check of its own'
            mistakes.append(entry.at(key).mistake(what, f"soak alone: {DURATION_ALLOWS}"))
    text = entry.text("soak")
    return SoakCheck(f"soak {text}", duration(text)) if text else None


def _expression_check(entry: Section, around: Surroundings, mistakes: list[Mistake]) -> ExpressionCheck | None:
    for key in ("name", "expect"):
        if key not in entry.stated:
            what = f'the key "{key}" is missing here: a check has a name and what it expects'
            mistakes.append(entry.place.mistake(what, "name and expect (and when), or soak alone"))
    expect = _expression(entry, "expect", around, mistakes)
    when = _expression(entry, "when", around, mistakes)
    name = entry.text("name")
    return ExpressionCheck(name, expect, when) if name and expect else None


def _resolved(key: str, section: Section, target: Environment | None, around: Surroundings) -> str | None:
    """The route's own word first, then its target's, then its file's."""
    targets = {"repository": target.repository, "ref": target.ref} if target else {}
    return _own_github(section, key) or targets.get(key) or (around.github.text(key) if around.github else None)


def _states_repository(section: Section, around: Surroundings) -> bool:
    """Whether a repository is stated anywhere for the route, be it wrongly: that is a mistake of its own."""
    target = [each for each in around.stated if name_of(each) == section.text("to")]
    githubs = [github for each in (section, *target) for github in each.sections.get("github", ())]
    return any("repository" in github.stated for github in (*githubs, around.github) if github)


def _own_github(section: Section, key: str) -> str | None:
    github = next(iter(section.sections.get("github", ())), None)
    return github.text(key) if github else None
