"""Pages of a list, and the links from one to the next.

https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from urllib.parse import quote, urlencode

from orchestrator.local.github.call import Answer, Call, JsonObject
from orchestrator.local.github.listing import MOST_PER_PAGE, number


def page_of(call: Call, name: str, shown: list[JsonObject]) -> Answer:
    """The page of `shown` that the call asks for, in an answer that names the list `name`."""
    page = max(1, number(call.query, "page", 1))
    per_page = min(MOST_PER_PAGE, max(1, number(call.query, "per_page", 30)))
    part = shown[(page - 1) * per_page : page * per_page]
    return Answer(200, {"total_count": len(shown), name: part}, headers=links_of(call, len(shown), page, per_page))


def links_of(call: Call, total: int, page: int, per_page: int) -> dict[str, str]:
    """The `Link` header of a page out of `total` entries; no header when one page shows all."""
    last = max(1, -(-total // per_page))
    targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = (["prev", "first"] if page > 1 else []) + (["next", "last"] if page < last else [])
    links = [f'<{_address(call, targets[rel])}>; rel="{rel}"' for rel in wanted]
    return {"link": ", ".join(links)} if links else {}


def _address(call: Call, page: int) -> str:
    return f"{call.address}{quote(call.path)}?{urlencode({**call.query, 'page': page})}"
