"""No expression can keep the service busy, exhaust its stack, or read a thousand metrics to look at two."""

import time

import pytest

from orchestrator.policy.expressions import Broken, ExpressionMistake, Holds, compile_expression

MANY = {f"m{n}": float(n) for n in range(1000)}


def refused(text: str) -> str:
    with pytest.raises(ExpressionMistake) as caught:
        compile_expression(text)
    return caught.value.message


def test_an_expression_is_at_most_4096_characters_long() -> None:
    longest = "true" + " " * 4092

    assert compile_expression(longest).evaluate({}) == Holds()
    assert refused(longest + " ") == "the expression has 4,097 characters"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200 + "true" + ")" * 200,
        "[" * 200 + "]" * 200 + " == []",
        "true ? true : " * 200 + "true",
        "+".join(["1"] * 500) + " > 1",
        "metrics" + ".a" * 500 + " > 1",
        "metrics[" * 200 + "'a'" + "]" * 200 + " > 1",
        "[1].all(a, " * 100 + "true" + ")" * 100,
        "true in [" * 100 + "true" + "]" * 100,
        "size(" * 200 + "tags" + ")" * 200 + " > 1",
    ],
    ids=["brackets", "lists", "choices", "sums", "names", "indexes", "loops", "in", "calls"],
)
def test_an_expression_nested_too_deep_is_refused(text: str) -> None:
    assert "nested too deep" in refused(text)


def test_many_conditions_side_by_side_are_not_nested() -> None:
    assert compile_expression(" && ".join(["true"] * 500)).evaluate({}) == Holds()


@pytest.mark.parametrize(
    "text",
    [
        "metrics.all(a, metrics.all(b, true))",
        "metrics.all(a, metrics.exists(b, metrics.exists_one(c, false) || a == b))",
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, metrics.all(c, true)))",
        "metrics.map(a, metrics.map(b, metrics.map(c, a + b + c))).size() > 0",
        "metrics.filter(a, metrics.filter(b, true).size() > 0).size() > 0",
    ],
)
def test_loops_in_loops_end_at_the_iteration_budget(text: str) -> None:
    expression = compile_expression(text)
    started = time.process_time()

    answer = expression.evaluate({"metrics": MANY})

    assert answer == Broken("Iteration budget exceeded")
    assert time.process_time() - started < 1.0


def test_one_loop_over_a_thousand_metrics_is_within_the_budget() -> None:
    assert compile_expression("metrics.all(name, metrics[name] >= 0.0)").evaluate({"metrics": MANY}) == Holds()


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("a" * 257, "the pattern is too long"),
        ("(a?){65}", "the counts in braces of the pattern add up to 65"),
        ("(a{40}){40}", "the counts in braces of the pattern add up to 80"),
        ("(a|b){1,70}", "the counts in braces of the pattern add up to 70"),
        ("(?=a)", "invalid regular expression"),
        ("[", "invalid regular expression"),
    ],
)
def test_a_pattern_that_is_costly_or_wrong_is_refused(pattern: str, told: str) -> None:
    assert told in refused(f"tags.a.matches('{pattern}')")
    assert told in refused(f"matches(tags.a, '{pattern}')")


@pytest.mark.parametrize("pattern", ["(" + "a?" * 120 + "){32}", "(.*a){20}.*b", "(a|aa)*(.*a.{50})", "((a?){30}){30}"])
def test_the_costliest_patterns_that_are_allowed_end_soon(pattern: str) -> None:
    expression = compile_expression(f"tags.a.matches('^{pattern}$')")
    started = time.process_time()

    expression.evaluate({"tags": {"a": "a" * 10_000}})

    assert time.process_time() - started < 1.0


def test_twenty_checks_of_one_candidate_take_less_than_a_millisecond() -> None:
    expressions = [
        compile_expression(f'metrics.m{n} >= {n}.0 && tags.stage == "candidate" && double(tags.accuracy) > 0.5')
        for n in range(20)
    ]
    facts = {"metrics": MANY, "tags": {"stage": "candidate", "accuracy": "0.91"}}

    def spent() -> float:
        started = time.process_time()
        assert all(expression.evaluate(facts) == Holds() for expression in expressions)
        return time.process_time() - started

    assert min(spent() for _ in range(20)) < 0.001
