"""A tripwire around the ports: the process dies before or after the n-th thing it does outside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.flow.world import World

STORE_WRITES = frozenset(
    {"add", "save", "take_due", "postpone", "forget_due", "put_evidence", "write_journal", "put_mark"}
)
OUTSIDE_CALLS = frozenset({"gate", "start", "find", "repeated", "run", "pending", "reviews", "cancel"})


class Killed(BaseException):
    """The process is gone. No code of the service may catch this."""


@dataclass
class Tripwire:
    """Counts what is done outside; kills before (even) or after (odd) the point `fatal`."""

    fatal: int | None = None
    points: list[str] = field(default_factory=list)

    def around(self, world: World) -> World:
        """Put the wire around a world's store and workflows."""
        return replace(
            world,
            store=_Wired(world.store, STORE_WRITES, self),
            workflows=_Wired(world.workflows, OUTSIDE_CALLS, self),
        )

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do one thing outside, unless the process dies first."""
        self._point(f"before {name}")
        answer = act()
        self._point(f"after {name}")
        return answer

    def _point(self, name: str) -> None:
        self.points.append(name)
        if len(self.points) - 1 == self.fatal:
            raise Killed(name)


class _Wired:
    def __init__(self, behind: object, names: frozenset[str], wire: Tripwire) -> None:
        self._behind, self._names, self._wire = behind, names, wire

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._behind, name)
        if name == "together":
            return self._together
        if name not in self._names:
            return real
        return lambda *args, **kwargs: self._wire.step(name, lambda: real(*args, **kwargs))

    @contextmanager
    def _together(self) -> Iterator[None]:
        with self._behind.together():  # type: ignore[attr-defined]
            yield
            self._wire._point("before commit")
        self._wire._point("after commit")
