"""Cursors: where a list goes on, as text that is safe in a URL and means something to this store only."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

import msgspec

from orchestrator.errors import SenderError

P = TypeVar("P", bound=Sequence[str | int])

_Column = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

_promotions: msgspec.json.Decoder[tuple[str, int, str]] = msgspec.json.Decoder(
    tuple[Literal["promotions"], _Column, str]
)
_journal: msgspec.json.Decoder[tuple[str, int]] = msgspec.json.Decoder(tuple[Literal["journal"], _Column])


def after_promotion(opened_at: int, identity: str) -> str:
    """Go on after a promotion; `opened_at` in microseconds since 1970."""
    return _written(["promotions", opened_at, identity])


def promotion_before(cursor: str) -> tuple[int, str]:
    """Read what `after_promotion` wrote. Raises `SenderError` for anything else."""
    _, opened_at, identity = _read(_promotions, cursor)
    return opened_at, identity


def after_entry(position: int) -> str:
    """Go on after an entry of the journal."""
    return _written(["journal", position])


def entry_before(cursor: str) -> int:
    """Read what `after_entry` wrote. Raises `SenderError` for anything else."""
    _, position = _read(_journal, cursor)
    return position


def _written(parts: Sequence[str | int]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _read(decoder: msgspec.json.Decoder[P], cursor: str) -> P:
    try:
        parts = decoder.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise _foreign(cursor) from error
    if _written(parts) != cursor:
        raise _foreign(cursor)
    return parts


def _foreign(cursor: str) -> SenderError:
    return SenderError(f"{cursor[:100]!r} is no cursor of this list; send the `next` of its last page as it was given")
