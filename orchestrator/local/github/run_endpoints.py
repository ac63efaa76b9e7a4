"""The REST endpoints about runs: what each call does and answers. Paths and names are in `app.ROUTES`."""

from orchestrator.local.github import run_shapes
from orchestrator.local.github.call import VERSION_2026, Answer, Call, JsonObject
from orchestrator.local.github.listing import Page, Wanted, wanted_runs
from orchestrator.local.github.paging import links_of, page_of
from orchestrator.local.github.refusal import Refusal, not_found
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.timeline import Sight


def dispatch(stand_in: StandIn, call: Call) -> Answer:
    """Starts a run.

    https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
    """
    home = stand_in.repository(call.repository)
    home.workflow(call.names["workflow_id"])
    fields = call.fields()
    fields.allow_only("ref", "inputs", "return_run_details")
    fields.need("ref")
    details = fields.flag("return_run_details") or call.api_version >= VERSION_2026
    run = stand_in.dispatch(
        home.name,
        call.names["workflow_id"],
        ref=fields.text("ref"),
        inputs=fields.object("inputs").values,
        login=call.login,
    )
    if details and not home.settings.old_server:
        return Answer(200, run_shapes.dispatch_details(run, call.address))
    return Answer(204)


def workflow_runs(stand_in: StandIn, call: Call) -> Answer:
    """The runs of one workflow.

    https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
    """
    wanted = wanted_runs(call.query)
    page = stand_in.list_runs(
        call.repository, wanted, workflow=call.names["workflow_id"], hidden_seconds=call.hidden_seconds
    )
    return _run_page(stand_in, call, wanted, page)


def runs(stand_in: StandIn, call: Call) -> Answer:
    """The runs of a repository.

    https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
    """
    wanted = wanted_runs(call.query)
    page = stand_in.list_runs(call.repository, wanted, hidden_seconds=call.hidden_seconds)
    return _run_page(stand_in, call, wanted, page)


def run(stand_in: StandIn, call: Call) -> Answer:
    """One run.

    https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run
    """
    home = stand_in.repository(call.repository)
    return Answer(200, run_shapes.run_shape(stand_in, home, _sight(stand_in, call), call.address))


def jobs(stand_in: StandIn, call: Call) -> Answer:
    """The jobs of a run's last attempt.

    https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run
    """
    return page_of(call, "jobs", run_shapes.jobs_shape(_sight(stand_in, call), call.address))


def pending(stand_in: StandIn, call: Call) -> Answer:
    """The gate at which a run waits.

    https://docs.github.com/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run
    """
    home, sight = stand_in.repository(call.repository), _sight(stand_in, call)
    return Answer(200, run_shapes.pending_shape(stand_in, home, sight, call.login, call.address))


def review(stand_in: StandIn, call: Call) -> Answer:
    """Approves or rejects as the owner of the token.

    https://docs.github.com/rest/actions/workflow-runs#review-pending-deployments-for-a-workflow-run
    """
    sight, fields = _sight(stand_in, call), call.fields()
    fields.need("environment_ids", "state", "comment")
    waiting = sight.state.waiting
    if waiting is None or set(fields.wholes("environment_ids")) != {waiting.environment.id}:
        raise Refusal(422, "No pending deployment requests to approve or reject")
    decide = {"approved": stand_in.approve, "rejected": stand_in.reject}.get(fields.text("state"))
    if decide is None:
        raise Refusal(422, "Invalid request.\n\nstate must be approved or rejected.")
    decided = decide(call.run_id, call.login, fields.text("comment"))
    return Answer(200, [run_shapes.deployment_shape(stand_in, decided, waiting, call.address)])


def approvals(stand_in: StandIn, call: Call) -> Answer:
    """What reviewers decided.

    https://docs.github.com/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run
    """
    home, sight = stand_in.repository(call.repository), _sight(stand_in, call)
    decisions = stand_in.approvals(sight.run.id)
    return Answer(200, run_shapes.approvals_shape(stand_in, home, decisions, call.address))


def cancel(stand_in: StandIn, call: Call) -> Answer:
    """Ends a run; forced or not, at once.

    https://docs.github.com/rest/actions/workflow-runs#cancel-a-workflow-run
    """
    stand_in.cancel(_sight(stand_in, call).run.id)
    return Answer(202, {})


def rerun(stand_in: StandIn, call: Call) -> Answer:
    """Begins the next attempt.

    https://docs.github.com/rest/actions/workflow-runs#re-run-a-workflow
    """
    stand_in.rerun(_sight(stand_in, call).run.id, call.login)
    return Answer(201, {})


def rerun_failed(stand_in: StandIn, call: Call) -> Answer:
    """Begins the next attempt with the jobs that did not succeed.

    https://docs.github.com/rest/actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run
    """
    stand_in.rerun(_sight(stand_in, call).run.id, call.login, failed_only=True)
    return Answer(201, {})


def _sight(stand_in: StandIn, call: Call) -> Sight:
    home, sight = stand_in.repository(call.repository), stand_in.sight(call.run_id)
    if sight.run.repository != home.name:
        raise not_found()
    return sight


def _run_page(stand_in: StandIn, call: Call, wanted: Wanted, page: Page) -> Answer:
    home = stand_in.repository(call.repository)
    shown = [run_shapes.run_shape(stand_in, home, sight, call.address) for sight in page.sights]
    body: JsonObject = {"total_count": page.total, "workflow_runs": shown}
    return Answer(200, body, headers=links_of(call, page.total, wanted.page, wanted.per_page))
