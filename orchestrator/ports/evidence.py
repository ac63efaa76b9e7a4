"""Where evidence is kept."""

from dataclasses import dataclass
from typing import Protocol

from orchestrator.decide.evidence import Measured


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """Whose evidence: a model version in a workspace (Azure resource id), and what else may lead to its runs.

    `promotion` is the promotion that brought it into that environment: its run and its version there carry that id as
    the tag `promotion_id`. `run_id` is the run that made it, where that is known.
    """

    environment: str
    workspace: str
    model: str
    version: str
    promotion: str | None = None
    run_id: str | None = None


class EvidenceSource(Protocol):
    """A place where evidence is kept. Raises `Unreadable` or `Refused`; what is not there is said, not raised."""

    def read(self, wanted: EvidenceWanted) -> Measured:
        """Read what is known of a model version now."""
