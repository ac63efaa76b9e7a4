"""What a delivery and an envelope may look like, and what becomes of the ones that are wrong."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import SenderError
from orchestrator.signals.delivery import Broken, NotADelivery, NotOurs, Ours, parse_delivery
from orchestrator.signals.signal import ModelRegistered
from tests.signals.making import (
    DATA,
    NAMESPACE,
    WITHOUT,
    a_cloud_event,
    an_event,
    changed,
    item_of,
    reason_of,
    registered,
)


class TestABodyThatHoldsNoEvent:
    @pytest.mark.parametrize(
        "body", [b"", b"  ", b"not json", b"[", b'{"id": }', b"\xff\xfe", b'{"a":"\xc3"}', b'{"a": "line\nbreak"}']
    )
    def test_is_no_delivery_when_it_is_not_json(self, body: bytes) -> None:
        with pytest.raises(NotADelivery, match="not JSON"):
            parse_delivery(body)

    @pytest.mark.parametrize("body", [b"null", b"7", b"true", b'"text"', b"NaN"])
    def test_is_no_delivery_when_it_is_neither_object_nor_array(self, body: bytes) -> None:
        with pytest.raises(NotADelivery, match="one event or an array of events"):
            parse_delivery(body)

    def test_is_no_delivery_when_the_array_is_empty(self) -> None:
        with pytest.raises(NotADelivery, match="empty array"):
            parse_delivery(b"[]")

    def test_is_the_senders_error(self) -> None:
        with pytest.raises(SenderError):
            parse_delivery(b"")


class TestADelivery:
    def test_may_be_one_object_or_an_array(self) -> None:
        event = json.dumps(an_event()).encode()
        assert parse_delivery(event) == parse_delivery(b"[%b]" % event)

    def test_may_start_with_a_byte_order_mark(self) -> None:
        event = json.dumps(an_event()).encode()
        assert parse_delivery(b"\xef\xbb\xbf" + event) == parse_delivery(event)

    def test_may_mix_schemas_and_strangers_and_broken_events_and_keeps_their_order(self) -> None:
        content = [an_event(), 7, a_cloud_event(), an_event(eventType="Microsoft.Storage.BlobCreated"), {}, None]
        items = parse_delivery(json.dumps(content).encode())
        assert [type(item) for item in items] == [Ours, Broken, Ours, NotOurs, Broken, Broken]

    def test_loses_no_neighbour_to_an_event_with_a_number_that_json_does_not_know(self) -> None:
        body = json.dumps([an_event(), an_event(DATA | {"modelTags": {"auc": float("nan")}})]).encode()
        good, bad = parse_delivery(body)
        assert isinstance(good, Ours)
        assert isinstance(bad, Broken)
        assert "finite" in bad.reason
        assert bad.id == "event-1"
        assert b"NaN" in bad.raw

    @pytest.mark.parametrize("huge", [b"1e999", b"-Infinity", b"9" * 10_000, b"-" + b"9" * 641])
    def test_takes_no_number_that_nobody_can_hold(self, huge: bytes) -> None:
        body = json.dumps(an_event(DATA | {"modelVersion": "HERE"})).encode().replace(b'"HERE"', huge)
        (item,) = parse_delivery(body)
        assert isinstance(item, Broken)
        assert "finite" in item.reason

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    def test_that_is_nested_too_deeply_is_broken_and_bounded(self, opening: bytes) -> None:
        (item,) = parse_delivery(opening * 100_000)
        assert isinstance(item, Broken)
        assert "nested too deeply" in item.reason
        assert 4_000 < len(item.raw) <= 4_096

    def test_takes_the_last_of_keys_that_are_written_twice(self) -> None:
        body = (
            json.dumps(an_event()).replace('"modelVersion": "7"', '"modelVersion": "6", "modelVersion": "8"').encode()
        )
        (item,) = parse_delivery(body)
        assert isinstance(item, Ours)
        assert isinstance(item.signal, ModelRegistered)
        assert item.signal.version == "8"


class TestAnEnvelope:
    @pytest.mark.parametrize("name", ["id", "topic", "eventType"])
    @pytest.mark.parametrize("value", [WITHOUT, None, "", " ", 7, ["x"], "a\x00b", "a\x9bb", "a\ud800b", "x" * 1_025])
    def test_with_an_unusable_field_is_broken_and_names_it(self, name: str, value: object) -> None:
        assert reason_of(changed(an_event(), name, value)).startswith(name)

    def test_of_a_broken_event_tells_what_it_can(self) -> None:
        item = item_of(an_event({"modelName": "", "modelVersion": "7"}))
        assert isinstance(item, Broken)
        assert (item.id, item.type) == ("event-1", f"{NAMESPACE}.ModelRegistered")
        assert item.source is not None
        assert item.source.endswith("dev-ml-ws")

    def test_without_a_subject_is_enough(self) -> None:
        assert registered(a_cloud_event(subject=WITHOUT)).envelope.subject == ""

    def test_takes_the_exactly_spelled_key_of_two(self) -> None:
        assert registered({"ID": "other", **an_event(), "Id": "another"}).envelope.id == "event-1"

    def test_knows_event_types_in_any_letter_case(self) -> None:
        event = an_event()
        event["eventType"] = event["eventType"].upper()
        assert registered(event) == registered(an_event())

    def test_in_the_event_grid_schema_may_carry_an_empty_specversion(self) -> None:
        assert registered(an_event(specversion=None)) == registered(an_event())

    def test_of_a_cloud_event_may_carry_an_extension_called_topic(self) -> None:
        assert registered(a_cloud_event(topic="news")) == registered(a_cloud_event())

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2026-03-02T09:15:27Z", datetime(2026, 3, 2, 9, 15, 27, tzinfo=UTC)),
            ("2026-03-02t09:15:27z", datetime(2026, 3, 2, 9, 15, 27, tzinfo=UTC)),
            ("2026-03-02T09:15:27", datetime(2026, 3, 2, 9, 15, 27, tzinfo=UTC)),
            ("2026-03-02T09:15:27.5Z", datetime(2026, 3, 2, 9, 15, 27, 500_000, tzinfo=UTC)),
            ("2026-03-02T09:15:27.12345678901Z", datetime(2026, 3, 2, 9, 15, 27, 123_456, tzinfo=UTC)),
            ("2026-03-02T09:15:27.1234567+05:30", datetime(2026, 3, 2, 3, 45, 27, 123_456, tzinfo=UTC)),
            ("2026-03-02T09:15:27-08:00", datetime(2026, 3, 2, 17, 15, 27, tzinfo=UTC)),
        ],
    )
    def test_carries_its_time_in_utc(self, written: str, meant: datetime) -> None:
        time = registered(an_event(eventTime=written)).envelope.time
        assert time == meant
        assert time.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "written",
        ["yesterday", "2026-03-02", "2026-13-02T09:15:27Z", "0001-01-01T00:00:00+05:00", "٢٠٢٦-03-02T09:15:27Z", 7],
    )
    def test_without_a_readable_time_is_broken(self, written: object) -> None:
        assert reason_of(an_event(eventTime=written)).startswith("eventTime")

    def test_without_a_time_takes_the_moment_of_publishing(self) -> None:
        event = an_event(eventTime=WITHOUT, publishTime="2026-03-02T09:15:28Z")
        assert registered(event).envelope.time == datetime(2026, 3, 2, 9, 15, 28, tzinfo=UTC)

    def test_without_any_time_is_broken(self) -> None:
        assert "eventTime" in reason_of(an_event(eventTime=WITHOUT))


@pytest.mark.parametrize("lead", ["", "x", "xx"])
def test_what_is_kept_of_a_broken_event_is_bounded_and_stays_readable_text(lead: str) -> None:
    item = item_of(an_event({"modelName": "", "note": lead + "€" * 5_000}))
    assert isinstance(item, Broken)
    assert 4_094 <= len(item.raw) <= 4_096
    item.raw.decode()
