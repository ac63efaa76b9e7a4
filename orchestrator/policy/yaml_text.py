"""YAML text as a tree whose every node knows its file, line and column.

ruamel.yaml scans and parses; the tree is built here from its events, without recursion, so that no text can exhaust
the stack or unfold a small file into a huge one. Scalars keep the text as it was written: a policy never depends
on how a number or a date is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from orchestrator.policy.mistakes import Mistake

LARGEST_FILE = 256 * 1024
DEEPEST = 20
MOST_NODES = 20_000


class Kind(StrEnum):
    """What YAML takes a scalar for; the value is the word used in messages."""

    TEXT = "text"
    NUMBER = "a number"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    NOTHING = "nothing"
    DATE = "a date"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, with its source line. Line and column count from 1."""

    file: str
    line: int
    column: int
    source: str

    def mistake(self, what: str, allowed: str = "") -> Mistake:
        """A mistake at this place."""
        return Mistake(self.file, self.line, self.column, what, (self.source,), allowed)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `block` are the source lines it spans, from the line of its place on."""

    place: Place
    text: str
    kind: Kind
    block: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping; keys are scalars, unique, and in the order of the file."""

    place: Place
    entries: tuple[tuple[Scalar, "Node"], ...]


Node = Scalar | Listing | Mapping

_KINDS = {
    "tag:yaml.org,2002:null": Kind.NOTHING,
    "tag:yaml.org,2002:bool": Kind.BOOLEAN,
    "tag:yaml.org,2002:int": Kind.INTEGER,
    "tag:yaml.org,2002:float": Kind.NUMBER,
    "tag:yaml.org,2002:timestamp": Kind.DATE,
}


def read_yaml(file: str, text: str, mistakes: list[Mistake]) -> Node | None:
    """The tree of one file; None, and at least one mistake, when there is none."""
    if len(text) > LARGEST_FILE:
        what = f"the file holds {len(text):,} characters"
        allowed = f"at most {LARGEST_FILE:,} characters; a policy may be a folder of files"
        mistakes.append(Mistake(file, 0, 0, what, allowed=allowed))
        return None
    lines = tuple(text.splitlines())
    before = len(mistakes)
    tree = _Tree(file, lines, mistakes)
    try:
        tree.build(_events(text))
    except MarkedYAMLError as error:
        mistakes.append(_syntax_mistake(file, lines, error))
    except ReaderError as error:
        mistakes.append(_character_mistake(file, text, error))
    except (YAMLError, ValueError, OverflowError) as error:
        mistakes.append(Mistake(file, 0, 0, f"this is not YAML: {error}"))
    if len(mistakes) > before:
        return None
    if tree.root is None:
        mistakes.append(Mistake(file, 0, 0, "the file is empty", allowed="version, github, environments, promotions"))
    return tree.root


def _events(text: str) -> Iterator[Event]:
    yield from YAML(typ="safe", pure=True).parse(text)


def _syntax_mistake(file: str, lines: tuple[str, ...], error: MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    what = f"this is not YAML: {error.problem or error.context}"
    if error.problem and error.context:
        what += f" ({error.context})"
    if mark is None:
        return Mistake(file, 0, 0, what)
    allowed = "indent with spaces, never with tabs" if "\\t" in str(error.problem) else ""
    return _place(file, lines, mark.line, mark.column).mistake(what, allowed)


def _character_mistake(file: str, text: str, error: ReaderError) -> Mistake:
    before = text[: error.position]
    line = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    what = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
    source = text.split("\n")[line]
    return Mistake(file, line + 1, column + 1, what, (source,), "printable characters, tab and line ends")


def _place(file: str, lines: tuple[str, ...], line: int, column: int) -> Place:
    source = lines[line] if line < len(lines) else ""
    return Place(file, line + 1, column + 1, source)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; `size` counts its values with aliases written out."""

    start: CollectionStartEvent
    nodes: list[Node]
    size: int = 1


class _Tree:
    """Builds the tree of one file, one event at a time."""

    def __init__(self, file: str, lines: tuple[str, ...], mistakes: list[Mistake]) -> None:
        self.root: Node | None = None
        self._file = file
        self._lines = lines
        self._mistakes = mistakes
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = 0
        self._resolver = YAML(typ="safe", pure=True).resolver

    def build(self, events: Iterator[Event]) -> None:
        """Take all events, or stop at the first that leaves no sensible tree."""
        for event in events:
            if not self._take(event):
                return

    def _take(self, event: Event) -> bool:
        match event:
            case DocumentStartEvent():
                self._documents += 1
                return self._documents == 1 or self._stop(event, "a second YAML document starts here", "one document")
            case AliasEvent():
                return self._alias(event)
            case ScalarEvent():
                return self._untagged(event) and self._add(event, self._scalar(event), 1)
            case CollectionStartEvent():
                if len(self._open) == DEEPEST:
                    return self._stop(event, f"this is nested deeper than {DEEPEST} levels")
                self._open.append(_Open(event, []))
                return self._untagged(event)
            case MappingEndEvent():
                done = self._open.pop()
                return self._add(done.start, self._mapping(done), done.size)
            case SequenceEndEvent():
                done = self._open.pop()
                return self._add(done.start, Listing(self._at(done.start), tuple(done.nodes)), done.size)
            case _:
                return True

    def _alias(self, event: AliasEvent) -> bool:
        known = self._anchors.get(event.anchor)
        if known is None:
            return self._stop(event, f"*{event.anchor} stands for nothing: no &{event.anchor} ends before it")
        return self._add(event, known[0], known[1])

    def _add(self, event: NodeEvent, node: Node, size: int) -> bool:
        if size > MOST_NODES:
            return self._stop(event, f"with its aliases written out this holds more than {MOST_NODES:,} values")
        if event.anchor and not isinstance(event, AliasEvent):
            self._anchors[event.anchor] = (node, size)
        if self._open:
            self._open[-1].nodes.append(node)
            self._open[-1].size += size
        else:
            self.root = node
        return True

    def _mapping(self, done: _Open) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._mistakes.append(key.place.mistake("a key must be a single word or text"))
            elif key.text in seen:
                what = f'the key "{key.text}" is here twice; the first is on line {seen[key.text]}'
                self._mistakes.append(key.place.mistake(what, "each key once"))
            else:
                seen[key.text] = key.place.line
                entries.append((key, value))
        return Mapping(self._at(done.start), tuple(entries))

    def _scalar(self, event: ScalarEvent) -> Scalar:
        last = max(event.end_mark.line, event.start_mark.line)
        block = self._lines[event.start_mark.line : last + 1]
        return Scalar(self._at(event), event.value, self._kind(event), block)

    def _kind(self, event: ScalarEvent) -> Kind:
        tag = self._resolver.resolve(ScalarNode, event.value, event.implicit)
        return _KINDS.get(str(tag), Kind.TEXT)

    def _untagged(self, event: ScalarEvent | CollectionStartEvent) -> bool:
        if event.tag is None:
            return True
        return self._stop(event, f"the tag {event.tag} is not used in a policy", "plain values without a tag")

    def _at(self, event: Event) -> Place:
        return _place(self._file, self._lines, event.start_mark.line, event.start_mark.column)

    def _stop(self, event: Event, what: str, allowed: str = "") -> bool:
        self._mistakes.append(self._at(event).mistake(what, allowed))
        return False
