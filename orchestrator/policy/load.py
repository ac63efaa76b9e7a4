"""YAML in, Policy out; or everything that is wrong with it, in one go."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from pathlib import Path

from orchestrator.policy.environments import read_environments
from orchestrator.policy.expressions import Expression
from orchestrator.policy.facts import JSON
from orchestrator.policy.keys import FILE
from orchestrator.policy.mistakes import Mistake, PolicyMistakes
from orchestrator.policy.overlaps import overlap_warnings
from orchestrator.policy.paths import cycle_mistakes, name_mistakes, workspace_mistakes
from orchestrator.policy.policy import Environment, Policy, Route
from orchestrator.policy.routes import Surroundings, read_route
from orchestrator.policy.shape import Section, read_section
from orchestrator.policy.templates import Template
from orchestrator.policy.yaml_text import read_yaml


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: a policy, or mistakes; and warnings, which stop nothing."""

    policy: Policy | None
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]


def load_policy(path: Path) -> Policy:
    """The policy of a file, or of a folder whose `*.yaml` files are one policy. Raises PolicyMistakes."""
    return parse_policy(read_files(path))


def parse_policy(files: Mapping[str, str]) -> Policy:
    """The policy of texts by file name. Raises PolicyMistakes, which holds every mistake of all files."""
    policy, _, mistakes = _read(files)
    if policy is None:
        raise PolicyMistakes(mistakes)
    return policy


def check_policy(files: Mapping[str, str]) -> Checked:
    """Everything that can be said about the texts of a policy, by file name."""
    policy, sections, mistakes = _read(files)
    if policy is None:
        return Checked(None, tuple(sorted(set(mistakes))), ())
    by_name = {section.text("name") or "": section for section in sections}
    return Checked(policy, (), tuple(overlap_warnings(by_name, policy.routes)))


def _read(files: Mapping[str, str]) -> tuple[Policy | None, list[Section], list[Mistake]]:
    """The policy if there are no mistakes, the sections of its routes, and the mistakes."""
    mistakes: list[Mistake] = []
    if not files:
        mistakes.append(Mistake("policy", 0, 0, "there is no file", allowed="at least one *.yaml file"))
    sections = [section for name, text in files.items() if (section := _file_section(name, text, mistakes))]
    if len(sections) < len(files) or not sections:
        return None, [], mistakes  # what the unreadable file would have named, others would miss
    stated = tuple(each for section in sections for each in section.sections.get("environments", ()))
    environments = read_environments(stated, mistakes)
    if not stated and not mistakes:
        mistakes.append(sections[0].place.mistake("the policy names no environment", "environments: {NAME: ...}"))
    routes: list[Route] = []
    for section in sections:
        around = Surroundings(stated, environments, next(iter(section.sections.get("github", ())), None))
        found = (read_route(route, around, mistakes) for route in section.sections.get("promotions", ()))
        routes.extend(route for route in found if route)
    route_sections = [route for section in sections for route in section.sections.get("promotions", ())]
    mistakes.extend(name_mistakes(route_sections))
    mistakes.extend(workspace_mistakes(route_sections, environments))
    mistakes.extend(cycle_mistakes(route_sections, routes))
    policy = None if mistakes else Policy(environments, tuple(routes), _digest(environments, routes))
    return policy, route_sections, mistakes


def read_files(path: Path) -> dict[str, str]:
    """The texts of a policy file, or of the `*.yaml` files of a folder, by path. Raises PolicyMistakes."""
    try:
        paths = _policy_files(path) if path.is_dir() else [path]
        contents = {str(each): each.read_bytes() for each in paths}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        what = f"the policy cannot be read: {reason}"
        raise PolicyMistakes(
            [Mistake(str(path), 0, 0, what, allowed="ORCHESTRATOR_POLICY: a file or folder")]
        ) from error
    mistakes: list[Mistake] = []
    texts = {name: _text(name, content, mistakes) for name, content in contents.items()}
    if mistakes:
        raise PolicyMistakes(mistakes)
    return texts


def _policy_files(folder: Path) -> list[Path]:
    seen = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    wrong = [
        Mistake(str(each), 0, 0, "this file would not be read", allowed="rename it to *.yaml, or move it away")
        for each in seen
        if each.suffix in (".yml", ".YAML", ".YML")
    ]
    if wrong:
        raise PolicyMistakes(wrong)
    found = [each for each in seen if each.suffix == ".yaml"]
    if not found:
        raise PolicyMistakes([Mistake(str(folder), 0, 0, "the folder holds no policy", allowed="files named *.yaml")])
    return found


def _text(file: str, content: bytes, mistakes: list[Mistake]) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        what = f"byte 0x{content[error.start]:02x} is not UTF-8"
        mistakes.append(Mistake(file, line, column, what, allowed="a file saved as UTF-8"))
        return ""


def _file_section(file: str, text: str, mistakes: list[Mistake]) -> Section | None:
    node = read_yaml(file, text, mistakes)
    return read_section(node, FILE, mistakes) if node else None


def _digest(environments: tuple[Environment, ...], routes: list[Route]) -> str:
    """sha256 of what the policy means: defaults written out, comments, layout and file names left out."""
    content = _canonical({"environments": environments, "routes": routes})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _canonical(value: object) -> JSON:
    match value:
        case Expression() | Template():
            return value.text
        case timedelta():
            return int(value.total_seconds())
        case frozenset():
            return [str(item) for item in sorted(value)]
        case tuple() | list():
            return [_canonical(item) for item in value]
        case dict():
            return {str(key): _canonical(item) for key, item in value.items()}
        case None | bool() | int() | str():
            return value
        case _ if is_dataclass(value):
            return {field.name: _canonical(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a policy")
