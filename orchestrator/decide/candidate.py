"""The candidate: a model version that is considered for an environment."""

import re
from dataclasses import dataclass
from datetime import datetime

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Registered:
    """When a version was registered: the order in which versions replace one another."""

    at: datetime
    version: str

    def newer_than(self, other: "Registered") -> bool:
        """Tell whether this version was registered later; ties are broken by version, 10 after 9."""
        return (self.at, _natural(self.version)) > (other.at, _natural(other.version))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model version on offer, under the name and number it was first registered with.

    `workspace` is the lower-case Azure resource id of the workspace of origin. `registered_at` is the creation time
    there, or the event's time until that is known. `evidence` is the digest of what the signal itself said.
    """

    workspace: str
    model: str
    version: str
    from_environment: str
    registered_at: datetime
    evidence: str
    run_id: str | None = None

    @property
    def registered(self) -> Registered:
        """The place of this candidate in the order of registration."""
        return Registered(at=self.registered_at, version=self.version)


def _natural(version: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in _DIGITS.split(version) if part)
