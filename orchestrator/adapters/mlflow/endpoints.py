"""Which endpoint holds the evidence of a workspace."""

from typing import assert_never
from urllib.parse import quote

from orchestrator.adapters.mlflow.address import Address, Endpoint, OneServer, Workspaces, endpoint_of
from orchestrator.adapters.mlflow.client import Caller, Http
from orchestrator.adapters.mlflow.records import read_tracking_uri
from orchestrator.errors import Refused

# https://learn.microsoft.com/rest/api/azureml/workspaces/get
_API_VERSION = "2024-04-01"
# https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles
_ROLE = (
    "Give the identity of this program the role AzureML Data Scientist on the workspace, or one of your own with the "
    "actions Microsoft.MachineLearningServices/workspaces/read, .../workspaces/models/*/read, "
    ".../workspaces/experiments/*/read and .../workspaces/jobs/read"
)
_TOKEN = "Check MLFLOW_TRACKING_TOKEN, and what its owner may read there"  # noqa: S105 - advice, no token


class Endpoints:
    """Finds endpoints. Where a workspace has its own is asked once in the life of the program."""

    def __init__(self, address: Address, http: Http) -> None:
        self._address = address
        self._http = http
        self._known: dict[str, str] = {}

    def of(self, workspace: str, *, until: float) -> Endpoint:
        """Give the endpoint of a workspace (Azure resource id). Raises `Refused` or `Unreadable`."""
        match self._address:
            case OneServer(uri=uri, token=token):
                return Endpoint(uri.rstrip("/"), token, _TOKEN)
            case Workspaces(tokens=tokens, azure=azure):
                own = Endpoint(azure, tokens.token(), _ROLE)
                key = workspace.lower()
                if key not in self._known:
                    self._known[key] = self._find(workspace, own, until)
                return Endpoint(self._known[key], own.token, _ROLE)
            case _:
                assert_never(self._address)

    def _find(self, workspace: str, azure: Endpoint, until: float) -> str:
        name = workspace.rpartition("/")[2]
        what = f"where workspace {name} has its MLflow endpoint"
        caller = Caller(self._http, azure, until=until)
        path = quote(f"/{workspace.strip('/')}")
        tracking_uri = caller.look_up(path, {"api-version": _API_VERSION}, read_tracking_uri, what=what)
        if tracking_uri is None:
            raise Refused(f"Azure knows no workspace {workspace}. Check its id in the policy", status=404)
        try:
            return endpoint_of(tracking_uri, like=azure.uri)
        except ValueError as error:
            raise Refused(f"Azure tells an address that can't be used for workspace {name}: {error}") from error
