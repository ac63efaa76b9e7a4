"""Trouble on order: which call fails, how often and how.

The rules are tried in order; the first that strikes decides, and the rules after it do not count that call. So
`[Rule("dispatch", Kind.STATUS, times=2), Rule("dispatch", Kind.DROP, times=1)]` is two bad answers, then one lost one.
A slow listing only hides runs and lets the other rules be tried.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import RLock

from orchestrator.local.github.refusal import Refusal

ROUTES = frozenset(
    (
        *("dispatch", "workflow", "workflows", "runs", "run", "jobs", "cancel", "rerun", "contents"),
        *("environment", "environments", "pending", "review", "approvals"),
        *("repository", "user", "rate_limit", "unknown"),
    )
)
"""The routes that can fail, by the names that `app.ROUTES` gives them; `unknown` is every other path."""


class Kind(StrEnum):
    """How a call fails."""

    STATUS = "status"
    """An answer with the rule's `code`, `headers` and `message`."""
    DROP = "drop"
    """The TCP connection closes without any answer."""
    HANG = "hang"
    """The answer comes `seconds` late."""
    SLOW_LISTING = "slow_listing"
    """A list of runs leaves out the runs younger than `seconds`; reading one by its id works at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `route` is one of `ROUTES` or `any`; `method` empty means every method.

    `times`: only the first so many calls. `every`: only each so-many-th call. Neither: each call.
    `before`: the failure comes before the effect, which then does not happen; for a hang: the effect comes after
    the wait. False: the effect happens first, and only its answer is lost, changed or late.
    """

    route: str
    kind: Kind
    method: str = ""
    times: int | None = None
    every: int | None = None
    before: bool = True
    code: int = 502
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    seconds: float = 0.0

    def matches(self, route: str, method: str) -> bool:
        """Whether the rule is about this call at all."""
        return self.route in (route, "any") and self.method.upper() in (method, "")

    def strikes(self, count: int) -> bool:
        """Whether the matching call with this number, from 1, fails."""
        if self.times is not None and count > self.times:
            return False
        return self.every is None or count % self.every == 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What awaits one call: the rule that struck, if any, and how young the runs are that its list leaves out."""

    rule: Rule | None = None
    hidden_seconds: float = 0.0


NO_TROUBLE = Trouble()


class FailureScript:
    """The rules in force and how many calls each has seen."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._rules: list[Rule] = []
        self._counts: list[int] = []

    def set(self, rules: Iterable[Rule]) -> None:
        """Replaces all rules; counting begins anew. Raises `Refusal` 422 for a rule about no route."""
        fresh = list(rules)
        for rule in fresh:
            if rule.route not in ROUTES | {"any"}:
                raise Refusal(422, f"A failure's route is any, {', '.join(sorted(ROUTES))}; not {rule.route!r}.")
        with self._lock:
            self._rules = fresh
            self._counts = [0] * len(self._rules)

    def read(self) -> list[tuple[Rule, int]]:
        """Each rule with the number of calls that it has counted."""
        with self._lock:
            return list(zip(self._rules, self._counts, strict=True))

    def next(self, route: str, method: str) -> Trouble:
        """What awaits this call, which is counted."""
        if not self._rules:
            return NO_TROUBLE
        hidden = 0.0
        with self._lock:
            for index, rule in enumerate(self._rules):
                if not rule.matches(route, method):
                    continue
                self._counts[index] += 1
                if not rule.strikes(self._counts[index]):
                    continue
                if rule.kind is not Kind.SLOW_LISTING:
                    return Trouble(rule, hidden)
                hidden = max(hidden, rule.seconds)
        return Trouble(None, hidden)
