"""The environments of a policy."""

from collections.abc import Iterable

from orchestrator.policy.keys import RESERVED_ENVIRONMENTS
from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.policy import Environment, Gate
from orchestrator.policy.shape import Section


def read_environments(sections: Iterable[Section], mistakes: list[Mistake]) -> tuple[Environment, ...]:
    """The environments whose sections fit; names are compared without letter case, as GitHub does."""
    seen: dict[str, Section] = {}
    found = []
    for section in sections:
        name = name_of(section)
        first = seen.setdefault(name.lower(), section)
        if name.lower() in RESERVED_ENVIRONMENTS:
            what = f'an environment cannot be named "{name}": ids of promotions begin with that word'
            mistakes.append(section.place.mistake(what, f"any name but {', '.join(RESERVED_ENVIRONMENTS)}"))
        if first is not section:
            what = f'the environment "{name}" is here twice; the first is {first.place.file}:{first.place.line}'
            mistakes.append(section.place.mistake(what, "each name once, whatever its letter case"))
        elif environment := _environment(name, section):
            found.append(environment)
    return tuple(found)


def name_of(section: Section) -> str:
    """The name at which an environment's section stands."""
    return section.label.text if section.label else ""


def _environment(name: str, section: Section) -> Environment | None:
    workspace, gate = section.text("workspace"), section.text("gate")
    github = next(iter(section.sections.get("github", ())), None)
    if workspace is None:
        return None
    return Environment(
        name=name,
        workspace=workspace,
        gate=Gate(gate) if gate else None,
        github_environment=(github and github.text("environment")) or name,
        repository=github.text("repository") if github else None,
        ref=github.text("ref") if github else None,
    )
