"""Expressions: what they answer, what they read, and what is refused when the policy is loaded."""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.policy.expressions import (
    Answer,
    Broken,
    ExpressionMistake,
    Fails,
    Holds,
    Missing,
    compile_expression,
)
from orchestrator.policy.variables import VARIABLES

FACTS: dict[str, Any] = {
    "model": {"name": "churn", "version": "7"},
    "tags": {"stage": "candidate", "accuracy": "0.91", "a.b": "dotted"},
    "properties": {"framework": "sklearn"},
    "metrics": {"auc": 0.9, "whole": 1, "nan": math.nan, "endless": math.inf, "champion.auc": 0.8},
    "run": {"id": "r1", "status": "completed", "experiment": "train", "tags": {}, "properties": {}},
    "jobs": {"unit_tests": "success"},
    "champion": {"version": "6", "metrics": {"auc": 0.85}, "tags": {"stage": "serving"}},
    "evidence": {"dev": {"metrics": {"auc": 0.7}}, "us-dev": {"metrics": {"auc": 1}}},
    "environment": "staging",
    "event": {"type": "t", "source": "s", "subject": "u", "id": "i", "time": datetime(2026, 1, 1, tzinfo=UTC)},
    "now": datetime(2026, 1, 2, 12, tzinfo=UTC),
}


def answer(text: str, **changed: object) -> Answer:
    return compile_expression(text).evaluate({**FACTS, **changed})


def refusal(text: str, *, condition: bool = True) -> ExpressionMistake:
    with pytest.raises(ExpressionMistake) as refused:
        compile_expression(text, condition=condition, environments=("dev", "staging"))
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        'tags.stage == "candidate"',
        'tags["a.b"] == "dotted"',
        "double(tags.accuracy) >= 0.85",
        "metrics.auc >= 0.9 && metrics.auc < 1",
        "metrics.whole + 1.0 == 2.0",
        "(metrics.auc + metrics.whole) / 2.0 > 0.9",
        'metrics["champion.auc"] < champion.metrics.auc',
        "metrics.auc >= champion.metrics.auc + 0.01",
        "metrics.endless > 1000",
        "champion != null",
        "null != champion",
        'champion.version == "6" && champion.tags.stage == "serving"',
        'run.status == "completed" && run.experiment == "train"',
        'jobs.unit_tests == "success"',
        'model.name.startsWith("ch") && model.version in ["6", "7"]',
        'environment == "staging"',
        "now - event.time > duration('24h')",
        "now.getDayOfWeek() == 5",
        "evidence.dev.metrics.auc < metrics.auc",
        'evidence["us-dev"].metrics.auc == 1',
        '"auc" in metrics && !("nope" in tags)',
        "has(tags.stage) && !has(tags.nope)",
        "metrics.exists(name, name == 'auc')",
        "tags.all(metrics, metrics != '')",
        'properties.framework.matches("^skl[a-z]+$")',
        "size(tags) == 3",
        'tags.nope == "x" || true',
    ],
)
def test_a_condition_that_is_true_holds(text: str) -> None:
    assert answer(text) == Holds()


@pytest.mark.parametrize(
    "text", ['tags.stage == "scratch"', "metrics.auc > 0.95", "champion == null", 'tags.nope == "x" && false']
)
def test_a_condition_that_is_false_fails(text: str) -> None:
    assert answer(text) == Fails()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('tags.nope == "x"', "tags.nope"),
        ('metrics["no.pe"] > 1', 'metrics["no.pe"]'),
        ('metrics.auc > 0.5 && tags.nope == "x"', "tags.nope"),
        ('has(tags.gone) || metrics.nope > 1 || tags.nope == "x"', "metrics.nope"),
        ("champion.metrics.nope > 1", "champion.metrics.nope"),
        ("evidence.prod.metrics.auc > 0.5", "evidence.prod.metrics.auc"),
        ("evidence.dev.metrics.nope > 0.5", "evidence.dev.metrics.nope"),
        ("metrics[model.name] > 0.5", None),
    ],
)
def test_what_is_not_there_is_neither_true_nor_false_and_is_named(text: str, path: str | None) -> None:
    found = answer(text)

    assert isinstance(found, Missing)
    assert found.path == path


def test_a_variable_that_nobody_knows_yet_is_missing_as_well() -> None:
    assert compile_expression("metrics.auc > 0.5").evaluate({}) == Missing("metrics.auc", "metrics.auc is not there")
    assert compile_expression("champion != null").evaluate({}) == Missing("champion", "champion is not there")
    assert compile_expression('run.id == "x"').evaluate({"run": None}) == Missing("run.id", "run.id is not there")


