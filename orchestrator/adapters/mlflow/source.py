"""Evidence from MLflow: an `EvidenceSource` for Azure ML workspaces and for any MLflow server."""

from orchestrator.adapters.mlflow.address import Address
from orchestrator.adapters.mlflow.client import WHOLE_SECONDS, Caller, Http
from orchestrator.adapters.mlflow.endpoints import Endpoints
from orchestrator.adapters.mlflow.looking import Look
from orchestrator.adapters.mlflow.server import MlflowServer
from orchestrator.decide.evidence import Measured
from orchestrator.ports import Clock, EvidenceWanted


class MlflowEvidence:
    """The `EvidenceSource` of `orchestrator.ports` on MLflow. May be used by any number of threads.

    One reading takes four calls: the experiments, the model version, its run, the runs tagged with its name and
    version. A promotion adds one, a run inside a pipeline two, the first look at a workspace one.
    """

    def __init__(self, address: Address, clock: Clock) -> None:
        self._http = Http(clock)
        self._endpoints = Endpoints(address, self._http)
        self._clock = clock

    def read(self, wanted: EvidenceWanted) -> Measured:
        """Read what is known of a model version now. Raises `Refused` or `Unreadable`."""
        until = self._clock.monotonic() + WHOLE_SECONDS
        endpoint = self._endpoints.of(wanted.workspace, until=until)
        server = MlflowServer(Caller(self._http, endpoint, until=until))
        return Look(server, wanted, at=self._clock.now()).measured()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()
