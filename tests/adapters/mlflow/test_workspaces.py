"""Workspaces of Azure ML: where their endpoints are, and who asks there."""

import logging
from collections.abc import Callable

import pytest

from orchestrator.adapters.mlflow.address import Address, OwnIdentity, Workspaces, endpoint_of
from orchestrator.adapters.mlflow.source import MlflowEvidence
from orchestrator.errors import Refused, Unreadable
from tests.adapters.github.raw_server import RESET, RawServer, answer, answering
from tests.adapters.mlflow.conftest import WORKSPACE, WorldClock, wanted
from tests.adapters.mlflow.test_failures import CANARY, EXPERIMENTS, GOOD

Make = Callable[[Address], MlflowEvidence]


class GivenTokens:
    """Somebody whose token is known."""

    def token(self) -> str:
        return CANARY


def workspace_at(server: RawServer) -> bytes:
    host = server.url.removeprefix("http://")
    return answer(200, {"properties": {"mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{WORKSPACE}"}})


def test_a_workspace_is_asked_at_its_own_endpoint_which_is_looked_up_once(evidence_at: Make) -> None:
    with answering(b"", *GOOD, *GOOD) as server:
        server.answers[0] = workspace_at(server)
        source = evidence_at(Workspaces(GivenTokens(), server.url))
        assert source.read(wanted()).metrics == {"auc": 0.9}
        assert source.read(wanted(workspace=WORKSPACE.upper())).metrics == {"auc": 0.9}

        lines = [call.line for call in server.calls]
    assert lines[0] == f"GET {WORKSPACE}?api-version=2024-04-01"
    assert len(lines) == 9
    assert all(f"/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow/" in line for line in lines[1:])
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {CANARY}"}


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("azureml://north.api.azureml.ms/mlflow/v1.0/subscriptions/0", "https://north.api.azureml.ms/mlflow/v2.0/subscriptions/0"),
        ("azureml://north.api.azureml.ms/mlflow/v2.0/subscriptions/0", "https://north.api.azureml.ms/mlflow/v2.0/subscriptions/0"),
        ("https://x.workspace.north.api.azureml.ms/mlflow/v1.0/a", "https://x.workspace.north.api.azureml.ms/mlflow/v2.0/a"),
    ],
)  # fmt: skip
def test_the_tracking_address_becomes_one_for_rest(told: str, asked: str) -> None:
    assert endpoint_of(told, like="https://management.azure.com") == asked


@pytest.mark.parametrize(
    "told",
    ["", "databricks", "http://a.invalid/mlflow/v1.0/x", "azureml://a.invalid/other", "azureml:///mlflow/v1.0/x"],
)
def test_another_form_of_tracking_address_needs_a_person(evidence_at: Make, told: str) -> None:
    with (
        answering(answer(200, {"properties": {"mlFlowTrackingUri": told}})) as server,
        pytest.raises(Refused, match="can't be used for workspace dev-workspace"),
    ):
        evidence_at(Workspaces(GivenTokens(), server.url)).read(wanted())


def test_no_token_is_sent_in_the_clear_to_another_machine(evidence_at: Make) -> None:
    with pytest.raises(ValueError, match="must be https; http only for this machine"):
        Workspaces(GivenTokens(), "http://azure.invalid")
    elsewhere = answer(200, {"properties": {"mlFlowTrackingUri": "azureml://192.0.2.1/mlflow/v1.0/x"}})
    with (
        answering(elsewhere) as server,
        pytest.raises(Refused, match=r"192\.0\.2\.1.* must be https"),
    ):
        evidence_at(Workspaces(GivenTokens(), server.url)).read(wanted())


@pytest.mark.parametrize("body", [{}, {"properties": {}}, {"properties": None}, []])
def test_a_workspace_that_tells_no_address_is_unreadable(evidence_at: Make, body: object) -> None:
    with answering(answer(200, body)) as server, pytest.raises(Unreadable, match="can't be understood"):
        evidence_at(Workspaces(GivenTokens(), server.url)).read(wanted())


def test_an_unknown_workspace_needs_a_person(evidence_at: Make) -> None:
    unknown = answer(404, {"error": {"code": "ResourceNotFound", "message": "not found"}})
    with (
        answering(unknown) as server,
        pytest.raises(Refused, match=r"Azure knows no workspace /subscriptions/.* Check its id in the policy"),
    ):
        evidence_at(Workspaces(GivenTokens(), server.url)).read(wanted())


def test_who_may_not_read_is_told_which_role_it_takes(evidence_at: Make) -> None:
    refusal = answer(403, {"error": {"code": "AuthorizationFailed", "message": "no role"}})
    with answering(refusal) as server:
        source = evidence_at(Workspaces(GivenTokens(), server.url))
        with pytest.raises(Refused, match=r"403 no role.*AzureML Data Scientist.*workspaces/read"):
            source.read(wanted())
        server.answers[:] = [refusal, workspace_at(server), EXPERIMENTS, refusal]
        with pytest.raises(Refused, match=r"model demand:7 \(403 no role.*models/\*/read"):
            source.read(wanted())


@pytest.fixture
def managed_identity(monkeypatch: pytest.MonkeyPatch) -> Callable[[RawServer], None]:
    """Makes this look like an app in Azure: https://learn.microsoft.com/azure/app-service/overview-managed-identity"""

    def at(server: RawServer) -> None:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "the-header")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")

    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    return at


def test_in_azure_the_managed_identity_asks(
    evidence_at: Make,
    clock: WorldClock,
    managed_identity: Callable[[RawServer], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    until = str(int(clock.now().timestamp()) + 86_400)
    token = {
        "access_token": CANARY,
        "expires_on": until,
        "resource": "https://management.azure.com",
        "token_type": "Bearer",
    }
    with answering(answer(200, token)) as identity, answering(b"", *GOOD, *GOOD) as server:
        managed_identity(identity)
        server.answers[0] = workspace_at(server)
        source = evidence_at(Workspaces(OwnIdentity(), server.url))
        for _ in range(2):
            assert source.read(wanted()).metrics == {"auc": 0.9}

        (asked,) = identity.calls
    assert asked.line.startswith("GET /msi/token?")
    assert "resource=https" in asked.line
    assert asked.headers["x-identity-header"] == "the-header"
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {CANARY}"}
    assert CANARY not in caplog.text
    assert "the-header" not in caplog.text


@pytest.mark.parametrize("bad", [answer(400, {"statusCode": 400, "message": "no identity"}), RESET])
def test_without_an_identity_a_person_is_told_what_to_set(
    managed_identity: Callable[[RawServer], None], bad: bytes
) -> None:
    with answering(bad) as identity:
        managed_identity(identity)
        with pytest.raises(
            Unreadable, match=r"no token .*: Default.*ManagedIdentityCredential.*give the app a managed"
        ):
            OwnIdentity().token()