def test_a_missing_champion_is_explained() -> None:
    found = answer("metrics.auc >= champion.metrics.auc", champion=None)

    assert isinstance(found, Missing)
    assert "there is no champion" in found.message
    assert answer("champion != null", champion=None) == Fails()


@pytest.mark.parametrize("text", ["metrics.nan > 0.5", "!(metrics.nan > 0.5)", "metrics.nan != 0.5"])
def test_a_metric_that_is_no_number_never_passes_a_check(text: str) -> None:
    assert answer(text) == Missing("metrics.nan", "metrics.nan was measured as NaN, which is no number")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / 0 == 1", "divide by zero"),
        ("double(tags.stage) > 0.5", "cannot convert string to double"),
        ("metrics.auc + size(tags) > 1", "write 1.0, not 1"),
        ("timestamp(tags.stage) < now", "Timestamp conversion failed"),
        ("metrics.exists_one(n, n == 'auc') ? dyn(1) : dyn(true)", "neither true nor false"),
    ],
)
def test_what_cannot_be_answered_says_why(text: str, told: str) -> None:
    found = answer(text)

    assert isinstance(found, Broken)
    assert told in found.message


def test_facts_of_the_wrong_form_break_an_expression_rather_than_the_service() -> None:
    expression = compile_expression('tags.stage == "candidate"')

    wrong_values: list[object] = [{"stage": 5}, {"stage": None}, {"stage": {}}, {"stage": "\ud800"}]
    wrong_maps: list[object] = [None, "text", 5, []]
    assert all(isinstance(expression.evaluate({"tags": tags}), Broken) for tags in wrong_values)
    assert all(isinstance(expression.evaluate({"tags": tags}), Missing) for tags in wrong_maps)
    assert isinstance(compile_expression("metrics.auc > 1").evaluate({"metrics": {"auc": 10**400}}), Broken)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ('tags.stage == "x" && tags["stage"] != "y"', ("tags.stage",)),
        ('metrics["champion.auc"] < champion.metrics.auc', ('metrics["champion.auc"]', "champion.metrics.auc")),
        ("champion != null && has(tags.x)", ("champion", "tags.x")),
        ("metrics.exists(tags, tags == model.name)", ("metrics", "model.name")),
        ("metrics.all(m, metrics[m] > 0.0)", ("metrics",)),
        ('evidence["us-dev"].metrics.auc > 1', ('evidence["us-dev"].metrics.auc',)),
        ('"auc" in metrics', ("metrics.auc",)),
        ("[now, event.time] == [now]", ("now", "event.time")),
        ("{'a': tags.b} == {'a': 'c'}", ("tags.b",)),
        (".tags.stage == 'x'", ("tags.stage",)),
        ("true", ()),
    ],
)
def test_reads_are_the_paths_of_variables_without_those_of_comprehensions(text: str, reads: tuple[str, ...]) -> None:
    assert compile_expression(text).reads == reads


def test_what_was_observed_is_recorded_as_json_and_what_is_not_there_is_left_out() -> None:
    text = 'metrics.endless > 1 && champion != null && now > event.time && tags.nope == "" && metrics.whole == 1'

    assert compile_expression(text).observe(FACTS) == {
        "metrics.endless": "inf",
        "champion": "6",
        "now": "2026-01-02T12:00:00Z",
        "event.time": "2026-01-01T00:00:00Z",
        "metrics.whole": 1,
    }
    assert compile_expression("champion == null").observe({"champion": None}) == {"champion": None}
    assert compile_expression("size(metrics) > 1").observe({"metrics": dict.fromkeys(map(str, range(99)), 1.0)}) == {
        "metrics": "99 entries"
    }


