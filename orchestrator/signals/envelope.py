"""The envelope of an event, in either schema of Event Grid, and the data inside.

Event Grid schema: https://learn.microsoft.com/azure/event-grid/event-schema
CloudEvents 1.0: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

import base64
from collections.abc import Mapping
from datetime import datetime

from orchestrator.signals import azure_ml
from orchestrator.signals.fields import MISSING, Unfit, moment, optional_text, pick, shown, text
from orchestrator.signals.json_text import compact, decoded
from orchestrator.signals.signal import Envelope

_SUBJECT_LIMIT = 4_096


def envelope_of(event: Mapping[str, object]) -> Envelope:
    """The envelope of one event; raises Unfit. A CloudEvent is known by its `specversion`."""
    source, type_, time = ("source", "type", "time") if _is_cloud_event(event) else ("topic", "eventType", "eventTime")
    return Envelope(
        id=text(pick(event, "id"), "id"),
        source=text(pick(event, source), source),
        type=azure_ml.spelled(text(pick(event, type_), type_)),
        subject=optional_text(pick(event, "subject"), "subject", limit=_SUBJECT_LIMIT),
        time=_time(event, time),
    )


def data_of(event: Mapping[str, object]) -> Mapping[str, object]:
    """The event's data; empty when there is none. Data that was encoded twice (a text that holds JSON) is decoded.

    Raises Unfit when it is anything but an object.
    """
    data = pick(event, "data")
    if data is MISSING:
        data = _from_base64(pick(event, "data_base64"))
    if isinstance(data, str | bytes):
        data = _decoded_again(data)
    if data is MISSING or data is None:
        return {}
    if not isinstance(data, dict):
        raise Unfit(f"data must be an object; it is {shown(data)}")
    return data


def told(event: Mapping[str, object]) -> tuple[str | None, str | None, str | None]:
    """Id, source and type of an event that cannot be used, as far as they can be."""
    cloud = _is_cloud_event(event)
    return (
        _told(event, "id"),
        _told(event, "source" if cloud else "topic"),
        _told(event, "type" if cloud else "eventType"),
    )


def _is_cloud_event(event: Mapping[str, object]) -> bool:
    if pick(event, "specversion") not in (MISSING, None):
        return True
    return pick(event, "type") is not MISSING and pick(event, "eventType") is pick(event, "topic") is MISSING


def _time(event: Mapping[str, object], name: str) -> datetime:
    """The event's time; for a dead-lettered event without one, when it was published. Nothing else would be true."""
    try:
        return moment(pick(event, name), name)
    except Unfit:
        published = pick(event, "publishTime", "publishtime")
        if published is MISSING:
            raise
        return moment(published, "publishTime")


def _from_base64(value: object) -> object:
    if value is MISSING or value is None:
        return value
    if not isinstance(value, str):
        raise Unfit(f"data_base64 must be text; it is {shown(value)}")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Unfit(f"data_base64 is not base64: {shown(value)}") from error


def _decoded_again(data: str | bytes) -> object:
    try:
        value = decoded(data)
        compact(value)
    except Unfit as unfit:
        raise Unfit(f"data must be an object, or a text that holds one; the text: {unfit}") from unfit
    return value


def _told(event: Mapping[str, object], name: str) -> str | None:
    try:
        return text(pick(event, name), name)
    except Unfit:
        return None
