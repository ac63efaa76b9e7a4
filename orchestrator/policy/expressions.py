"""Conditions of the policy in the Common Expression Language: compiled when the policy is loaded, answered from facts.

Language: https://github.com/google/cel-spec/blob/master/doc/langdef.md. An answer has four values, because a name
that is not there yet is neither yes nor no; the library keeps that through && and ||.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orchestrator.errors import PersonError
from orchestrator.policy import cel_library
from orchestrator.policy.cel_library import CompileError, Complaint, Program, Trouble
from orchestrator.policy.facts import JSON, Absent, Facts, bind, find, observed
from orchestrator.policy.mistakes import printable
from orchestrator.policy.reads import Fault, is_number, survey
from orchestrator.policy.syntax_tree import Tree, read_tree
from orchestrator.policy.variables import SIGNATURES, Path, spell

LONGEST_EXPRESSION = 4096

_OPERATOR = re.compile(r"'(?:@|_)*([^\w\s']+|in)_*' applied to '\((.*)\)'")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container ''\)")
_IN_WORDS = {"STRING": "text", "DOUBLE": "a number", "INT": "a number", "UINT": "a number", "TIMESTAMP": "a time"}
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Holds:
    """The condition is true."""


@dataclass(frozen=True, slots=True)
class Fails:
    """The condition is false."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the expression reads is not there (yet); `path` names it where it is known."""

    path: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The expression cannot be answered from these facts, and waiting does not mend it."""

    message: str


Answer = Holds | Fails | Missing | Broken


class ExpressionMistake(PersonError):
    """An expression that cannot be used. Line and column count from 1, in the expression's own text.

    `pointer` shows the line with a caret below the column; `more` holds further mistakes of the same expression.
    """

    def __init__(self, text: str, fault: Fault, *, more: tuple["ExpressionMistake", ...] = ()) -> None:
        before = text[: fault.offset]
        self.line = before.count("\n") + 1
        self.column = len(before) - (before.rfind("\n") + 1) + 1
        self.message = fault.message
        self.allowed = fault.allowed
        self.more = more
        source = text.split("\n")[self.line - 1].replace("\t", " ")
        self.pointer = printable(f"{source}\n{' ' * (self.column - 1)}^", keep="\n")
        super().__init__(f"{self.line}:{self.column}: {self.message}\n{self.pointer}")


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Two with one text are equal. Safe to evaluate from several threads at once."""

    text: str
    digest: str = field(compare=False)
    reads: tuple[str, ...] = field(compare=False)
    paths: tuple[Path, ...] = field(compare=False, repr=False)
    program: Program = field(compare=False, repr=False)

    def evaluate(self, facts: Facts) -> Answer:
        """Whether the condition holds. `facts` are nested mappings: `{"tags": {"stage": "candidate"}, ...}`."""
        value = self.value(facts)
        match value:
            case True:
                return Holds()
            case False:
                return Fails()
            case Missing() | Broken():
                return value
            case _:
                return Broken(f"it gives {str(value)[:100]}, which is neither true nor false")

    def value(self, facts: Facts) -> object:
        """The plain value for the facts, or Missing, or Broken."""
        outcome = cel_library.evaluate(self.program, bind(self.paths, facts))
        return self._explain(outcome, facts) if isinstance(outcome, Trouble) else outcome

    def observe(self, facts: Facts) -> dict[str, JSON]:
        """The values of `reads` that exist, as JSON; champion as a whole is shown by its version."""
        seen: dict[str, JSON] = {}
        for path in self.paths:
            value = find(facts, path)
            if path == ("champion",) and value is not None:
                value = find(facts, ("champion", "version"))
            if not isinstance(value, Absent):
                seen[spell(path)] = observed(value)
        return seen

    def _explain(self, trouble: Trouble, facts: Facts) -> Missing | Broken:
        no_variable = trouble.message.startswith("No value with name")
        if trouble.status == "NOT_FOUND" or no_variable:
            path = self._missing_path(trouble, facts)
            if path and path[0] == "champion" and find(facts, ("champion",)) is None:
                return Missing(spell(path), f"{spell(path)}: there is no champion; `when: champion != null` asks first")
            return _missing(path, facts) if path else Missing(None, trouble.message)
        if "No matching overloads" in trouble.message:
            hint = "metrics are decimal numbers (write 1.0, not 1); tags and properties are text"
            return Broken(f"{trouble.message}; {hint}")
        return Broken(trouble.message)

    def _missing_path(self, trouble: Trouble, facts: Facts) -> Path | None:
        absent = [path for path in self.paths if isinstance(find(facts, path), Absent)]
        quoted = _QUOTED.search(trouble.message)
        name = quoted[1] if quoted else ""
        return next((path for path in absent if name in path or spell(path).startswith(name)), None)


