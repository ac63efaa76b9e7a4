"""Which runs a list of runs shows.

Filters, pages and the limit of 1,000 results per filtered list:
https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.timeline import Sight

MOST_RESULTS = 1_000
MOST_PER_PAGE = 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a list of runs. `since` and `until` are both included; `status` takes a conclusion as well."""

    event: str = ""
    status: str = ""
    branch: str = ""
    actor: str = ""
    head_sha: str = ""
    since: datetime | None = None
    until: datetime | None = None
    page: int = 1
    per_page: int = 30

    @property
    def filtered(self) -> bool:
        """Whether any filter is set, which is when GitHub shows no more than 1,000 results."""
        words = (self.event, self.status, self.branch, self.actor, self.head_sha)
        return any(words) or self.since is not None or self.until is not None

    def shows_none(self) -> bool:
        """The stand-in's runs are all dispatched by hand."""
        return self.event not in ("", "workflow_dispatch")

    def looks_inside(self) -> bool:
        """Whether each run must be looked at: a filter other than event and time is set."""
        return bool(self.status or self.branch or self.actor or self.head_sha)

    def takes(self, sight: Sight) -> bool:
        """Whether this run passes the filters other than event and time."""
        run, state = sight.run, sight.state
        return (
            (not self.status or self.status in (state.status, state.conclusion))
            and (not self.branch or self.branch == run.ref)
            and (not self.actor or self.actor.casefold() == run.login.casefold())
            and (not self.head_sha or self.head_sha == run.sha)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of runs, newest first. `total` counts all pages, up to GitHub's limit."""

    total: int
    sights: tuple[Sight, ...]


def wanted_runs(query: Mapping[str, str]) -> Wanted:
    """The filters of a list of runs from its query. Raises `Refusal` 422 for a `created` that cannot be read."""
    since, until = _span(query["created"]) if query.get("created") else (None, None)
    return Wanted(
        event=query.get("event", ""),
        status=query.get("status", ""),
        branch=query.get("branch", ""),
        actor=query.get("actor", ""),
        head_sha=query.get("head_sha", ""),
        since=since,
        until=until,
        page=max(1, number(query, "page", 1)),
        per_page=min(MOST_PER_PAGE, max(1, number(query, "per_page", 30))),
    )


def number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """A whole number of the query; one that cannot be read counts as absent, as on GitHub."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else otherwise


def _span(text: str) -> tuple[datetime | None, datetime | None]:
    # GitHub's moments have no fraction of a second, so that "after T" is "from T + 1 s".
    second = timedelta(seconds=1)
    start, dots, end = text.partition("..")
    if dots:
        return (None if start == "*" else _moment(start), None if end == "*" else _moment(end, last=True))
    if text.startswith(">="):
        return _moment(text[2:]), None
    if text.startswith("<="):
        return None, _moment(text[2:], last=True)
    if text.startswith(">"):
        return _moment(text[1:], last=True) + second, None
    if text.startswith("<"):
        return None, _moment(text[1:]) - second
    return _moment(text), _moment(text, last=True)


def _moment(text: str, *, last: bool = False) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(422, f"created: {text!r} is not a moment such as 2026-01-31T12:00:00Z") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if last and _DAY.fullmatch(text):
        moment += timedelta(days=1, seconds=-1)
    return moment.replace(microsecond=0)
