"""Every policy in `broken/` is refused with exactly the words beside it."""

from pathlib import Path

import pytest

from orchestrator.policy.load import check_policy, parse_policy
from orchestrator.policy.mistakes import Mistake, PolicyMistakes

BROKEN = Path(__file__).parent / "broken"
CASES = sorted(path.stem for path in BROKEN.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_a_broken_policy_is_refused_in_words_that_help(case: str) -> None:
    text = (BROKEN / f"{case}.yaml").read_text()

    with pytest.raises(PolicyMistakes) as refused:
        parse_policy({f"{case}.yaml": text})

    assert f"{refused.value}\n" == (BROKEN / f"{case}.txt").read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_check_finds_the_same_mistakes_as_loading(case: str) -> None:
    text = (BROKEN / f"{case}.yaml").read_text()

    checked = check_policy({f"{case}.yaml": text})

    assert checked.policy is None
    assert f"{PolicyMistakes(checked.mistakes)}\n" == (BROKEN / f"{case}.txt").read_text()


def test_no_expected_message_is_left_without_its_policy() -> None:
    assert sorted(path.stem for path in BROKEN.glob("*.txt")) == CASES
    assert len(CASES) >= 40


def test_a_mistake_shows_no_control_characters_and_keeps_its_caret_in_place() -> None:
    mistake = Mistake("policy.yaml", 1, 4, "no", ("a: \x1b[31mred",), "a: b")

    assert str(mistake).splitlines()[1:3] == ["    | a: \ufffd[31mred", "    |    ^"]


def test_a_very_long_line_is_shown_around_its_mistake() -> None:
    source = "x" * 1000 + "HERE" + "x" * 1000

    excerpt, caret = str(Mistake("policy.yaml", 1, 1001, "no", (source,))).splitlines()[1:3]

    assert len(excerpt) < 200
    assert excerpt[caret.index("^") :].startswith("HERE")
