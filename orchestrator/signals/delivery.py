"""One delivery: bytes as they were posted or queued, into one item for each event in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import SenderError
from orchestrator.signals.azure_ml import READERS
from orchestrator.signals.envelope import data_of, envelope_of, told
from orchestrator.signals.fields import Unfit, shown
from orchestrator.signals.json_text import NotJson, clipped, compact, decoded, remains
from orchestrator.signals.signal import Envelope, Signal


class NotADelivery(SenderError):
    """The body holds no event at all: not JSON, neither an object nor an array, or an empty array."""


@dataclass(frozen=True, slots=True)
class Ours:
    """An event that this service understands. `raw` is that one event as compact JSON, for the journal."""

    signal: Signal
    raw: bytes


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A well-formed event of a type that this service has no use for."""

    envelope: Envelope
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that should have been an event. `reason` says what to change.

    `raw` holds its first 4,096 bytes at most, as valid UTF-8; `id`, `source` and `type` what could be read of it.
    """

    reason: str
    raw: bytes
    id: str | None = None
    source: str | None = None
    type: str | None = None


Item = Ours | NotOurs | Broken


def parse_delivery(body: bytes) -> tuple[Item, ...]:
    """The events in `body`, which is one event or an array of events, in either schema, mixed as they come.

    Raises NotADelivery; every other trouble is a Broken item among its good neighbours. Only a body with hundreds of
    nested levels is one Broken item as a whole (Azure ML events have three).
    """
    try:
        content = decoded(body)
    except NotJson as error:
        raise NotADelivery(f"the body is {error}") from error
    except Unfit as unfit:
        return (Broken(f"the body is {unfit}", clipped(body)),)
    if isinstance(content, dict):
        return (_item(content),)
    if not isinstance(content, list):
        raise NotADelivery(f"the body must be one event or an array of events; it is {shown(content)}")
    if not content:
        raise NotADelivery("the body is an empty array; it must hold at least one event")
    return tuple(_item(event) for event in content)


def parse_event(event: Mapping[str, object]) -> Item:
    """One event that somebody else has decoded already, such as the Functions host."""
    given = dict(event)
    try:
        return _item(decoded(compact(given)))
    except Unfit as unfit:
        return Broken(f"the event {unfit}", clipped(remains(given)), *told(given))


def from_event_grid(
    *, id: str, topic: str, subject: str, event_type: str, event_time: datetime | str | None, data: object
) -> Item:
    """The item of an event whose Event Grid envelope is in pieces, such as `azure.functions.EventGridEvent`.

    A time without an offset is taken as UTC: azure-functions hands out such times for some spellings.
    """
    pieces = {"id": id, "topic": topic, "subject": subject, "eventType": event_type, "data": data}
    return parse_event(pieces | {"eventTime": _written(event_time)})


def from_cloud_event(
    *, id: str, source: str, event_type: str, subject: str | None, time: datetime | str | None, data: object
) -> Item:
    """The item of an event whose CloudEvents envelope is in pieces, such as `azure.functions.CloudEvent`."""
    pieces = {"specversion": "1.0", "id": id, "source": source, "type": event_type, "subject": subject, "data": data}
    return parse_event(pieces | {"time": _written(time)})


def _item(event: object) -> Item:
    if not isinstance(event, dict):
        return Broken(f"an event must be an object; this one is {shown(event)}", clipped(remains(event)))
    try:
        raw = compact(event)
    except Unfit as unfit:
        return Broken(f"the event {unfit}", clipped(remains(event)), *told(event))
    try:
        envelope = envelope_of(event)
        reader = READERS.get(envelope.type)
        if reader is None:
            known = ", ".join(name.rpartition(".")[2] for name in READERS)
            return NotOurs(envelope, raw, f"no use for events of type {shown(envelope.type)}; taken are: {known}")
        return Ours(reader(envelope, data_of(event)), raw)
    except Unfit as unfit:
        return Broken(str(unfit), clipped(raw), *told(event))


def _written(time: datetime | str | None) -> str | None:
    return time.isoformat() if isinstance(time, datetime) else time
