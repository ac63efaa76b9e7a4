"""Who the orchestrator is on GitHub. Either identity needs Actions: write on the repositories that the policy names."""

import logging
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.github.errors import CALL_FAILURES, Answer, credential_error
from orchestrator.ports import Clock

if TYPE_CHECKING:
    from github.Auth import AppInstallationAuth

# At DEBUG this logger writes headers and bodies, an App's new token among them.
logging.getLogger("github.Requester").setLevel(logging.INFO)


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


class Tokens:
    """The tokens of an identity. May be used by any number of threads."""

    def __init__(self, identity: GitHubIdentity, base_url: str, clock: Clock) -> None:
        self._identity = identity
        self._base_url = base_url
        self._clock = clock
        self._installations: dict[str, AppInstallationAuth] = {}
        self._lock = Lock()

    def token(self, repository: str) -> str:
        """Give a token that is good for a repository; PyGithub renews an App's. Raises `Refused` or `Unreadable`."""
        if isinstance(self._identity, TokenIdentity):
            return self._identity.token
        with self._lock:
            return self._app_token(self._identity, repository)

    def watch(self, repository: str, answer: Answer) -> None:
        """Forget a token that GitHub no longer accepts."""
        if answer.status == 401:
            self._installations.pop(repository, None)

    def _app_token(self, app: AppIdentity, repository: str) -> str:
        from github import GithubException

        what = f"a token of GitHub App {app.app_id} for {repository}"
        try:
            installation = self._installations.pop(repository, None) or self._installation(app, repository)
            token = installation.token
            if not token:
                raise ValueError("GitHub's answer holds none")
        except GithubException as error:
            raise credential_error(Answer.of(error), what, now=self._clock.now()) from error
        except (TypeError, *CALL_FAILURES) as error:
            raise credential_error(error, what, now=self._clock.now()) from error
        self._installations[repository] = installation
        return token

    def _installation(self, app: AppIdentity, repository: str) -> "AppInstallationAuth":
        from github import GithubIntegration
        from github.Auth import AppAuth

        auth = AppAuth(app.app_id, app.private_key_pem)
        integration = GithubIntegration(auth=auth, **client_settings(self._base_url, 10))
        number = app.installation_id or integration.get_repo_installation(*repository.split("/", 1)).id
        return auth.get_installation_auth(number, {"actions": "write"}, integration.requester)


def client_settings(base_url: str, seconds: float) -> dict[str, Any]:
    """Give the settings of PyGithub under which a call is sent at once, and once. It takes whole seconds only."""
    return {
        "base_url": base_url,
        "timeout": max(1, round(seconds)),
        "user_agent": "promotion-orchestrator",
        "retry": None,
        "lazy": True,
        "seconds_between_requests": None,
        "seconds_between_writes": None,
    }
