"""GitHub's official OpenAPI description as a judge of what goes to GitHub and what comes back.

The description is the npm package `@octokit/openapi` of `tests/node`, made from
https://github.com/github/rest-api-description. It is OpenAPI 3.0, whose schemas differ from JSON Schema in `nullable`
and in what may stand beside a `$ref`; both are translated. What no judge needs (prose, examples) is left out and the
rest kept beside the package, because reading 13 MB takes a second.
"""

import json
import re
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker

PACKAGE = Path(__file__).parent / "node" / "node_modules" / "@octokit" / "openapi"
JSON_TYPES = ("application/json", "application/vnd.github.object", "application/scim+json")
NAME_MAPS = {"properties", "schemas", "parameters", "responses", "requestBodies", "headers"}
NO_JUDGE_NEEDS = {"description", "summary", "example", "examples", "externalDocs", "tags", "operationId", "default"}
EMPTY = (None, b"", "")


def assert_answer_valid(method: str, path: str, status: int, body: object) -> None:
    """`body` (parsed JSON; None or empty for none) is an answer that GitHub may give with `status` to this call."""
    template, operation, _ = _operation(method, path)
    answers = operation["responses"]
    assert str(status) in answers, f"{method} {template} never answers {status}, only {', '.join(answers)}"
    schema = _content_schema(_resolved(answers[str(status)]))
    if schema is None:
        assert body in EMPTY, f"{method} {template} answers {status} without a body, not with {body!r}"
        return
    _assert_fits(schema, body, f"{method} {template}, answer {status}")


def assert_request_valid(method: str, path: str, query: dict[str, str], body: object) -> None:
    """GitHub knows this call: its path, each parameter of its query, and its body (parsed JSON; None for none).

    A field of the body that the description does not name is refused as well.
    """
    template, operation, in_path = _operation(method, path)
    parameters = {(one["in"], one["name"]): one for one in map(_resolved, operation.get("parameters", []))}
    for name, text in in_path.items():
        _assert_text_fits(parameters["path", name], text, f"{method} {template}, path")
    for name, text in query.items():
        assert ("query", name) in parameters, f"{method} {template} knows no parameter {name}"
        _assert_text_fits(parameters["query", name], text, f"{method} {template}, query")
    needed = {name for (place, name), one in parameters.items() if place == "query" and one.get("required")}
    assert needed <= query.keys(), f"{method} {template} needs the parameters {needed - query.keys()}"
    _assert_body_fits(operation.get("requestBody"), body, f"{method} {template}, body")


def assert_error_shaped(body: object) -> None:
    """`body` is GitHub's `basic-error`, the shape of every refusal."""
    _assert_fits({"$ref": "#/components/schemas/basic-error"}, body, "an error")
    assert isinstance(body, dict)
    assert body["message"], "an error says what is wrong"


def _assert_body_fits(described: dict[str, Any] | None, body: object, where: str) -> None:
    described = _resolved(described) if described else None
    schema = _content_schema(described) if described else None
    if body in EMPTY:
        assert not (described and described.get("required")), f"{where}: there must be one"
        return
    assert schema is not None, f"{where}: none is taken, but {body!r} was sent"
    _assert_fits(schema, body, where)
    plain = _resolved(schema)
    if isinstance(body, dict) and "properties" in plain:
        assert body.keys() <= plain["properties"].keys(), f"{where}: unknown fields in {sorted(body)}"


def _assert_text_fits(parameter: dict[str, Any], text: str, where: str) -> None:
    # `created` is described as a date-time and documented as a search term such as `>=2026-01-31`.
    schema = {key: value for key, value in _resolved(parameter["schema"]).items() if key != "format"}
    choices: list[object] = [text]
    if re.fullmatch(r"-?\d+", text):
        choices.append(int(text))
    if text in ("true", "false"):
        choices.append(text == "true")
    # A workflow's id is "one of integer and string"; text from a URL can be read as both.
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
    fits = any(_validator(json.dumps(schema)).is_valid(choice) for choice in choices)
    assert fits, f"{where}: {parameter['name']}={text!r} does not fit {schema}"


def _assert_fits(schema: dict[str, Any], value: object, where: str) -> None:
    errors = sorted(_validator(json.dumps(schema)).iter_errors(value), key=lambda error: error.json_path)
    assert not errors, "\n".join(f"{where}: {error.json_path}: {error.message[:500]}" for error in errors)


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": _description()["components"]}
    return Draft202012Validator(whole, format_checker=_formats())


@cache
def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())

    @checker.checks("date-time", raises=ValueError)
    def is_moment(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    @checker.checks("uri")
    def is_uri(value: object) -> bool:
        return not isinstance(value, str) or re.match(r"https?://[^\s<>]+$", value) is not None

    return checker


def _operation(method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    for template, pattern in _templates():
        found = pattern.fullmatch(path)
        operation = _description()["paths"][template].get(method.lower())
        if found and operation:
            return template, operation, {name: unquote(text) for name, text in found.groupdict().items()}
    raise AssertionError(f"GitHub knows no {method} {path}")


@cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    # Fewer placeholders first: /repos/{owner}/{repo}/actions/runs before anything that could swallow its words.
    templates = sorted(_description()["paths"], key=lambda template: (template.count("{"), -len(template)))
    return [(template, re.compile(_pattern(template))) for template in templates]


def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    words = [re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^/]+)" for index, part in enumerate(parts)]
    return "".join(words).replace("(?P<path>[^/]+)", "(?P<path>.+)")


def _content_schema(described: dict[str, Any]) -> dict[str, Any] | None:
    content = described.get("content", {})
    for kind in JSON_TYPES:
        if kind in content:
            schema: dict[str, Any] = content[kind].get("schema", {})
            return schema
    return None


def _resolved(described: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in described:
        target: Any = _description()
        for part in described["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        described = target
    return described


@cache
def _description() -> dict[str, Any]:
    source = PACKAGE / "generated" / "api.github.com.json"
    assert source.exists(), f"{source} is missing: run `make test`, or `npm ci` in tests/node"
    # Kept per package and per way of translating.
    made_from = sha256((PACKAGE / "package.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    kept = PACKAGE.parent.parent / ".cache" / f"github-openapi-{made_from}.json"
    if not kept.exists():
        whole = json.loads(source.read_text(encoding="utf-8"))
        kept.parent.mkdir(exist_ok=True)
        fresh = kept.with_suffix(".part")
        fresh.write_text(json.dumps({name: _translated(whole[name]) for name in ("paths", "components")}))
        fresh.replace(kept)
    description: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return description


def _translated(node: Any, *, names: bool = False) -> Any:
    """The node without what no judge needs. `names`: its keys are names given by GitHub, not words of OpenAPI."""
    if isinstance(node, list):
        return [_translated(one) for one in node]
    if not isinstance(node, dict):
        return node
    if not names and isinstance(node.get("$ref"), str):
        return {"$ref": node["$ref"]}
    kept = {
        key: value if key == "enum" else _translated(value, names=not names and key in NAME_MAPS)
        for key, value in node.items()
        if names or not (key in NO_JUDGE_NEEDS or key.startswith("x-"))
    }
    return kept if names else _without_nullable(kept)


def _without_nullable(schema: dict[str, Any]) -> dict[str, Any]:
    nullable = schema.pop("nullable", False)
    return {"anyOf": [schema, {"type": "null"}]} if nullable is True else schema