def _missing(path: Path, facts: Facts) -> Missing:
    above = find(facts, path[:-1])
    if isinstance(above, Mapping) and path[-1] in above:
        return Missing(spell(path), f"{spell(path)} was measured as NaN, which is no number")
    return Missing(spell(path), f"{spell(path)} is not there")


def compile_expression(text: str, *, condition: bool = True, environments: Collection[str] | None = None) -> Expression:
    """The expression of a text; a `condition` must give true or false.

    `environments`, where known, are the names that may follow `evidence`. Raises ExpressionMistake.
    """
    _refuse_by_look(text)
    tree = _parsed(text)
    found = survey(tree, environments)
    _refuse(text, found.faults)
    try:
        program, gives = cel_library.compile_checked(text, SIGNATURES)
    except CompileError as error:
        raise _mistake_of(text, error) from error
    if condition:
        _refuse_no_condition(text, tree, gives)
    paths = tuple(found.paths)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Expression(text, digest, tuple(spell(path) for path in paths), paths, program)


def _refuse_by_look(text: str) -> None:
    if not text.strip():
        _refuse(text, [Fault(0, "the expression is empty", 'such as tags.stage == "candidate"')])
    if len(text) > LONGEST_EXPRESSION:
        what = f"the expression has {len(text):,} characters"
        _refuse(text[:1], [Fault(0, what, f"at most {LONGEST_EXPRESSION:,}; split it into several checks")])
    for offset, char in enumerate(text):
        if char not in "\n\t" and (ord(char) < 0x20 or 0xD800 <= ord(char) <= 0xDFFF):
            _refuse(text, [Fault(offset, f"the character U+{ord(char):04X} is not allowed in an expression")])


def _parsed(text: str) -> Tree:
    try:
        return read_tree(cel_library.parse(text, SIGNATURES))
    except CompileError as error:
        raise _mistake_of(text, error) from error


def _refuse_no_condition(text: str, tree: Tree, gives: str) -> None:
    if is_number(tree) or gives not in ("BOOL", "DYN"):
        kind = "a number" if is_number(tree) else _IN_WORDS.get(gives, gives.lower())
        what = f"the expression gives {kind}, not true or false"
        _refuse(text, [Fault(0, what, "a comparison, such as ... >= 0.85")])


def _refuse(text: str, faults: list[Fault]) -> None:
    if faults:
        first, *others = sorted(faults, key=lambda fault: fault.offset)
        raise ExpressionMistake(text, first, more=tuple(ExpressionMistake(text, fault) for fault in others))


def _mistake_of(text: str, error: CompileError) -> ExpressionMistake:
    """The first thing that the library complains about; what follows a mistake is mostly its echo."""
    complaint = error.complaints[0]
    lines = text.split("\n")
    line = min(complaint.line, len(lines))
    offset = sum(len(above) + 1 for above in lines[: line - 1]) + min(complaint.column, len(lines[line - 1]) + 1) - 1
    message, allowed = _in_words(complaint)
    undeclared = _UNDECLARED.search(complaint.message)
    if undeclared and text[:offset].endswith(undeclared[1]):
        offset -= len(undeclared[1])
    return ExpressionMistake(text, Fault(offset, message, allowed))


def _in_words(complaint: Complaint) -> tuple[str, str]:
    message = complaint.message
    if "recursion" in message:
        return "the expression is nested too deep", "at most 32 levels; split it into several checks"
    if message.startswith("Syntax error"):
        return _syntax_in_words(message), ""
    if "cannot be the operand of a select" in message:
        return f'{message}; a name with dots is written tags["a.b"]', ""
    match = _OPERATOR.search(message)
    if match and "no matching overload" in message:
        hint = "tags and properties are text: write double(tags.NAME) to compare with a number"
        return f'"{match[1]}" does not take ({match[2]})', hint if "string" in match[2] else ""
    return _UNDECLARED.sub(r'there is no function or variable "\1"', message), ""


def _syntax_in_words(message: str) -> str:
    told = message.partition(" expecting ")[0]
    if "'<EOF>'" in told:
        return "the expression ends too early"
    if "token recognition error" in told and "'= " in told:
        return "a single = compares nothing; write =="
    return told.replace("Syntax error", "syntax error")
