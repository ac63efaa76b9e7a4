"""One HTTP call as the endpoints see it, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.local.github.fields import Fields

JsonObject = dict[str, object]

VERSION_2026 = "2026-03-10"
"""From this version of the API on, a dispatch always answers with the run; see
https://docs.github.com/rest/about-the-rest-api/breaking-changes"""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: names from the path, the query, the body, and who called. `address` is this server's own."""

    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str
    login: str
    hidden_seconds: float = 0.0

    @property
    def repository(self) -> str:
        """`OWNER/NAME` of the path."""
        return f"{self.names['owner']}/{self.names['repo']}"

    @property
    def run_id(self) -> int:
        """The run's id of the path; -1, which no run has, when it is no number."""
        text = self.names["run_id"]
        return int(text) if text.isascii() and text.isdigit() else -1

    @property
    def api_version(self) -> str:
        """The version of the REST API that the caller asks for."""
        return self.headers.get("x-github-api-version", "")

    def fields(self) -> Fields:
        """The body as a JSON object."""
        return Fields.of(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: JSON in `body`, or `text` with its own content type in `headers`, or nothing."""

    status: int
    body: object = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
