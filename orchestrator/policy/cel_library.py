"""The edge to the CEL library, cel-expr-python, which ships without type information: nothing else imports it.

Measured with version 0.1.3: an evaluation spends at most 10,000 loop iterations in all, and an expression nested
deeper than 32 levels does not compile. Neither limit can be set, so the tests hold the library to both. An
expression's tree is had from `serialize()`: a `google.protobuf.Any` with a `cel.expr.ParsedExpr`
(https://github.com/google/cel-spec/blob/master/proto/cel/expr/syntax.proto).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel

_FAULT = re.compile(r"^ERROR: <input>:(-?\d+):(-?\d+): ", re.MULTILINE)
_STATUS = re.compile(r"^([A-Z_]+): (.*?)(?: \[\1\])?$", re.DOTALL)
_DRAWING = re.compile(r"\n \| .*", re.DOTALL)

Program = Any


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the library's parser or type check says; line and column count from 1."""

    line: int
    column: int
    message: str


class CompileError(Exception):
    """The library does not take an expression."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__(complaints)
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class Trouble:
    """An evaluation that gave no value: the library's status word, such as NOT_FOUND, and its message."""

    status: str
    message: str


def parse(text: str, variables: tuple[tuple[str, str], ...]) -> bytes:
    """The serialized tree of an expression, names and types not checked. Raises CompileError."""
    return bytes(_compile(text, variables, unchecked=True).serialize())


def compile_checked(text: str, variables: tuple[tuple[str, str], ...]) -> tuple[Program, str]:
    """The program, and the type of its result as the library names it: `BOOL`, `DYN`, `STRING`... Raises CompileError.

    `variables` are names, which may be dotted, with types in CEL's own notation: `string`, `map<string,dyn>`.
    """
    program = _compile(text, variables, unchecked=False)
    return program, str(program.return_type())


def evaluate(program: Program, data: Mapping[str, object]) -> object | Trouble:
    """The plain value of a program for the given variables, or why there is none."""
    try:
        value = program.eval(data=data)
        if value.type() == cel.Type.ERROR:
            return _trouble(str(value.value()))
        return _plain(value)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        return _trouble(str(error))


def pattern_complaint(pattern: str) -> str | None:
    """What RE2 finds wrong with a pattern for `matches`; None when it is good."""
    program, _ = compile_checked('"".matches(pattern)', (("pattern", "string"),))
    outcome = evaluate(program, {"pattern": pattern})
    return outcome.message if isinstance(outcome, Trouble) else None


def _plain(value: Any) -> object:
    plain: object = value.plain_value()
    return plain


def _compile(text: str, variables: tuple[tuple[str, str], ...], *, unchecked: bool) -> Program:
    try:
        return _environment(variables).compile(text, disable_check=unchecked)
    except (RuntimeError, TypeError, ValueError) as error:
        raise CompileError(_complaints(str(error))) from error


@cache
def _environment(variables: tuple[tuple[str, str], ...]) -> Any:
    return cel.NewEnv(variables={name: cel.Type(signature) for name, signature in variables})


def _complaints(message: str) -> tuple[Complaint, ...]:
    message = _trouble(message).message
    found = list(_FAULT.finditer(message))
    if not found:
        return (Complaint(1, 1, message),)
    ends = [match.start() for match in found[1:]] + [len(message)]
    complaints = []
    for match, end in zip(found, ends, strict=True):
        told = _DRAWING.sub("", message[match.end() : end]).strip()
        complaints.append(Complaint(max(1, int(match[1])), max(1, int(match[2])), told))
    return tuple(complaints)


def _trouble(message: str) -> Trouble:
    match = _STATUS.match(message)
    return Trouble(match[1], match[2]) if match else Trouble("UNKNOWN", message)
