"""The JSON Schema of a policy file, for editors; made from the same table that the loader reads by."""

from orchestrator.policy.facts import JSON
from orchestrator.policy.inputs import INPUT_NAME
from orchestrator.policy.keys import FILE, Key, Takes


def policy_schema() -> dict[str, JSON]:
    """The schema of one file, draft 2020-12. What keys say to each other only the loader checks."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Promotion policy",
        **_section(FILE),
    }


def _section(keys: tuple[Key, ...]) -> dict[str, JSON]:
    required: list[JSON] = [key.name for key in keys if key.required]
    return {
        "type": "object",
        "properties": {key.name: {"description": key.says, **_value(key)} for key in keys},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _value(key: Key) -> dict[str, JSON]:
    match key.takes:
        case Takes.VERSION:
            return {"const": 1}
        case Takes.TEXT | Takes.WORD:
            return _text(key)
        case Takes.TEXTS | Takes.WORDS:
            return {"type": "array", "minItems": 1, "items": _text(key)}
        case Takes.EXPRESSION:
            return {"type": ["string", "boolean"]}
        case Takes.INPUTS:
            values: dict[str, JSON] = {"type": ["string", "number", "boolean", "null"]}
            return {"type": "object", "propertyNames": {"pattern": INPUT_NAME}, "additionalProperties": values}
        case Takes.SECTION:
            return _section(key.of)
        case Takes.SECTIONS:
            return {"type": "array", "items": _section(key.of)}
        case Takes.NAMED_SECTIONS:
            names: dict[str, JSON] = {"pattern": key.pattern}
            return {"type": "object", "propertyNames": names, "additionalProperties": _section(key.of)}


def _text(key: Key) -> dict[str, JSON]:
    if not key.words:
        return {"type": "string", "pattern": key.pattern}
    return {"enum": [str(word) for word in key.words]}
