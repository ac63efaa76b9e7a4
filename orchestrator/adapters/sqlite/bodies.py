"""How records are written down: JSON bodies, and times as whole microseconds since 1970 (UTC)."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from orchestrator.errors import CorruptRecord
from orchestrator.ports import JournalEntry
from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion, Slot

T = TypeVar("T")

PROMOTION = msgspec.json.Decoder(Promotion)
FACT = msgspec.json.Decoder(Fact)
SLOT = msgspec.json.Decoder(Slot)
JOURNAL_ENTRY = msgspec.json.Decoder(JournalEntry)

encode = msgspec.json.Encoder().encode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, *, of: object) -> T:
    """Read a record back. Raises `CorruptRecord`, naming what the record is `of`, where anything of it is missing."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptRecord(
            f"the stored record of {of} can't be read: {error}. Restore the store from a backup, or mend that record."
        ) from error


def micros(at: datetime) -> int:
    """Write an aware moment as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(written: int) -> datetime:
    """Read it back, in UTC."""
    return _EPOCH + timedelta(microseconds=written)
