"""Text with `${CEL}` parts, for the inputs that a route adds to its workflow."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.policy.expressions import Broken, Expression, ExpressionMistake, Missing, compile_expression
from orchestrator.policy.facts import JSON, Facts, observed
from orchestrator.policy.reads import Fault

LONGEST_TEMPLATE = 4096


@dataclass(frozen=True, slots=True)
class Template:
    """Text whose `${...}` parts are expressions; two with one text are equal."""

    text: str
    parts: tuple[str | Expression, ...] = field(compare=False, repr=False)

    def render(self, facts: Facts) -> str | Missing | Broken:
        """The text for these facts; Missing when a part reads what is not there, Broken when it gives no text."""
        rendered = []
        for part in self.parts:
            text = part if isinstance(part, str) else _text(part, facts)
            if not isinstance(text, str):
                return text
            rendered.append(text)
        return "".join(rendered)

    def observe(self, facts: Facts) -> dict[str, JSON]:
        """What its parts read, as far as it exists."""
        seen: dict[str, JSON] = {}
        for part in self.parts:
            if isinstance(part, Expression):
                seen.update(part.observe(facts))
        return seen


def compile_template(text: str, *, environments: Collection[str] | None = None) -> Template:
    """The template of a text; `$${` writes a plain `${`. Raises ExpressionMistake, its places those in `text`."""
    if len(text) > LONGEST_TEMPLATE:
        what = f"the text has {len(text):,} characters"
        raise ExpressionMistake(text[:1], Fault(0, what, f"at most {LONGEST_TEMPLATE:,}"))
    parts: list[str | Expression] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":
            parts.append(text[at : start - 1] + "${")
            at = start + 2
            continue
        end = _end(text, start)
        parts.append(text[at:start])
        parts.append(_part(text, start + 2, end, environments))
        at = end + 1
    parts.append(text[at:])
    return Template(text, tuple(part for part in parts if part != ""))


def _part(text: str, start: int, end: int, environments: Collection[str] | None) -> Expression:
    if text[start] == "{":
        allowed = "${CEL}, such as ${model.version}; $${{ writes a plain ${{"
        raise ExpressionMistake(text, Fault(start - 2, "GitHub's ${{ }} is not evaluated in a policy", allowed))
    try:
        return compile_expression(text[start:end], condition=False, environments=environments)
    except ExpressionMistake as mistake:
        raise _moved(text, start, mistake) from mistake


def _moved(text: str, start: int, mistake: ExpressionMistake) -> ExpressionMistake:
    """The same mistake, placed in the whole text rather than in its part."""
    lines = text[start:].split("\n")
    offset = start + sum(len(line) + 1 for line in lines[: mistake.line - 1]) + mistake.column - 1
    more = tuple(_moved(text, start, other) for other in mistake.more)
    return ExpressionMistake(text, Fault(offset, mistake.message, mistake.allowed), more=more)


def _end(text: str, start: int) -> int:
    """Where the part that starts at `${` ends; braces and quotes inside it are its own."""
    depth, quote, at = 0, "", start + 2
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}" and depth == 0:
            return at
        elif char == "}":
            depth -= 1
        at += 1
    raise ExpressionMistake(text, Fault(start, "this ${ is never closed", "${CEL}, such as ${model.version}"))


def _text(part: Expression, facts: Facts) -> str | Missing | Broken:
    value = part.value(facts)
    match value:
        case Missing() | Broken():
            return value
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case datetime():
            return str(observed(value))
        case _:
            return Broken(f"${{{part.text}}} gives {str(value)[:100]}, which is no text")
