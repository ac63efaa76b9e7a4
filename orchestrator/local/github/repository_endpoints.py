"""The REST endpoints about repositories and people. Paths and names are in `app.ROUTES`."""

from dataclasses import replace

from orchestrator.local.github import shapes
from orchestrator.local.github.call import VERSION_2026, Answer, Call, JsonObject
from orchestrator.local.github.environment import Reviewer, Rules
from orchestrator.local.github.fields import Fields
from orchestrator.local.github.paging import page_of
from orchestrator.local.github.refusal import Refusal, not_found
from orchestrator.local.github.seed import branch_policy
from orchestrator.local.github.state import StandIn

MOST_REVIEWERS = 6
MOST_WAIT_MINUTES = 43_200


def workflow(stand_in: StandIn, call: Call) -> Answer:
    """One workflow.

    https://docs.github.com/rest/actions/workflows#get-a-workflow
    """
    home = stand_in.repository(call.repository)
    return Answer(200, shapes.workflow(home, home.workflow(call.names["workflow_id"]), call.address))


def workflows(stand_in: StandIn, call: Call) -> Answer:
    """All workflows.

    https://docs.github.com/rest/actions/workflows#list-repository-workflows
    """
    home = stand_in.repository(call.repository)
    shown = [shapes.workflow(home, one, call.address) for one in list(home.workflows.values())]
    return page_of(call, "workflows", shown)


def environments(stand_in: StandIn, call: Call) -> Answer:
    """All environments.

    https://docs.github.com/rest/deployments/environments#list-environments
    """
    home = stand_in.repository(call.repository)
    shown = [shapes.environment(stand_in, home, one, call.address) for one in list(home.environments.values())]
    return page_of(call, "environments", shown)


def environment(stand_in: StandIn, call: Call) -> Answer:
    """One environment with its rules.

    https://docs.github.com/rest/deployments/environments#get-an-environment
    """
    home = stand_in.repository(call.repository)
    return Answer(200, shapes.environment(stand_in, home, home.environment(call.names["name"]), call.address))


def put_environment(stand_in: StandIn, call: Call) -> Answer:
    """Creates an environment or replaces its rules.

    https://docs.github.com/rest/deployments/environments#create-or-update-an-environment

    Whether GitHub keeps a rule that is left out is not documented. Here it goes, the stricter reading: who wants to
    keep it must send it.
    """
    home = stand_in.repository(call.repository)
    fields = Fields.of(b"" if call.body.strip() == b"null" else call.body)
    rules = _rules(stand_in, fields)
    gated = ("wait_timer", "prevent_self_review", "reviewers")
    if not home.settings.reviewers_allowed and any(fields.has(name) for name in gated):
        raise Refusal(
            422,
            "Failed to create the environment protection rule. Please ensure the billing plan supports the required "
            "reviewers protection rule.",
        )
    known = home.environments.get(call.names["name"].casefold())
    kept = replace(rules, auto_approve=known.rules.auto_approve) if known else rules
    made = stand_in.set_environment(home.name, call.names["name"], kept)
    return Answer(200, shapes.environment(stand_in, home, made, call.address))


def repository(stand_in: StandIn, call: Call) -> Answer:
    """One repository.

    https://docs.github.com/rest/repos/repos#get-a-repository
    """
    home = stand_in.repository(call.repository)
    return Answer(200, shapes.full_repository(stand_in, home, call.address))


def contents(stand_in: StandIn, call: Call) -> Answer:
    """One file; the only files are workflows.

    https://docs.github.com/rest/repos/contents#get-repository-content
    """
    home = stand_in.repository(call.repository)
    if call.query.get("ref"):
        home.branch(call.query["ref"])
    for one in list(home.workflows.values()):
        if one.path == call.names["path"]:
            return Answer(200, shapes.workflow_source(home, one, call.address))
    raise not_found()


def rate_limit(stand_in: StandIn, call: Call) -> Answer:
    """The figures of the rate limit.

    https://docs.github.com/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user
    """
    core = stand_in.rate_limit.shape(stand_in.now())
    body: JsonObject = {"resources": {"core": core, "search": core}}
    return Answer(200, body if call.api_version >= VERSION_2026 else body | {"rate": core})


def user(stand_in: StandIn, call: Call) -> Answer:
    """The owner of the token.

    https://docs.github.com/rest/users/users#get-the-authenticated-user
    """
    return Answer(200, shapes.public_user(stand_in, call.login, call.address))


def unknown(_stand_in: StandIn, _call: Call) -> Answer:
    """Every path that the stand-in does not know."""
    raise not_found()


def _rules(stand_in: StandIn, fields: Fields) -> Rules:
    fields.allow_only("wait_timer", "prevent_self_review", "reviewers", "deployment_branch_policy")
    wait_timer = fields.whole("wait_timer") or 0
    if not 0 <= wait_timer <= MOST_WAIT_MINUTES:
        raise Refusal(422, f"wait_timer must be between 0 and {MOST_WAIT_MINUTES} minutes.")
    reviewers = tuple(_reviewer(stand_in, entry) for entry in fields.objects("reviewers"))
    if len(reviewers) > MOST_REVIEWERS:
        raise Refusal(422, f"An environment has at most {MOST_REVIEWERS} required reviewers.")
    prevent = fields.flag("prevent_self_review")
    if prevent and not reviewers:
        raise Refusal(
            422,
            "Failed to create or update the environment protection rule. Required reviewers must have at least one "
            "reviewer to set prevent_self_review.",
        )
    return Rules(reviewers, prevent, wait_timer, branch_policy(fields.object("deployment_branch_policy")))


def _reviewer(stand_in: StandIn, entry: Fields) -> Reviewer:
    entry.need("type", "id")
    kind = entry.text("type")
    if kind not in ("User", "Team"):
        raise Refusal(422, f"A reviewer's type is User or Team, not {kind!r}.")
    return stand_in.reviewer(kind, entry.whole("id") or 0)