def test_expressions_are_known_by_their_text() -> None:
    one, other = compile_expression("metrics.auc > 0.5"), compile_expression("metrics.auc > 0.6")

    assert one == compile_expression("metrics.auc > 0.5")
    assert one != other
    assert one.digest == compile_expression("metrics.auc > 0.5").digest != other.digest
    assert len(one.digest) >= 12


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ('tagz.stage == "x"', 1, 1, 'there is no variable "tagz"; did you mean "tags"?'),
        ('has(tags.a) &&\n  tagz.stage == "x"', 2, 3, 'there is no variable "tagz"'),
        ("run.idd == 'x'", 1, 1, 'run has no "idd"; did you mean "id"?'),
        ("true && champion", 1, 9, "champion as a whole can only be compared with null"),
        ("champion['metrics'].auc > 0.5", 1, 1, "write champion.metrics rather than"),
        ("model == null", 1, 1, "model stands for nothing by itself"),
        ("has(run.id)", 1, 5, "has() asks for a name in tags"),
        ("tags.a.b == ''", 1, 1, 'a name with dots is written tags["a.b"]'),
        ("metrics.champion.auc > 0.5", 1, 1, 'a name with dots is written metrics["champion.auc"]'),
        ("environment.name == ''", 1, 1, "environment has no parts"),
        ("evidence.devv.metrics.auc > 1", 1, 1, 'no such environment; did you mean "dev"?'),
        ("evidence.dev.tags.a == 1", 1, 1, 'evidence.dev has no "tags"'),
        ("tags.x >= 0.5", 1, 8, '">=" does not take (string, double)'),
        ("metrics.accuracy + 1 > 0.5", 1, 20, '"+" needs decimal numbers on both sides'),
        ("2 * metrics.accuracy > 0.5", 1, 1, '"*" needs decimal numbers'),
        ("evidence.dev.metrics.auc - 1 > 0.5", 1, 28, '"-" needs decimal numbers'),
        ("metrics.accuracy == '0.9'", 1, 21, '"==" compares a number with text'),
        ("metrics.accuracy != null", 1, 21, '"!=" compares a number with null'),
        ("metrics.accuracy == true", 1, 21, "a number with true or false"),
        ("metrics.accuracy", 1, 1, "gives a number, not true or false"),
        ("tags.stage", 1, 1, "gives text, not true or false"),
        ("now", 1, 1, "gives a time"),
        ("tags", 1, 1, "not true or false"),
        ("1 +", 1, 4, "the expression ends too early"),
        ("tags.a = 'x'", 1, 8, "write =="),
        ("tags.a == 'x' and true", 1, 15, "syntax error: mismatched input 'and'"),
        ("lower(tags.a) == 'x'", 1, 1, 'there is no function or variable "lower"'),
        ("tags.a.matches('(')", 1, 16, "missing )"),
        ("tags.a.matches(tags.b)", 1, 20, "the pattern of matches() must be written out"),
        ("", 1, 1, "the expression is empty"),
        ("  \n ", 1, 1, "the expression is empty"),
        ("true \x07", 1, 6, "the character U+0007 is not allowed"),
        ("tags.a == '\ud800'", 1, 12, "the character U+D800 is not allowed"),
    ],
)
def test_a_mistake_is_found_when_the_policy_is_loaded(text: str, line: int, column: int, told: str) -> None:
    mistake = refusal(text)

    assert told in mistake.message
    assert (mistake.line, mistake.column) == (line, column)
    shown, caret = mistake.pointer.split("\n")
    assert len(shown) + 1 >= len(caret) == column


def test_a_misspelt_variable_is_answered_with_all_there_are() -> None:
    assert refusal("tagz.a == ''").allowed == ", ".join(variable.shown for variable in VARIABLES)


def test_a_whole_number_is_answered_with_the_decimal_one() -> None:
    assert refusal("metrics.accuracy + 1 > 0.5").allowed == "1.0 in place of 1"
    assert refusal("metrics.accuracy * -2 > 0.5").allowed == "-2.0 in place of -2"


def test_several_mistakes_of_one_expression_come_together() -> None:
    mistake = refusal("tagz.a == '' && metrics.b + 1 > 0.5 && run.idd == ''")

    assert [mistake.column, *(other.column for other in mistake.more)] == [1, 29, 40]


def test_a_value_need_not_be_a_condition() -> None:
    assert compile_expression("model.version", condition=False).value(FACTS) == "7"
    assert refusal("tagz.a", condition=False).column == 1


def test_one_expression_answers_many_threads_at_once() -> None:
    expression = compile_expression("metrics.auc > 0.5 && tags.stage == 'candidate'")
    facts = [{**FACTS, "metrics": {"auc": n % 2}} for n in range(400)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(expression.evaluate, facts))

    assert answers == [Holds() if n % 2 else Fails() for n in range(400)]


CEL_SIGNS = st.text(st.sampled_from(list("tags.metrics[]()\"'+-*/&|!=<>?:,{} 01\\nx\n")), max_size=40)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=40), CEL_SIGNS))
def test_any_text_is_an_expression_or_a_mistake_with_a_place(text: str) -> None:
    line, column = place_of_mistake(text)

    assert 0 <= line <= text.count("\n") + 1
    assert 0 <= column <= len(text) + 1


def place_of_mistake(text: str) -> tuple[int, int]:
    """Where the mistake is; (0, 0) when the text is an expression."""
    try:
        compile_expression(text, condition=False).value(FACTS)
    except ExpressionMistake as mistake:
        return mistake.line, mistake.column
    return 0, 0
