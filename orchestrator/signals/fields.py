"""Single values out of foreign objects. Each function returns what it promises or raises Unfit with a reason."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from orchestrator.errors import SenderError

MISSING: Final = object()
LIMIT: Final = 1_024

_NO_TEXTS: Final[Mapping[str, str]] = MappingProxyType({})
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


class Unfit(SenderError):
    """A value cannot be used; the message names it, what was seen and what is allowed."""


def pick(record: Mapping[str, object], *spellings: str) -> object:
    """The value under the first of `spellings` that is there, else under a key that differs only by letter case.

    The spellings of one call differ by letter case alone. MISSING when there is no such key.
    """
    for spelling in spellings:
        if spelling in record:
            return record[spelling]
    wanted = spellings[0].lower()
    for key, value in record.items():
        if key.lower() == wanted:
            return value
    return MISSING


def text(value: object, name: str, *, limit: int = LIMIT) -> str:
    """A text that can stand in an id, a log line or a page: not blank, not too long, no control characters."""
    if value is MISSING:
        raise Unfit(f"{name} is missing; a text of 1 to {limit:,} characters is needed")
    if not isinstance(value, str):
        raise Unfit(f"{name} must be text; it is {shown(value)}")
    if not value:
        raise Unfit(f"{name} is empty; a text of 1 to {limit:,} characters is needed")
    if len(value) > limit:
        raise Unfit(f"{name} has {len(value):,} characters; up to {limit:,} are allowed ({shown(value)})")
    if not value.isprintable() and (found := _UNWANTED.search(value)):
        kind = "half of a surrogate pair" if found[0] >= "\ud800" else "a control character"
        raise Unfit(f"{name} holds {kind}, U+{ord(found[0]):04X} at character {found.start() + 1}: {shown(value)}")
    if value.isspace():
        raise Unfit(f"{name} is blank; a text of 1 to {limit:,} characters is needed")
    return value


def optional_text(value: object, name: str, *, limit: int = LIMIT) -> str:
    """As `text`, but empty where nothing was sent."""
    return "" if value is MISSING or value is None or value == "" else text(value, name, limit=limit)


def version(value: object, name: str) -> str:
    """A version as text: whole numbers are written out, texts stay as they are (`007` is not `7`)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is MISSING or isinstance(value, str):
        return text(value, name)
    raise Unfit(f"{name} must be text or a whole number; it is {shown(value)}")


def texts(value: object, name: str) -> Mapping[str, str]:
    """Tags or properties, read-only. Every value becomes text; null drops its key; nothing sent is nothing there."""
    if value is MISSING or value is None:
        return _NO_TEXTS
    if not isinstance(value, dict):
        raise Unfit(f"{name} must be an object of names and texts; it is {shown(value)}")
    return MappingProxyType({_whole(key): _as_text(item) for key, item in value.items() if item is not None})


def number(value: object, name: str) -> float | None:
    """A finite number, also one written as text; None for nothing sent and for NaN and infinities."""
    if value is MISSING or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unfit(f"{name} must be a number; it is {shown(value)}")
    try:
        read = float(value)
    except (ValueError, OverflowError) as error:
        raise Unfit(f"{name} must be a number; it is {shown(value)}") from error
    return read if math.isfinite(read) else None


def moment(value: object, name: str) -> datetime:
    """An RFC 3339 time in UTC, cut to microseconds. A time without an offset is taken as UTC, as Azure means it."""
    if isinstance(value, str) and len(value) <= LIMIT and _RFC_3339.fullmatch(value):
        try:
            read = datetime.fromisoformat(value.upper())
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Unfit(f"{name} is no time of the calendar: {shown(value)}") from error
    raise Unfit(f"{name} must be an RFC 3339 time such as 2026-01-31T12:00:00Z; it is {shown(value)}")


def optional_moment(value: object, name: str) -> datetime | None:
    """As `moment`, but None where nothing readable was sent: for times that only describe."""
    try:
        return moment(value, name)
    except Unfit:
        return None


def shown(value: object) -> str:
    """A value for a message: short, on one line, and harmless whatever it holds."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value) if len(value) <= 80 else f"{value[:80]!r} ..."
        case int() | float():
            return repr(value) if -(10**40) < value < 10**40 else "a number too large to show"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "missing" if value is MISSING else f"a Python {type(value).__name__}"


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return _whole(value)
    try:
        return _whole(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    except RecursionError as error:
        raise Unfit("a tag or property is nested too deeply to be kept") from error


def _whole(value: str) -> str:
    # Senders cut long tags in the middle of an emoji. That must not cost the signal, and no store takes half a pair.
    return value if value.isascii() else _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", value)
