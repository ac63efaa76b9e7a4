import json
import os
import subprocess
import sys

import github
import pytest

from orchestrator.errors import LostAnswer, Refused
from orchestrator.ports import Clock, Order
from orchestrator.promotion.record import Run, Target
from tests.adapters.github.conftest import at, listed_run
from tests.adapters.github.raw_server import RESET, answer, answering

STARTED = {"workflow_run_id": 77, "run_url": "http://127.0.0.1/api/77", "html_url": "http://127.0.0.1/77"}
RUN = listed_run(7)
SEND = "actions/workflows/promote.yml/dispatches"


def test_the_order_to_a_renamed_repository_is_carried_out_once(order: Order, clock: Clock) -> None:
    with answering(b"", answer(200, STARTED)) as server:
        server.answers[0] = answer(301, location=f"{server.url}/repositories/5/{SEND}")
        assert at(server.url, clock).start(order) == Run(77, "http://127.0.0.1/77")

        first, second = server.calls
    assert (first.line, second.line) == (f"POST /repos/acme/shop/{SEND}", f"POST /repositories/5/{SEND}")
    assert first.body == second.body


def test_an_answer_that_is_lost_behind_a_redirect_is_lost(order: Order, clock: Clock) -> None:
    with answering(b"", RESET) as server:
        server.answers[0] = answer(301, location=f"{server.url}/repositories/5/{SEND}")
        with pytest.raises(LostAnswer):
            at(server.url, clock).start(order)

        assert len(server.calls) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_elsewhere_is_refused_with_its_address(order: Order, clock: Clock, status: int) -> None:
    with answering(answer(status, location="http://login.invalid/x")) as server:
        with pytest.raises(Refused, match=r"did not start promote.*login\.invalid.* write its new name"):
            at(server.url, clock).start(order)

        assert len(server.calls) == 1


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
    with answering(b"", answer(200, RUN)) as server:
        server.answers[0] = answer(301, location=f"{server.url}/repositories/5/actions/runs/7")
        assert at(server.url, clock).run(target, 7).run.id == 7

        assert [call.line for call in server.calls][1] == "GET /repositories/5/actions/runs/7"


def test_pygithub_is_loaded_by_the_first_call_only() -> None:
    code = (
        "import sys, orchestrator.adapters.github.workflows; print(sorted({'github', 'requests'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
