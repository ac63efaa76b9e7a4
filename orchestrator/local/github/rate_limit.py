"""The figures of the primary rate limit. They are shown, never enforced: `failures` scripts a limit that strikes.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from datetime import datetime
from threading import Lock

WINDOW_SECONDS = 3600


class RateLimit:
    """Counts calls within each clock hour. `remaining` stays above zero, so that no caller stops by itself."""

    def __init__(self, limit: int = 5_000) -> None:
        self.limit = limit
        self._lock = Lock()
        self._window = 0
        self._used = 0

    def use(self, now: datetime) -> None:
        """One more call."""
        with self._lock:
            self._turn(now)
            self._used = min(self._used + 1, self.limit - 1)

    def shape(self, now: datetime) -> dict[str, int]:
        """A `rate-limit` in the shape of GitHub's REST API."""
        with self._lock:
            self._turn(now)
            reset = (self._window + 1) * WINDOW_SECONDS
            return {"limit": self.limit, "used": self._used, "remaining": self.limit - self._used, "reset": reset}

    def headers(self, now: datetime) -> dict[str, str]:
        """The same figures as the headers of an answer."""
        figures = {f"x-ratelimit-{name}": str(value) for name, value in self.shape(now).items()}
        return figures | {"x-ratelimit-resource": "core"}

    def _turn(self, now: datetime) -> None:
        window = int(now.timestamp()) // WINDOW_SECONDS
        if window != self._window:
            self._window, self._used = window, 0
