"""Holds a YAML tree against the table of keys; what fits becomes sections whose values have the right form."""

import re
from collections.abc import Mapping as Lookup
from dataclasses import dataclass

from orchestrator.policy.keys import LATER_KEYS, LATER_TRIGGERS, Key, Takes
from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.variables import nearest
from orchestrator.policy.yaml_text import Kind, Listing, Mapping, Node, Place, Scalar


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping that was held against its keys. What did not fit is left out, and is in the mistakes."""

    place: Place
    label: Scalar | None
    stated: Lookup[str, Place]
    scalars: Lookup[str, Scalar]
    lists: Lookup[str, tuple[Scalar, ...]]
    sections: Lookup[str, tuple["Section", ...]]
    inputs: tuple[tuple[Scalar, Scalar], ...]

    def text(self, key: str) -> str | None:
        """The text at a key, None where it is not stated or did not fit."""
        return self.scalars[key].text if key in self.scalars else None

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts at a key, empty where it is not stated."""
        return tuple(scalar.text for scalar in self.lists.get(key, ()))

    def at(self, key: str) -> Place:
        """Where a key stands, or where its section begins."""
        return self.stated.get(key, self.place)


@dataclass(slots=True)
class _Parts:
    """The parts of a section as they are found."""

    stated: dict[str, Place]
    scalars: dict[str, Scalar]
    lists: dict[str, tuple[Scalar, ...]]
    sections: dict[str, tuple[Section, ...]]
    inputs: tuple[tuple[Scalar, Scalar], ...] = ()


def read_section(
    node: Node, keys: tuple[Key, ...], mistakes: list[Mistake], *, label: Scalar | None = None
) -> Section | None:
    """The section of a mapping; None, and a mistake, where there is no mapping. `label` is the key it stands at."""
    place = label.place if label else node.place
    if not isinstance(node, Mapping):
        mistakes.append(place.mistake(f"keys and values are expected here, not {_form(node)}", _names(keys)))
        return None
    known = {key.name: key for key in keys}
    parts = _Parts({}, {}, {}, {})
    for name, value in node.entries:
        if name.text in known:
            parts.stated[name.text] = name.place
            _read_value(known[name.text], name, value, parts, mistakes)
        else:
            mistakes.append(_unknown(name, keys))
    mistakes.extend(
        place.mistake(f'the key "{key.name}" is missing here: {key.says}', _allowed(key))
        for key in keys
        if key.required and key.name not in parts.stated
    )
    return Section(place, label, parts.stated, parts.scalars, parts.lists, parts.sections, parts.inputs)


def _read_value(key: Key, name: Scalar, value: Node, parts: _Parts, mistakes: list[Mistake]) -> None:
    match key.takes:
        case Takes.VERSION | Takes.TEXT | Takes.WORD | Takes.EXPRESSION:
            scalar = _scalar(key, name, value, mistakes)
            if scalar:
                parts.scalars[key.name] = scalar
        case Takes.TEXTS | Takes.WORDS:
            parts.lists[key.name] = _list(key, name, value, mistakes)
        case Takes.SECTION:
            section = read_section(value, key.of, mistakes, label=name)
            parts.sections[key.name] = (section,) if section else ()
        case Takes.SECTIONS:
            parts.sections[key.name] = _sections(key, name, value, mistakes)
        case Takes.NAMED_SECTIONS:
            parts.sections[key.name] = _named_sections(key, name, value, mistakes)
        case Takes.INPUTS:
            parts.inputs = _inputs(name, value, mistakes)


def _scalar(key: Key, name: Scalar, value: Node, mistakes: list[Mistake]) -> Scalar | None:
    if not isinstance(value, Scalar):
        mistakes.append(name.place.mistake(f'"{name.text}" takes one value, not {_form(value)}', _allowed(key)))
        return None
    what = _wrong(key, value)
    if what:
        place = value.place if value.text else name.place
        mistakes.append(place.mistake(f'"{name.text}" {what}', _allowed(key)))
        return None
    return value


