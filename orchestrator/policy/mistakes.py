"""What is wrong with a policy, told as a colleague would: where, what was seen, what is allowed."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import PersonError

WIDEST_EXCERPT = 160


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake, or one warning, at one place of one file.

    `line` and `column` count from 1; line 0 says that the file as a whole is meant. `lines` are the offending
    source lines as written, the first of them being `line`. `allowed` may be empty.
    """

    file: str
    line: int
    column: int
    what: str
    lines: tuple[str, ...] = ()
    allowed: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [f"{place}: {self.what}"]
        for number, source in enumerate(self.lines):
            parts.extend(_excerpt(source, self.column if number == 0 else None))
        if self.allowed:
            parts.append(f"    allowed: {self.allowed}")
        return printable("\n".join(parts), keep="\n")


class PolicyMistakes(PersonError):
    """The policy cannot be used; `mistakes` holds everything that is wrong with it, in file order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        head = "The policy has 1 mistake:" if count == 1 else f"The policy has {count} mistakes:"
        return "\n\n".join([head, *(str(mistake) for mistake in self.mistakes)])


def printable(text: str, *, keep: str = "") -> str:
    """`text` with every character that a terminal could act on replaced by U+FFFD, width kept."""
    return "".join(char if char in keep or char.isprintable() else "\ufffd" for char in text)


def _excerpt(source: str, column: int | None) -> list[str]:
    """The source line, cut to a readable width around the column, with a caret below it."""
    shown, caret = source.replace("\t", " "), (column or 1) - 1
    if len(shown) > WIDEST_EXCERPT:
        start = max(0, min(caret - WIDEST_EXCERPT // 2, len(shown) - WIDEST_EXCERPT))
        shown, caret = shown[start : start + WIDEST_EXCERPT], caret - start
    excerpt = [f"    | {shown}"]
    if column is not None:
        excerpt.append(f"    | {' ' * caret}^")
    return excerpt
