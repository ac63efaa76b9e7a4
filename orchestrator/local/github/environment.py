"""A deployment environment of a repository and the rules that guard it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A required reviewer: a person by login, or with `members` a team by slug, whose members may review."""

    name: str
    members: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        """GitHub's word: `User` or `Team`."""
        return "User" if self.members is None else "Team"

    def includes(self, login: str) -> bool:
        """Whether `login` may review as this reviewer. Logins compare without letter case."""
        names = (self.name,) if self.members is None else self.members
        return login.casefold() in (name.casefold() for name in names)


@dataclass(frozen=True, slots=True)
class AutoApprove:
    """A reviewer who approves by itself, `after_seconds` after a run reached the gate."""

    login: str
    after_seconds: float = 0.0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class BranchPolicy:
    """Which branches may deploy: exactly one of the two is true."""

    protected_branches: bool
    custom_branch_policies: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What guards an environment. `wait_timer` (minutes) is shown and not waited for."""

    reviewers: tuple[Reviewer, ...] = ()
    prevent_self_review: bool = False
    wait_timer: int = 0
    branch_policy: BranchPolicy | None = None
    auto_approve: AutoApprove | None = None

    def may_review(self, login: str, *, triggered_by: str) -> bool:
        """Whether `login` may decide a gate of a run that `triggered_by` started."""
        if self.prevent_self_review and login.casefold() == triggered_by.casefold():
            return False
        return any(reviewer.includes(login) for reviewer in self.reviewers)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment as it was at one moment."""

    id: int
    name: str
    rules: Rules
    created_at: datetime
    updated_at: datetime
