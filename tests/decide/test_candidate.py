"""Newer means registered later."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.decide.candidate import Registered

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REGISTERED = st.builds(
    Registered,
    at=st.integers(0, 2).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    version=st.text("0129av.-", max_size=5),
)


def test_the_later_registration_is_newer_whatever_its_number() -> None:
    assert Registered(NOON + timedelta(seconds=1), "3").newer_than(Registered(NOON, "10"))


def test_ten_comes_after_nine() -> None:
    assert Registered(NOON, "10").newer_than(Registered(NOON, "9"))
    assert Registered(NOON, "v1.10").newer_than(Registered(NOON, "v1.9"))
    assert not Registered(NOON, "9").newer_than(Registered(NOON, "10"))


@given(REGISTERED, REGISTERED, REGISTERED)
def test_newer_is_an_order(one: Registered, two: Registered, three: Registered) -> None:
    assert not one.newer_than(one)
    assert not (one.newer_than(two) and two.newer_than(one))
    if one.newer_than(two) and two.newer_than(three):
        assert one.newer_than(three)
