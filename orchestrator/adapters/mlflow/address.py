"""Where the evidence is, and who asks for it there."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from orchestrator.errors import Unreadable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AZURE = "https://management.azure.com"
# One scope for Azure Resource Manager and for the MLflow endpoints of workspaces, as in Microsoft's azureml-mlflow.
SCOPE = "https://management.azure.com/.default"


class Tokens(Protocol):
    """Whoever can prove to Azure who we are."""

    def token(self) -> str:
        """Give a token that is good now. Raises `Refused` or `Unreadable`."""


@dataclass(frozen=True, slots=True)
class OneServer:
    """One MLflow server for every workspace. `uri` is its address, without `/api`."""

    uri: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Workspaces:
    """Each Azure ML workspace's own endpoint. `azure` is Azure Resource Manager; http stands for this machine only."""

    tokens: Tokens = field(repr=False)
    azure: str = AZURE

    def __post_init__(self) -> None:
        demand_secrecy(self.azure)


Address = OneServer | Workspaces


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that answers questions. `advice` says what to do when it refuses."""

    uri: str
    token: str | None = field(repr=False)
    advice: str


class OwnIdentity:
    """The identity of this program: in Azure the app's managed identity, elsewhere whoever is signed in.

    https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
    """

    def token(self) -> str:
        """Give a token; azure-identity keeps it and renews it in time. Raises `Unreadable`."""
        from azure.core.exceptions import AzureError

        try:
            return self._credential.get_token(SCOPE).token
        except AzureError as error:
            # Whether there is no identity or it was out of reach for a moment, azure-identity tells in prose only.
            raise Unreadable(
                f"Azure gives this program no token to read evidence with: {_in_one_line(error)}. Where this lasts: in "
                "Azure give the app a managed identity (AZURE_CLIENT_ID names one of several); on your own machine "
                "sign in with az login"
            ) from error

    @cached_property
    def _credential(self) -> "TokenCredential":
        from azure.identity import DefaultAzureCredential

        # Its own four tries would outlast the reading that waits for the token.
        return DefaultAzureCredential(retry_total=1, connection_timeout=5, read_timeout=5)


def endpoint_of(tracking_uri: str, *, like: str) -> str:
    """Make a workspace's tracking address one for REST. `like` is the address that told it, and names the scheme.

    `azureml://HOST/mlflow/v1.0/subscriptions/...` becomes `https://HOST/mlflow/v2.0/subscriptions/...`. v1.0 is for
    clients of MLflow 1, which had no `experiments/search`; Microsoft's azureml-mlflow asks v2.0 for MLflow 2 and 3.
    Raises `ValueError` for another form.
    """
    parts = urlsplit(tracking_uri)
    before, found, scope = parts.path.partition("/mlflow/v")
    _, slash, scope = scope.partition("/")
    if parts.scheme not in {"azureml", "https"} or not parts.netloc or not (found and slash):
        raise ValueError(f"{tracking_uri!r} is not like azureml://HOST/mlflow/v1.0/subscriptions/...")
    uri = f"{urlsplit(like).scheme}://{parts.netloc}{before}/mlflow/v2.0/{scope}"
    demand_secrecy(uri)
    return uri


def demand_secrecy(uri: str) -> None:
    """Raise `ValueError` for an address where others could read a token on its way."""
    parts = urlsplit(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        raise ValueError(f"{uri!r} must be https; http only for this machine")


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).partition("To mitigate this issue")[0].split())
    return text[:500].rstrip(". ") or type(error).__name__
