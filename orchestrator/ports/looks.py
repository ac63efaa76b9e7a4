"""When the next look comes: hints and time."""

from datetime import datetime, timedelta
from typing import Protocol


class WorkQueue(Protocol):
    """Hints which promotion should look; losing all of them loses nothing."""

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        """Ask for a look, now or after a while."""


class Clock(Protocol):
    """Time, as this worker sees it."""

    def now(self) -> datetime:
        """Give the time of day (aware, UTC)."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
