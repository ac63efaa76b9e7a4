import json
import os
import subprocess
import sys

import github
import pytest

from orchestrator.errors import Refused
from orchestrator.ports import Clock, Order
from orchestrator.promotion.record import Run, Target
from tests.adapters.github.conftest import at, listed_run
from tests.adapters.github.raw_server import answer, answering

STARTED = {"workflow_run_id": 77, "run_url": "http://127.0.0.1/api/77", "html_url": "http://127.0.0.1/77"}
RUN = listed_run(7)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_renamed_repository_is_refused_with_its_new_name(order: Order, clock: Clock, status: int) -> None:
    order_moved = answer(status, {"message": "Moved"}, location="/repositories/5/actions/workflows/1/dispatches")
    moved = answer(301, {"message": "Moved Permanently"}, location="/repositories/5")
    with answering(order_moved, moved, answer(200, {"full_name": "acme/store"})) as server:
        with pytest.raises(Refused, match="but pointed to acme/store"):
            at(server.url, clock).start(order)

        assert [call.line for call in server.calls] == [
            "POST /repos/acme/shop/actions/workflows/promote.yml/dispatches",
            "GET /repos/acme/shop",
            "GET /repositories/5",
        ]


def test_a_redirect_that_explains_nothing_is_refused_with_its_address(order: Order, clock: Clock) -> None:
    with answering(answer(302, location="https://login.invalid/"), answer(404, {"message": "Not Found"})) as server:
        with pytest.raises(Refused, match="but pointed to https://login"):
            at(server.url, clock).start(order)

        assert len(server.lines("POST")) == 1


def test_a_path_in_the_address_of_github_is_kept(order: Order, clock: Clock) -> None:
    with answering(answer(200, STARTED)) as server:
        assert at(f"{server.url}/api/v3", clock).start(order) == Run(77, "http://127.0.0.1/77")

        (call,) = server.calls
        assert call.line == "POST /api/v3/repos/acme/shop/actions/workflows/promote.yml/dispatches"
        assert json.loads(call.body) == {"ref": "main", "inputs": order.inputs, "return_run_details": True}
        assert call.headers["authorization"] == "Bearer secret-token"
        assert call.headers["user-agent"] == "promotion-orchestrator"


def test_no_token_is_ever_logged(order: Order, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", logger=github.__name__)
    with answering(answer(200, STARTED)) as server:
        at(server.url, clock).start(order)

    assert caplog.text
    assert "secret-token" not in caplog.text


def test_reads_follow_a_renamed_repository(target: Target, clock: Clock) -> None:
    moved = answer(301, {"message": "Moved Permanently"}, location="/repositories/5/actions/runs/7")
    with answering(moved, answer(200, RUN)) as server:
        assert at(server.url, clock).run(target, 7).run.id == 7


def test_pygithub_is_loaded_by_the_first_call_only() -> None:
    code = "import sys, orchestrator.adapters.github; print(sorted({'github', 'requests'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
