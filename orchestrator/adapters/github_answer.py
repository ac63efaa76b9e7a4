"""What can come of one call to GitHub: an answer, or one of three ways to get none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that was read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """Give the body. Raises `ValueError` when it is no JSON."""
        return json.loads(self.text)

    @property
    def said(self) -> str:
        """GitHub's own message in one line; empty when the answer has none that a person could read."""
        try:
            body = self.json()
        except ValueError:
            return ""
        message = body.get("message") if isinstance(body, dict) else None
        return " ".join(str(message or "").split())[:_LONGEST_MESSAGE]


class Unsent(Exception):
    """No connection came about, so nothing was sent."""


class Broken(Exception):
    """The call may have reached GitHub, but no whole answer came back."""


class Moved(Exception):
    """GitHub answered with a redirect, which is not followed for anything but reads. The text is the new place."""


Outcome = Answer | Unsent | Broken | Moved
