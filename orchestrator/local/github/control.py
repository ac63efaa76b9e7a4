"""The control endpoints under `/_stand-in/`: what on GitHub people do in the browser, and what tests want to know."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl

from orchestrator.local.github.call import Answer, Call, JsonObject
from orchestrator.local.github.fields import Fields
from orchestrator.local.github.ledger import DispatchCall
from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.run import Run
from orchestrator.local.github.run_shapes import run_page
from orchestrator.local.github.seed import plant, rules_of
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.timeline import Sight, state_of


def seed(stand_in: StandIn, call: Call) -> Answer:
    """Adds or changes repositories; the body is described in `seed`."""
    plant(stand_in, _fields(call))
    return Answer(204)


def runs(stand_in: StandIn, _call: Call) -> Answer:
    """All runs, oldest first, as the outside sees them."""
    return Answer(200, {"runs": [_seen(stand_in, sight) for sight in stand_in.runs()]})


def forget_runs(stand_in: StandIn, call: Call) -> Answer:
    """Removes all runs."""
    _check_origin(call)
    stand_in.forget_runs()
    return Answer(204)


def approve(stand_in: StandIn, call: Call) -> Answer:
    """`{login, comment?}`: this reviewer approves."""
    return _act(call, lambda fields: stand_in.approve(call.run_id, _login(fields), fields.text("comment")))


def reject(stand_in: StandIn, call: Call) -> Answer:
    """`{login, comment?}`: this reviewer rejects."""
    return _act(call, lambda fields: stand_in.reject(call.run_id, _login(fields), fields.text("comment")))


def bypass(stand_in: StandIn, call: Call) -> Answer:
    """`{login}`: this administrator passes the gate."""
    return _act(call, lambda fields: stand_in.bypass(call.run_id, _login(fields)))


def cancel(stand_in: StandIn, call: Call) -> Answer:
    """The run is cancelled."""
    return _act(call, lambda _: stand_in.cancel(call.run_id))


def rerun(stand_in: StandIn, call: Call) -> Answer:
    """`{login?, failed_only?}`: the next attempt begins."""
    return _act(
        call,
        lambda fields: stand_in.rerun(call.run_id, fields.text("login"), failed_only=fields.flag("failed_only")),
    )


def calls(stand_in: StandIn, call: Call) -> Answer:
    """How often each route was called, and every dispatch; `?reset=1` begins anew."""
    counts, dispatches = stand_in.ledger.read(reset=call.query.get("reset") == "1")
    return Answer(200, {"counts": counts, "dispatches": [_dispatch(one) for one in dispatches]})


def failures(stand_in: StandIn, _call: Call) -> Answer:
    """The failure rules with the number of calls that each has counted."""
    shown = [
        {"route": rule.route, "method": rule.method, "kind": rule.kind.value, "counted": count}
        for rule, count in stand_in.failures.read()
    ]
    return Answer(200, {"rules": shown})


def set_failures(stand_in: StandIn, call: Call) -> Answer:
    """`{rules: [...]}` replaces all failure rules."""
    stand_in.failures.set(rules_of(_fields(call)))
    return Answer(204)


def clock(stand_in: StandIn, _call: Call) -> Answer:
    """The stand-in's time."""
    return Answer(200, {"now": _moment(stand_in.now())})


def advance(stand_in: StandIn, call: Call) -> Answer:
    """`{advance_seconds}` moves the stand-in's time forward."""
    return Answer(200, {"now": _moment(stand_in.advance(_fields(call).seconds("advance_seconds")))})


def _act(call: Call, action: Callable[[Fields], Run]) -> Answer:
    done = action(_fields(call))
    page = run_page(done, call.address)
    if _is_form(call):
        return Answer(303, headers={"location": page})
    return Answer(200, {"run_id": done.id, "html_url": page})


def _fields(call: Call) -> Fields:
    _check_origin(call)
    if _is_form(call):
        return Fields(dict(parse_qsl(call.body.decode(), keep_blank_values=True)))
    return Fields.of(call.body)


def _is_form(call: Call) -> bool:
    return call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _check_origin(call: Call) -> None:
    # A page of another site must not press these buttons through the reader's browser.
    if call.headers.get("origin", call.address) != call.address:
        raise Refusal(403, f"This may only be asked from a page of {call.address}.")


def _login(fields: Fields) -> str:
    fields.need("login")
    return fields.text("login")


def _seen(stand_in: StandIn, sight: Sight) -> JsonObject:
    run, state = sight.run, sight.state
    return {
        "id": run.id,
        "repository": run.repository,
        "workflow": run.workflow.file,
        "title": run.title,
        "inputs": dict(run.inputs),
        "ref": run.ref,
        "dispatched_at": _moment(run.created_at),
        "dispatched_by": run.login,
        "run_attempt": run.attempt.number,
        "status": state.status,
        "conclusion": state.conclusion,
        "waiting_for": state.waiting.environment.name if state.waiting else None,
        "decisions": _decisions(stand_in, run),
    }


def _decisions(stand_in: StandIn, run: Run) -> list[JsonObject]:
    now = stand_in.now()
    return [
        {
            "run_attempt": attempt.number,
            "environment": decision.environment.name,
            "verdict": decision.verdict.value,
            "login": decision.login,
            "comment": decision.comment,
            "at": _moment(decision.at),
        }
        for attempt in run.attempts
        for decision in state_of(attempt, now).decisions
    ]


def _dispatch(one: DispatchCall) -> JsonObject:
    return {
        "at": _moment(one.at),
        "repository": one.repository,
        "workflow": one.workflow,
        "body": dict(one.body),
        "login": one.login,
        "api_version": one.api_version,
        "fate": one.fate,
    }


def _moment(at: datetime) -> str:
    return at.isoformat()
