"""Reading what was sent: a JSON object, field by field, each with a clear refusal."""

import json
from collections.abc import Mapping
from typing import NoReturn

from orchestrator.local.github.refusal import Refusal


class Fields:
    """The fields of a JSON object. A field of the wrong kind raises `Refusal` 422; `null` counts as absent."""

    def __init__(self, values: object, what: str = "The body") -> None:
        if not isinstance(values, dict):
            raise Refusal(422, f"Invalid request.\n\n{what} must be an object.")
        self.values: Mapping[str, object] = values
        self._what = what

    @classmethod
    def of(cls, body: bytes) -> "Fields":
        """Parses a body; an empty one has no fields. Raises `Refusal` 400 when it is not JSON."""
        if not body:
            return cls({})
        try:
            return cls(json.loads(body))
        except ValueError as error:
            raise Refusal(400, "Problems parsing JSON") from error

    def allow_only(self, *names: str) -> None:
        """Refuses a field that is not among `names`."""
        for name in self.values:
            if name not in names:
                raise Refusal(422, f'Invalid request.\n\n"{name}" is not a permitted key.')

    def has(self, name: str) -> bool:
        """Whether the field was sent, even as null."""
        return name in self.values

    def need(self, *names: str) -> None:
        """Refuses when one of `names` is missing."""
        missing = [name for name in names if self.values.get(name) is None]
        if missing:
            quoted = ", ".join(f'"{name}"' for name in missing)
            raise Refusal(422, f"Invalid request.\n\n{quoted} wasn't supplied.")

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else self._wrong(name, "a string")

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else self._wrong(name, "a boolean")

    def seconds(self, name: str, default: float = 0.0) -> float:
        """A number, not below zero."""
        value = self.values.get(name)
        if value is None:
            return default
        fine = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        return float(value) if fine and isinstance(value, int | float) else self._wrong(name, "a number from 0")

    def whole(self, name: str) -> int | None:
        """A whole number, if there is one."""
        value = self.values.get(name)
        if value is None:
            return None
        fine = isinstance(value, int) and not isinstance(value, bool)
        return value if fine and isinstance(value, int) else self._wrong(name, "a whole number")

    def entries(self, name: str) -> list[object]:
        """A list."""
        value = self.values.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else self._wrong(name, "a list")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        entries = self.entries(name)
        texts = tuple(entry for entry in entries if isinstance(entry, str))
        return texts if len(texts) == len(entries) else self._wrong(name, "a list of strings")

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        entries = self.entries(name)
        numbers = tuple(entry for entry in entries if isinstance(entry, int) and not isinstance(entry, bool))
        return numbers if len(numbers) == len(entries) else self._wrong(name, "a list of whole numbers")

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects."""
        return [Fields(entry, f"Each of {name}") for entry in self.entries(name)]

    def object(self, name: str) -> "Fields":
        """An object; an absent one has no fields."""
        value = self.values.get(name)
        return Fields({} if value is None else value, name)

    def _wrong(self, name: str, wanted: str) -> NoReturn:
        raise Refusal(422, f"Invalid request.\n\nFor '{name}', {json.dumps(self.values[name])} is not {wanted}.")
