"""Finding runs in lists, through pages of 100 and past GitHub's limit of 1,000 results for one list.

https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from orchestrator.adapters.github.records import RunPage
from orchestrator.errors import Unreadable
from orchestrator.ports import RunSeen, RunsFound

PER_PAGE = 100
MOST_RESULTS = 1_000
_Span = tuple[datetime, datetime | None]


def find_runs(
    read_page: Callable[[str, int], RunPage], wanted: Callable[[RunSeen], bool], *, since: datetime, now: datetime
) -> RunsFound:
    """Find runs created since a moment. `read_page` gets GitHub's `created` filter and a page from 1.

    Reading too little would be worse than reading too much, since an overlooked run is started again.
    """
    found: dict[int, RunSeen] = {}
    complete = True
    spans: list[_Span] = [(since.replace(microsecond=0), None)]
    try:
        while spans:
            span = spans.pop()
            page, number, seen = read_page(_created(span), 1), 1, set[int]()
            total = page.total
            if total >= MOST_RESULTS and _is_within(span, page) and (halves := _halves(span, now)):
                spans += halves
                continue
            while page.runs:
                seen |= {one.run.id for one in page.runs}
                found |= {one.run.id: one for one in page.runs if wanted(one)}
                if len(page.runs) < PER_PAGE or number * PER_PAGE >= MOST_RESULTS:
                    break
                number += 1
                page = read_page(_created(span), number)
            complete = complete and len(seen) >= total and total < MOST_RESULTS
    except Unreadable:
        if not found:
            raise
        complete = False
    return RunsFound(tuple(sorted(found.values(), key=lambda one: (one.created_at, one.run.id))), complete=complete)


def _is_within(span: _Span, page: RunPage) -> bool:
    # PyGithub loses the filters where a renamed repository redirects it: halving would go on and on.
    start, end = span
    return all(start <= one.created_at and (end is None or one.created_at <= end) for one in page.runs)


def _halves(span: _Span, now: datetime) -> list[_Span]:
    """Split a span, whose ends both belong to it, into two without a gap; into none when it is too short."""
    start, end = span
    last = now.replace(microsecond=0) if end is None else end
    middle = (start + (last - start) / 2).replace(microsecond=0)
    return [(start, middle), (middle + timedelta(seconds=1), end)] if last > start else []


def _created(span: _Span) -> str:
    start, end = (one and one.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for one in span)
    return f"{start}..{end}" if end else f">={start}"
