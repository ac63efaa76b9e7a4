"""Who and what is there: everything of the stand-in except its runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock

from orchestrator.local.github.environment import Environment, Reviewer, Rules
from orchestrator.local.github.refusal import Refusal, not_found
from orchestrator.local.github.repository import Repository, Settings
from orchestrator.local.github.workflow import Workflow

FIRST_ID = 10_001


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Directory:
    """The time, the people, and the repositories with their workflows and environments, behind one lock.

    `now` is the clock; `advance` adds to it. `tokens` says who a token belongs to; every other one is
    `default_login`'s. Whatever GitHub would refuse raises `Refusal`.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = utc_now,
        tokens: Mapping[str, str] | None = None,
        default_login: str = "dispatcher",
    ) -> None:
        self._lock = RLock()
        self._clock = now
        self._offset = timedelta()
        self._newest_id = FIRST_ID - 1
        self._ids: dict[tuple[str, str], int] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._teams: dict[str, tuple[str, ...]] = {}
        self._repositories: dict[str, Repository] = {}
        self.tokens: dict[str, str] = dict(tokens or {})
        self.default_login = default_login

    def now(self) -> datetime:
        """The stand-in's time: the clock and what was added to it."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> datetime:
        """Moves the time forward and returns it."""
        if seconds < 0:
            raise Refusal(422, f"Time goes forward only: {seconds} seconds were asked for.")
        with self._lock:
            self._offset += timedelta(seconds=seconds)
            return self.now()

    def login(self, token: str) -> str:
        """Who a token belongs to."""
        return self.tokens.get(token, self.default_login)

    def id_of(self, kind: str, name: str) -> int:
        """The number that GitHub would know a `User` or `Team` by; given on first sight, and then the same."""
        key = (kind, name.casefold())
        with self._lock:
            if key not in self._ids:
                self._ids[key] = self._next_id()
                self._names[kind, self._ids[key]] = name
            return self._ids[key]

    def reviewer(self, kind: str, number: int) -> Reviewer:
        """The `User` or `Team` with this number. Raises `Refusal` 422."""
        with self._lock:
            name = self._names.get((kind, number))
            if name is None:
                raise Refusal(422, f"There is no {kind} with the id {number}.")
            return Reviewer(name, self._teams.get(name.casefold(), ()) if kind == "Team" else None)

    def add_repository(self, name: str, settings: Settings | None = None) -> Repository:
        """Adds `OWNER/NAME`; one that is there keeps what it has and gets the new settings, if any are given."""
        owner, slash, short = name.partition("/")
        if not (owner and slash and short) or "/" in short:
            raise Refusal(422, f"A repository is named OWNER/NAME, not {name!r}.")
        with self._lock:
            known = self._repositories.get(name.casefold())
            if known is None:
                known = Repository(self._next_id(), name, settings or Settings(), self.now())
                self._repositories[name.casefold()] = known
            elif settings is not None:
                known.settings = settings
            return known

    def repository(self, name: str) -> Repository:
        """The repository. Raises `Refusal` 404."""
        try:
            return self._repositories[name.casefold()]
        except KeyError:
            raise not_found() from None

    def add_workflow(self, repository: str, workflow: Workflow) -> Workflow:
        """Adds a workflow file, or writes it anew; its runs so far stay as they were."""
        with self._lock:
            home = self.repository(repository)
            known = home.workflows.get(workflow.file)
            number, since = (known.id, known.created_at) if known else (self._next_id(), self.now())
            home.workflows[workflow.file] = replace(workflow, id=number, created_at=since)
            return home.workflows[workflow.file]

    def set_environment(self, repository: str, name: str, rules: Rules | None = None) -> Environment:
        """Creates the environment or replaces its rules; runs that already began an attempt keep the old ones."""
        with self._lock:
            home, now = self.repository(repository), self.now()
            known = home.environments.get(name.casefold())
            environment = Environment(
                id=known.id if known else self._next_id(),
                name=known.name if known else name,
                rules=rules or Rules(),
                created_at=known.created_at if known else now,
                updated_at=now,
            )
            for reviewer in environment.rules.reviewers:
                self.id_of(reviewer.kind, reviewer.name)
                if reviewer.members is not None:
                    self._teams[reviewer.name.casefold()] = reviewer.members
            home.environments[name.casefold()] = environment
            return environment

    def _next_id(self) -> int:
        self._newest_id += 1
        return self._newest_id
