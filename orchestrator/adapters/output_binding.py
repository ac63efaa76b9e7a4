"""The work queue of a Functions app: hints made during a call leave with the call's queue output binding."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

_collected: ContextVar[dict[str, None] | None] = ContextVar("hints of this call", default=None)


class OutputBinding:
    """A `WorkQueue` that keeps the hints of a call until it ends.

    A binding sends at once, so hints for later, and those made outside a call, are left to the sweep, which finds
    every promotion that is due.
    """

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        """Ask for a look when this call has ended."""
        collected = _collected.get()
        if collected is not None and after <= timedelta(0):
            collected[identity] = None

    @contextmanager
    def during_call(self) -> Iterator[dict[str, None]]:
        """Collect the hints that are made inside, each once and in order, as the keys of what is given."""
        hints: dict[str, None] = {}
        token = _collected.set(hints)
        try:
            yield hints
        finally:
            _collected.reset(token)
