import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import github
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orchestrator.adapters.github.identity import AppIdentity, TokenIdentity
from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.errors import NothingHappened, Refused, Unreadable
from orchestrator.ports import Order
from orchestrator.promotion.record import Run, Target
from tests.adapters.github.conftest import WorldClock
from tests.adapters.github.raw_server import RESET, RawServer, answer, answering

INSTALLATION = answer(200, {"id": 42})
TOKEN = answer(201, {"token": "installation-token", "expires_at": "2099-01-01T13:00:00Z"})
NEXT_TOKEN = answer(201, {"token": "next-token", "expires_at": "2099-01-01T14:00:00Z"})
NO_GATE = answer(200, {"name": "prod", "protection_rules": []})
STARTED = answer(200, {"workflow_run_id": 77, "run_url": "http://127.0.0.1/api/77", "html_url": "http://127.0.0.1/77"})

FIND = "GET /repos/acme/shop/installation"
MINT = "POST /app/installations/42/access_tokens"
READ = "GET /repos/acme/shop/environments/prod"
SEND = "POST /repos/acme/shop/actions/workflows/promote.yml/dispatches"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> str:
    return key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def as_app(server: RawServer, clock: WorldClock, installation_id: int | None = None) -> GitHubWorkflows:
    return GitHubWorkflows(AppIdentity("12345", pem(), installation_id), server.url, clock)


def lines(server: RawServer) -> list[str]:
    return [call.line for call in server.calls]


def bearers(server: RawServer) -> list[str]:
    return [call.headers["authorization"].removeprefix("Bearer ") for call in server.calls]


def test_an_app_finds_its_installation_and_acts_with_its_token(target: Target, clock: WorldClock) -> None:
    with answering(INSTALLATION, TOKEN, NO_GATE) as server:
        as_app(server, clock).gate(target)

        assert lines(server) == [FIND, MINT, READ]
        first, second, third = bearers(server)
    assert first == second
    assert jwt.decode(first, key().public_key(), algorithms=["RS256"])["iss"] == "12345"
    assert third == "installation-token"


def test_a_known_installation_is_not_looked_up(target: Target, clock: WorldClock) -> None:
    with answering(TOKEN, NO_GATE) as server:
        as_app(server, clock, 42).gate(target)

        assert lines(server) == [MINT, READ]


def test_a_token_serves_until_it_is_old(target: Target, clock: WorldClock) -> None:
    ending = answer(201, {"token": "ending-token", "expires_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"})
    with answering(ending, NO_GATE, TOKEN, NO_GATE, NO_GATE) as server:
        workflows = as_app(server, clock, 42)
        for _ in range(3):
            workflows.gate(target)

        assert lines(server) == [MINT, READ, MINT, READ, READ]
        assert bearers(server)[-2:] == ["installation-token"] * 2


def test_a_token_is_asked_for_with_no_more_than_is_needed(target: Target, clock: WorldClock) -> None:
    with answering(TOKEN, NO_GATE) as server:
        as_app(server, clock, 42).gate(target)

        assert json.loads(server.calls[0].body) == {"permissions": {"actions": "write"}}


def test_each_repository_has_its_own_token(target: Target, clock: WorldClock) -> None:
    with answering(INSTALLATION, TOKEN, NO_GATE, answer(200, {"id": 43}), NEXT_TOKEN, NO_GATE, NO_GATE) as server:
        workflows = as_app(server, clock)
        workflows.gate(target)
        workflows.gate(replace(target, repository="acme/bikes"))
        workflows.gate(target)

        assert lines(server)[3:5] == ["GET /repos/acme/bikes/installation", "POST /app/installations/43/access_tokens"]
        assert bearers(server)[-2:] == ["next-token", "installation-token"]


def test_a_token_that_is_not_accepted_is_not_used_again(target: Target, clock: WorldClock) -> None:
    denied = answer(401, {"message": "Bad credentials"})
    with answering(TOKEN, denied, NEXT_TOKEN, NO_GATE) as server:
        workflows = as_app(server, clock, 42)
        with pytest.raises(Refused, match="401 Bad credentials"):
            workflows.gate(target)
        workflows.gate(target)

        assert bearers(server)[-1] == "next-token"


def test_an_app_starts_a_run_with_one_call(order: Order, clock: WorldClock) -> None:
    with answering(TOKEN, STARTED) as server:
        assert as_app(server, clock, 42).start(order) == Run(77, "http://127.0.0.1/77")

        assert lines(server) == [MINT, SEND]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (RESET, NothingHappened),
        (answer(502), NothingHappened),
        (answer(429), NothingHappened),
        (answer(201, {}), NothingHappened),
        (answer(404, {"message": "Not Found"}), Refused),
        (answer(422, {"message": "The permissions requested are not granted to this installation."}), Refused),
        (answer(401, {"message": "A JSON web token could not be decoded"}), Refused),
        (answer(307, location="/elsewhere"), NothingHappened),
    ],
    ids="reset 502 429 no-token 404 422 401 307".split(),
)
def test_without_a_token_nothing_is_sent(order: Order, clock: WorldClock, said: bytes, kind: type[Exception]) -> None:
    with answering(said) as server:
        with pytest.raises(kind, match="a token of GitHub App 12345 for acme/shop"):
            as_app(server, clock, 42).start(order)

        assert lines(server) == [MINT]


def test_an_app_that_is_not_installed_needs_a_person(order: Order, target: Target, clock: WorldClock) -> None:
    with answering(answer(404, {"message": "Not Found"})) as server:
        with pytest.raises(Refused, match=r"a token of GitHub App 12345 for acme/shop \(404 Not Found\)\. Check that"):
            as_app(server, clock).start(order)

        assert lines(server) == [FIND]


def test_a_missing_installation_does_not_look_like_a_missing_environment(target: Target, clock: WorldClock) -> None:
    with (
        answering(answer(404, {"message": "Not Found"})) as server,
        pytest.raises(Refused, match="a token of GitHub App"),
    ):
        as_app(server, clock).gate(target)


def test_an_installation_that_can_not_be_read_now_is_looked_up_later(target: Target, clock: WorldClock) -> None:
    with answering(answer(502)) as server, pytest.raises(Unreadable, match="a token of GitHub App 12345"):
        as_app(server, clock).gate(target)


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr([TokenIdentity("hidden"), AppIdentity("12345", "hidden", 42)])


def test_a_new_token_is_not_logged(target: Target, clock: WorldClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", logger=github.__name__)
    with answering(TOKEN, NO_GATE) as server:
        as_app(server, clock, 42).gate(target)

    assert caplog.text
    assert "installation-token" not in caplog.text
