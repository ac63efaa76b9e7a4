"""Chance: the one source of everything that is not decided by the product, told by the seed.

Every thing that draws has a stream of its own, named after it. Switching one fault off therefore leaves the luck of
everything else alone, which is what makes a failing world small enough to read.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Faults = tuple[tuple[str, float], ...]
Spans = tuple[tuple[float, int, int], ...]

FREEZES: Spans = ((0.35, 2 * SECOND, 30 * SECOND), (0.4, 30 * SECOND, 6 * MINUTE), (0.25, 6 * MINUTE, 90 * MINUTE))


class Stream:
    """The luck of one thing. Only `Random.random` is used: it draws the same on every version of Python."""

    __slots__ = ("_random", "drawn")

    def __init__(self, seed: int, name: str) -> None:
        digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
        self._random = Random(int.from_bytes(digest))
        self.drawn = 0

    def random(self) -> float:
        """Draw from [0, 1)."""
        return self._random.random()

    def happens(self, likelihood: float) -> bool:
        """Draw whether something happens."""
        return self._random.random() < likelihood

    def between(self, least: int, most: int) -> int:
        """Draw a whole number, both ends included."""
        return least + int(self._random.random() * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of several."""
        return choices[int(self._random.random() * len(choices))]

    def span(self, spans: Spans) -> int:
        """Draw a time in microseconds: first which kind of it, then how long."""
        die = self._random.random()
        for share, least, most in spans:
            if die < share:
                return self.between(least, most)
            die -= share
        return self.between(*spans[-1][1:])


class Chance:
    """All luck of one world. `off` names faults that would have happened and do not."""

    def __init__(self, seed: int, *, off: frozenset[str] = frozenset()) -> None:
        self.seed = seed
        self.storm = 1.0
        self.calm = False
        self.fired: list[str] = []
        self.counts: Counter[str] = Counter()
        self._off = off
        self._streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        """Give the luck of one thing."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(self.seed, name)
        return stream

    def fault(self, where: str, faults: Faults) -> str | None:
        """Draw whether one of these faults happens here, now. Rates grow with the storm and end when it calms."""
        stream = self.stream(where)
        stream.drawn += 1
        die = stream.random()
        if self.calm:
            return None
        for kind, rate in faults:
            likelihood = rate * self.storm
            if die < likelihood:
                return kind if self._happens(f"{where}/{stream.drawn}/{kind}", kind) else None
            die -= likelihood
        return None

    def event(self, name: str, likelihood: float, *, kind: str | None) -> bool:
        """Draw whether something that shrinking may leave out happens; `name` is said once in a world.

        It counts as a fault of this kind, unless that is told later (None).
        """
        return self.stream(name).happens(likelihood) and self._happens(name, kind)

    def _happens(self, name: str, kind: str | None) -> bool:
        if name in self._off:
            return False
        self.fired.append(name)
        if kind is not None:
            self.counts[kind] += 1
        return True
