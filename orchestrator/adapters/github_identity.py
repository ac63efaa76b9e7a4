"""Who the orchestrator is on GitHub. Either identity needs Actions: write on the repositories that the policy names."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """A token of a person or of an installation."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """A GitHub App. Without `installation_id` the installation is looked up for each repository."""

    app_id: str
    private_key_pem: str = field(repr=False)
    installation_id: int | None = None


GitHubIdentity = TokenIdentity | AppIdentity
