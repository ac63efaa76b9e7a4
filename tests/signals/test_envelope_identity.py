"""Which deliveries are the same event."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.signals.signal import Envelope

ENVELOPE = Envelope(
    id="event-1",
    source="/Subscriptions/S/resourceGroups/G/Workspaces/Dev-ML-ws/",
    type="Microsoft.MachineLearningServices.ModelRegistered",
    subject="models/diabetes-clf:7",
    time=datetime(2026, 3, 2, tzinfo=UTC),
)


def test_workspaces_compare_without_letter_case_and_trailing_slash() -> None:
    assert ENVELOPE.workspace == "/subscriptions/s/resourcegroups/g/workspaces/dev-ml-ws"
    assert replace(ENVELOPE, source=ENVELOPE.workspace).key == ENVELOPE.key


def test_the_key_is_the_same_in_every_version_of_this_service() -> None:
    assert ENVELOPE.key == "c1d130d25fdaa062df45073c2db9f6bdbcb333025fb35ddf13125a2f53cb62d6"


def test_a_repeated_delivery_keeps_its_key_whatever_its_subject_and_time_say() -> None:
    assert replace(ENVELOPE, subject="", time=datetime(2026, 3, 3, tzinfo=UTC)).key == ENVELOPE.key


def test_another_id_type_or_workspace_is_another_event() -> None:
    others = [replace(ENVELOPE, id="other"), replace(ENVELOPE, type="other"), replace(ENVELOPE, source="other")]
    assert len({envelope.key for envelope in [ENVELOPE, *others]}) == 4


short = st.text(alphabet="ab:,1", min_size=1, max_size=4)


@given(st.tuples(short, short, short), st.tuples(short, short, short))
def test_no_two_events_share_a_key(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    keys = [replace(ENVELOPE, source=source, type=kind, id=id_).key for source, kind, id_ in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_a_signal_cannot_be_changed() -> None:
    envelope: Any = ENVELOPE
    with pytest.raises(FrozenInstanceError):
        envelope.id = "other"
