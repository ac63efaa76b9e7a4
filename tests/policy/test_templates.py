"""Templates: text with `${CEL}` parts."""

from datetime import UTC, datetime

import pytest

from orchestrator.policy.expressions import Broken, ExpressionMistake, Missing
from orchestrator.policy.templates import compile_template

FACTS = {
    "model": {"name": "churn", "version": "7"},
    "environment": "prod",
    "metrics": {"auc": 0.5},
    "tags": {"a}b": "braces"},
    "champion": None,
    "now": datetime(2026, 1, 2, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain", "plain"),
        ("", ""),
        ("churn-${environment}", "churn-prod"),
        ("${model.name}:${model.version}", "churn:7"),
        ('${tags["a}b"]}', "braces"),
        ("${ {'a': 'b'}.a }!", "b!"),
        ("${'it\\'s }'}!", "it's }!"),
        ("${metrics.auc}", "0.5"),
        ("${metrics.auc > 0.1}", "true"),
        ("${size(tags)}", "1"),
        ("${now}", "2026-01-02T00:00:00Z"),
        ("${champion == null ? 'first' : champion.version}", "first"),
        ("$${environment} costs 5$", "${environment} costs 5$"),
        ("$${{ x }}", "${{ x }}"),
        ("a } b { c $ d", "a } b { c $ d"),
    ],
)
def test_a_template_renders_to_text(text: str, rendered: str) -> None:
    assert compile_template(text).render(FACTS) == rendered


def test_what_is_not_there_makes_no_text() -> None:
    assert compile_template("x-${tags.nope}").render(FACTS) == Missing("tags.nope", "tags.nope is not there")


@pytest.mark.parametrize("text", ["${tags}", "${[1]}", "${null}", "${1 / 0}"])
def test_what_is_no_text_is_broken(text: str) -> None:
    assert isinstance(compile_template(text).render(FACTS), Broken)


def test_a_template_tells_what_it_read() -> None:
    assert compile_template("${environment}-${metrics.auc}-${tags.nope}").observe(FACTS) == {
        "environment": "prod",
        "metrics.auc": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("a-${environmnt}", 1, 5, 'did you mean "environment"?'),
        ("a\nb ${environment} ${tagz.a}", 2, 20, 'did you mean "tags"?'),
        ("a-${environment", 1, 3, "this ${ is never closed"),
        ("a-${'}", 1, 3, "this ${ is never closed"),
        ("${}", 1, 3, "the expression is empty"),
        ("${{ github.ref }}", 1, 1, "GitHub's ${{ }} is not evaluated in a policy"),
        ("x" * 4097, 1, 1, "the text has 4,097 characters"),
    ],
)
def test_a_mistake_is_placed_in_the_whole_text(text: str, line: int, column: int, told: str) -> None:
    with pytest.raises(ExpressionMistake) as refused:
        compile_template(text)

    assert told in refused.value.message
    assert (refused.value.line, refused.value.column) == (line, column)
