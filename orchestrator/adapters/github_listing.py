"""Reading all runs of a span of time, through pages of 100 and past GitHub's limit of 1,000 results for one list.

https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from orchestrator.adapters.github_records import RunPage
from orchestrator.ports import RunSeen

PER_PAGE = 100
MOST_RESULTS = 1_000
_SECOND = timedelta(seconds=1)


class Listing:
    """A look at the runs created since a moment. `complete` tells whether all of them were seen.

    `read_page` gets the text of GitHub's `created` filter and the number of a page, from 1.
    """

    def __init__(self, read_page: Callable[[str, int], RunPage]) -> None:
        self.complete = True
        self._read_page = read_page

    def runs(self, since: datetime, *, now: datetime) -> Iterator[RunSeen]:
        """Give each run, in no order and some of them twice, because new ones shift the pages."""
        spans: list[tuple[datetime, datetime | None]] = [(since.replace(microsecond=0), None)]
        while spans:
            start, end = spans.pop()
            first = self._read_page(_created(start, end), 1)
            if first.total >= MOST_RESULTS:
                halves = _halves(start, end, now)
                if halves is not None:
                    spans += halves
                    continue
                self.complete = False
            yield from self._pages(first, _created(start, end))

    def _pages(self, first: RunPage, created: str) -> Iterator[RunSeen]:
        page, number, seen = first, 1, set[int]()
        while page.runs:
            seen |= {one.run.id for one in page.runs}
            yield from page.runs
            if len(page.runs) < PER_PAGE or number * PER_PAGE >= MOST_RESULTS:
                break
            number += 1
            page = self._read_page(created, number)
        if len(seen) < first.total:
            self.complete = False


def _halves(start: datetime, end: datetime | None, now: datetime) -> list[tuple[datetime, datetime | None]] | None:
    """Split a span, whose ends both belong to it, into two without a gap; None when it is too short."""
    last = now.replace(microsecond=0) if end is None else end
    if last <= start:
        return None
    middle = (start + (last - start) / 2).replace(microsecond=0)
    return [(start, middle), (middle + _SECOND, end)]


def _created(start: datetime, end: datetime | None) -> str:
    return f">={_moment(start)}" if end is None else f"{_moment(start)}..{_moment(end)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
