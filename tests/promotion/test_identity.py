"""Ids say the intent: one candidate, one id, safe everywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.promotion.identity import (
    escape,
    from_other_environment,
    is_shadow,
    marker,
    promotion_id,
    shadow_id,
    slot_of,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_an_id_reads_as_what_it_is() -> None:
    assert promotion_id("staging", "diabetes-clf", "7") == "staging:diabetes-clf:7"


def test_bytes_that_are_special_somewhere_are_escaped() -> None:
    assert escape("a/b#c?d e:f=@") == "a=2Fb=23c=3Fd=20e=3Af=3D=40"
    assert escape("naïve") == "na=C3=AFve"


def test_a_long_name_ends_in_its_digest() -> None:
    first, second = escape("m" * 300), escape("m" * 301)

    assert len(first) == len(second) == 100
    assert re.fullmatch(r"m{87}~[0-9a-f]{12}", first)
    assert first != second


@given(NAMES)
def test_every_part_is_safe_in_a_url_a_table_key_and_a_runs_name(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~=-]{1,100}", escape(name))


@given(NAMES, NAMES)
def test_two_names_never_share_an_id(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) is (one == other)


@given(NAMES, NAMES, NAMES)
def test_a_promotion_and_its_sibling_from_elsewhere_stand_for_one_slot(place: str, model: str, version: str) -> None:
    identity = promotion_id(place, model, version)

    assert (
        slot_of(identity)
        == slot_of(from_other_environment(identity, "hot:fix@x"))
        == ":".join([escape(place), escape(model)])
    )


def test_each_intent_has_the_slot_it_needs() -> None:
    assert slot_of("rollback:prod:churn:6:0123456789ab") == "prod:churn"
    assert slot_of("retrain:dev:churn:0123456789ab") == "retrain:dev:churn"
    assert slot_of(shadow_id("strict", "prod", "churn", "6")) == "shadow:strict:prod:churn"
    assert is_shadow(shadow_id("strict", "prod", "churn", "6"))


def test_what_is_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="not the id of a promotion"):
        slot_of("churn")


def test_the_marker_of_one_version_is_not_found_in_that_of_another() -> None:
    assert marker("staging:churn:1", 1) not in marker("staging:churn:10", 1)
    assert marker("staging:churn:1", 1) not in marker("staging:churn:1", 12)
    assert marker("staging:churn:7", 1) not in marker("staging:churn:70", 1)