def _wrong(key: Key, value: Scalar) -> str:
    """What is wrong with a value, to be read after the key's name; nothing when it fits."""
    if value.kind is Kind.NOTHING:
        return "has no value"
    if key.takes is Takes.EXPRESSION:
        return ""
    if key.takes is Takes.VERSION:
        fits = value.kind is Kind.INTEGER and value.text == "1"
        return "" if fits else f"is {_shown(value)}, which this version cannot read"
    if value.text in LATER_TRIGGERS and key.name == "on":
        return f"cannot be {value.text} in this version: nothing would happen"
    if value.text not in key.words if key.words else not re.fullmatch(key.pattern, value.text):
        return f"cannot be {_shown(value)}{nearest(value.text, key.words)}"
    if value.kind is not Kind.TEXT:
        return f"is text, but {value.text} is {value.kind} for YAML: put it in quotes"
    return ""


def _list(key: Key, name: Scalar, value: Node, mistakes: list[Mistake]) -> tuple[Scalar, ...]:
    if not isinstance(value, Listing):
        example = f" ([{value.text}])" if isinstance(value, Scalar) and value.text else ""
        what = f'"{name.text}" takes a list{example}, not {_form(value)}'
        mistakes.append(name.place.mistake(what, _allowed(key)))
        return ()
    if not value.items:
        mistakes.append(name.place.mistake(f'"{name.text}" is an empty list', _allowed(key)))
    found = (_scalar(key, name, item, mistakes) for item in value.items)
    return tuple(scalar for scalar in found if scalar)


def _sections(key: Key, name: Scalar, value: Node, mistakes: list[Mistake]) -> tuple[Section, ...]:
    if not isinstance(value, Listing):
        what = f'"{name.text}" takes a list (lines that begin with "- "), not {_form(value)}'
        mistakes.append(name.place.mistake(what, f"a list of entries with {_names(key.of)}"))
        return ()
    found = (read_section(item, key.of, mistakes) for item in value.items)
    return tuple(section for section in found if section)


def _named_sections(key: Key, name: Scalar, value: Node, mistakes: list[Mistake]) -> tuple[Section, ...]:
    if not isinstance(value, Mapping):
        what = f'"{name.text}" takes names, each with its keys, not {_form(value)}'
        mistakes.append(name.place.mistake(what, f"NAME: with {_names(key.of)}"))
        return ()
    sections = []
    for label, node in value.entries:
        if not re.fullmatch(key.pattern, label.text):
            mistakes.append(label.place.mistake(f"{_shown(label)} is no name", key.allows))
        section = read_section(node, key.of, mistakes, label=label)
        if section:
            sections.append(section)
    return tuple(sections)


def _inputs(name: Scalar, value: Node, mistakes: list[Mistake]) -> tuple[tuple[Scalar, Scalar], ...]:
    if not isinstance(value, Mapping):
        mistakes.append(name.place.mistake(f'"{name.text}" takes names with values, not {_form(value)}'))
        return ()
    found = []
    for key, entry in value.entries:
        if isinstance(entry, Scalar):
            found.append((key, entry))
        else:
            what = f'the input "{key.text}" takes one text, not {_form(entry)}'
            mistakes.append(key.place.mistake(what, "text with ${CEL}, or null"))
    return tuple(found)


def _unknown(name: Scalar, keys: tuple[Key, ...]) -> Mistake:
    if name.text in LATER_KEYS:
        what = f'"{name.text}" ({LATER_KEYS[name.text]}) is not in this version: it would not be enforced. Leave it out'
        return name.place.mistake(what, _names(keys))
    known = [key.name for key in keys]
    return name.place.mistake(f"there is no key {_shown(name)} here{nearest(name.text, known)}", _names(keys))


def _shown(scalar: Scalar) -> str:
    text = scalar.text if len(scalar.text) <= 100 else scalar.text[:100] + "..."
    return f'"{text}"'


def _names(keys: tuple[Key, ...]) -> str:
    return ", ".join(key.name for key in keys)


def _allowed(key: Key) -> str:
    match key.takes:
        case Takes.VERSION:
            return "1"
        case Takes.WORD | Takes.WORDS:
            return ", ".join(key.words)
        case Takes.EXPRESSION:
            return 'a CEL expression, such as tags.stage == "candidate"'
        case Takes.TEXT | Takes.TEXTS:
            return key.allows
        case Takes.SECTION | Takes.SECTIONS | Takes.NAMED_SECTIONS | Takes.INPUTS:
            return _names(key.of)


def _form(node: Node) -> str:
    match node:
        case Scalar(kind=Kind.NOTHING):
            return "nothing"
        case Scalar():
            return f"the value {_shown(node)}"
        case Listing():
            return "a list"
        case Mapping():
            return "keys and values"
