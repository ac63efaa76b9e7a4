"""Expressions and templates as they stand in a file: compiled, their mistakes placed in the file's own lines."""

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from orchestrator.policy.expressions import Expression, ExpressionMistake, compile_expression
from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.templates import Template, compile_template
from orchestrator.policy.yaml_text import Place, Scalar

_WORD = re.compile(r"[^ \t\r\n]+")

Compiled = TypeVar("Compiled")


def expression_at(scalar: Scalar, environments: Collection[str], mistakes: list[Mistake]) -> Expression | None:
    """The condition of a scalar; None, and its mistakes, when there is none."""
    return _compiled(scalar, lambda text: compile_expression(text, environments=environments), mistakes)


def template_at(scalar: Scalar, environments: Collection[str], mistakes: list[Mistake]) -> Template | None:
    """The template of a scalar; None, and its mistakes, when there is none."""
    return _compiled(scalar, lambda text: compile_template(text, environments=environments), mistakes)


def _compiled(scalar: Scalar, compiled: Callable[[str], Compiled], mistakes: list[Mistake]) -> Compiled | None:
    try:
        return compiled(scalar.text)
    except ExpressionMistake as mistake:
        mistakes.extend(_placed(scalar, each) for each in (mistake, *mistake.more))
        return None


def _placed(scalar: Scalar, mistake: ExpressionMistake) -> Mistake:
    place = _place(scalar, mistake)
    if place:
        return place.mistake(mistake.message, mistake.allowed)
    if (mistake.line, mistake.column) == (1, 1):
        return scalar.place.mistake(mistake.message, mistake.allowed)
    what = f"{mistake.message} (line {mistake.line}, column {mistake.column} of the expression)"
    return scalar.place.mistake(what, mistake.allowed)


def _place(scalar: Scalar, mistake: ExpressionMistake) -> Place | None:
    """The place in the file, found by counting words: YAML folds lines and indentation, never words."""
    lines = scalar.text.split("\n")
    offset = sum(len(line) + 1 for line in lines[: mistake.line - 1]) + mistake.column - 1
    words = list(_WORD.finditer(scalar.text))
    if not words:
        return None
    number = next((n for n, word in enumerate(words) if offset < word.end()), len(words) - 1)
    word = words[number]
    written = _words_in_file(scalar)
    if number >= len(written) or not written[number][2].startswith(word[0]):
        return None
    line, column, _ = written[number]
    within = min(max(0, offset - word.start()), len(word[0]))
    return Place(scalar.place.file, scalar.place.line + line, column + within + 1, scalar.block[line])


def _words_in_file(scalar: Scalar) -> list[tuple[int, int, str]]:
    """The words of a scalar as the file has them: line (from 0), column (from 0) and the word."""
    begin = scalar.place.column - 1
    first = scalar.block[0][begin:] if scalar.block else ""
    if first[:1] in ("'", '"'):
        begin += 1
    found: list[tuple[int, int, str]] = []
    for number, source in enumerate(scalar.block):
        if number == 0 and first[:1] in ("|", ">"):
            continue
        start = begin if number == 0 else 0
        found.extend((number, word.start(), word[0]) for word in _WORD.finditer(source, start))
    return found
