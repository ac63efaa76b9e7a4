"""Events that the Functions host has decoded before this service sees them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.signals.delivery import Broken, Ours, from_cloud_event, from_event_grid, parse_event
from tests.signals.making import DATA, a_cloud_event, an_event, item_of, registered


class TestAnEventThatTheHostHasDecoded:
    def test_is_the_same_item(self) -> None:
        assert parse_event(an_event()) == item_of(an_event())
        assert parse_event(a_cloud_event()) == item_of(a_cloud_event())

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes", object()])
    def test_with_what_json_cannot_say_is_broken(self, value: object) -> None:
        item = parse_event(an_event(DATA | {"modelTags": {"a": value}}))
        assert isinstance(item, Broken)
        assert item.id == "event-1"
        assert item.raw.decode().isprintable()

    def test_that_holds_itself_is_broken(self) -> None:
        event = an_event()
        event["data"] = event
        item = parse_event(event)
        assert isinstance(item, Broken)
        assert b"'event-1'" in item.raw

    def test_is_built_from_the_pieces_of_an_event_grid_event(self) -> None:
        whole = an_event()
        for time in [
            whole["eventTime"],
            datetime(2026, 3, 2, 9, 15, 27),  # noqa: DTZ001
            datetime(2026, 3, 2, 10, 15, 27, tzinfo=timezone(timedelta(hours=1))),
        ]:
            item = from_event_grid(
                id=whole["id"],
                topic=whole["topic"],
                subject=whole["subject"],
                event_type=whole["eventType"],
                event_time=time,
                data=DATA,
            )
            assert isinstance(item, Ours)
            assert item.signal == registered(whole)

    def test_is_built_from_the_pieces_of_a_cloud_event(self) -> None:
        whole = a_cloud_event()
        item = from_cloud_event(
            id=whole["id"],
            source=whole["source"],
            event_type=whole["type"],
            subject=None,
            time=datetime(2026, 3, 2, 9, 15, 27, tzinfo=UTC),
            data=json.dumps(DATA),
        )
        assert isinstance(item, Ours)
        assert item.signal == registered(whole)
