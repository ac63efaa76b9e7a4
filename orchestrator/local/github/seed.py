"""Reading seeds: what repositories, people and failures a stand-in has, as JSON.

    {"default_login": "dispatcher", "tokens": {"TOKEN": "LOGIN"}, "failures": [RULE, ...],
     "repositories": [{"name": "OWNER/NAME", "private": false, "default_branch": "main", "refs": ["v1"],
        "old_server": false, "reviewers_allowed": true, "conclusion": "success",
        "timings": {"queue_seconds": 1, "guard_seconds": 1, "run_seconds": 5},
        "conclusions": [{"title_contains": "staging:", "conclusion": "failure"}],
        "workflows": [{"file": "promote.yml", "name": "Promote", "run_name": "... [${{ inputs.promotion_id }}]",
           "inputs": [{"name": "promotion_id", "required": true, "type": "string", "default": null, "options": []}],
           "jobs": [{"name": "guard", "refuses_repeats": true}, {"name": "promote", "environment": "prod"}],
           "dispatchable": true, "conclusion": null, "source": ""}],
        "environments": [{"name": "prod", "reviewers": ["LOGIN", {"team": "SLUG", "members": ["LOGIN"]}],
           "prevent_self_review": false, "wait_timer": 0,
           "deployment_branch_policy": {"protected_branches": true, "custom_branch_policies": false},
           "auto_approve": {"login": "LOGIN", "after_seconds": 2, "comment": ""}}]}]}

Only the names are required. Planting the same repository, workflow or environment again changes what is given.
A RULE has the fields of `failures.Rule`.
"""

from dataclasses import replace

from orchestrator.local.github.environment import AutoApprove, BranchPolicy, Reviewer, Rules
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.fields import Fields
from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.repository import Settings, Timings, TitledConclusion
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Job, Workflow, WorkflowInput


def plant(stand_in: StandIn, fields: Fields) -> None:
    """Adds or changes what the seed says. Raises `Refusal` 422 for a seed that cannot be read."""
    fields.allow_only("default_login", "tokens", "failures", "repositories")
    stand_in.default_login = fields.text("default_login", stand_in.default_login)
    tokens = fields.object("tokens")
    stand_in.tokens.update({token: tokens.text(token) for token in tokens.values})
    for entry in fields.objects("repositories"):
        _plant_repository(stand_in, entry)
    if fields.has("failures"):
        stand_in.failures.set(_rule(entry) for entry in fields.objects("failures"))


def rules_of(fields: Fields) -> list[Rule]:
    """The failure rules of `{"rules": [...]}`."""
    fields.allow_only("rules")
    return [_rule(entry) for entry in fields.objects("rules")]


def _plant_repository(stand_in: StandIn, entry: Fields) -> None:
    entry.allow_only(
        *("name", "private", "default_branch", "refs", "old_server", "reviewers_allowed", "conclusion"),
        *("timings", "conclusions", "workflows", "environments"),
    )
    entry.need("name")
    home = stand_in.add_repository(entry.text("name"))
    stand_in.add_repository(home.name, _settings(entry, home.settings))
    for one in entry.objects("workflows"):
        one.need("file")
        file = one.text("file")
        stand_in.add_workflow(home.name, _workflow(one, home.workflows.get(file, Workflow(file))))
    for one in entry.objects("environments"):
        one.need("name")
        known = home.environments.get(one.text("name").casefold())
        stand_in.set_environment(home.name, one.text("name"), _rules(one, known.rules if known else Rules()))


def _settings(entry: Fields, known: Settings) -> Settings:
    return replace(
        known,
        private=entry.flag("private", known.private),
        default_branch=entry.text("default_branch", known.default_branch),
        refs=entry.texts("refs") if entry.has("refs") else known.refs,
        old_server=entry.flag("old_server", known.old_server),
        reviewers_allowed=entry.flag("reviewers_allowed", known.reviewers_allowed),
        timings=_timings(entry.object("timings"), known.timings),
        conclusion=entry.text("conclusion", known.conclusion),
        titled_conclusions=(
            tuple(_titled(one) for one in entry.objects("conclusions"))
            if entry.has("conclusions")
            else known.titled_conclusions
        ),
    )


def _timings(entry: Fields, known: Timings) -> Timings:
    entry.allow_only("queue_seconds", "guard_seconds", "run_seconds")
    return Timings(
        queue_seconds=entry.seconds("queue_seconds", known.queue_seconds),
        guard_seconds=entry.seconds("guard_seconds", known.guard_seconds),
        run_seconds=entry.seconds("run_seconds", known.run_seconds),
    )


def _titled(entry: Fields) -> TitledConclusion:
    entry.allow_only("title_contains", "conclusion")
    entry.need("title_contains", "conclusion")
    return TitledConclusion(entry.text("title_contains"), entry.text("conclusion"))


def _workflow(entry: Fields, known: Workflow) -> Workflow:
    entry.allow_only("file", "name", "run_name", "inputs", "jobs", "dispatchable", "conclusion", "source")
    return replace(
        known,
        name=entry.text("name", known.name),
        run_name=entry.text("run_name", known.run_name),
        inputs=tuple(_input(one) for one in entry.objects("inputs")) if entry.has("inputs") else known.inputs,
        jobs=tuple(_job(one) for one in entry.objects("jobs")) if entry.has("jobs") else known.jobs,
        dispatchable=entry.flag("dispatchable", known.dispatchable),
        conclusion=(entry.text("conclusion") or None) if entry.has("conclusion") else known.conclusion,
        source=entry.text("source", known.source),
    )


def _input(entry: Fields) -> WorkflowInput:
    entry.allow_only("name", "required", "type", "default", "options")
    entry.need("name")
    default = entry.values.get("default")
    return WorkflowInput(
        name=entry.text("name"),
        required=entry.flag("required"),
        kind=entry.text("type", "string"),
        default=None if default is None else entry.text("default"),
        options=entry.texts("options"),
    )


def _job(entry: Fields) -> Job:
    entry.allow_only("name", "environment", "refuses_repeats")
    entry.need("name")
    return Job(entry.text("name"), entry.text("environment"), entry.flag("refuses_repeats"))


def _rules(entry: Fields, known: Rules) -> Rules:
    entry.allow_only(
        *("name", "reviewers", "prevent_self_review", "wait_timer", "deployment_branch_policy", "auto_approve"),
    )
    given = entry.whole("wait_timer")
    return Rules(
        reviewers=(
            tuple(_reviewer(one) for one in entry.entries("reviewers")) if entry.has("reviewers") else known.reviewers
        ),
        prevent_self_review=entry.flag("prevent_self_review", known.prevent_self_review),
        wait_timer=known.wait_timer if given is None else given,
        branch_policy=(
            branch_policy(entry.object("deployment_branch_policy"))
            if entry.has("deployment_branch_policy")
            else known.branch_policy
        ),
        auto_approve=(_auto_approve(entry.object("auto_approve")) if entry.has("auto_approve") else known.auto_approve),
    )


def _reviewer(entry: object) -> Reviewer:
    if isinstance(entry, str):
        return Reviewer(entry)
    fields = Fields(entry, "A reviewer that is not a login")
    fields.allow_only("team", "members")
    fields.need("team", "members")
    return Reviewer(fields.text("team"), fields.texts("members"))


def branch_policy(fields: Fields) -> BranchPolicy | None:
    """A `deployment_branch_policy`; none when it has no fields. Raises `Refusal` 422 when its flags are equal."""
    if not fields.values:
        return None
    fields.need("protected_branches", "custom_branch_policies")
    policy = BranchPolicy(fields.flag("protected_branches"), fields.flag("custom_branch_policies"))
    if policy.protected_branches == policy.custom_branch_policies:
        raise Refusal(422, "protected_branches and custom_branch_policies cannot have the same value.")
    return policy


def _auto_approve(entry: Fields) -> AutoApprove | None:
    if not entry.values:
        return None
    entry.allow_only("login", "after_seconds", "comment")
    entry.need("login")
    return AutoApprove(entry.text("login"), entry.seconds("after_seconds"), entry.text("comment"))


def _rule(entry: Fields) -> Rule:
    entry.allow_only(
        *("route", "kind", "method", "times", "every", "before", "code", "headers", "message", "seconds"),
    )
    entry.need("route", "kind")
    if entry.text("kind") not in [kind.value for kind in Kind]:
        raise Refusal(422, f"A failure's kind is {', '.join(Kind)}; {entry.text('kind')!r} is none of them.")
    every = entry.whole("every")
    if every is not None and every < 1:
        raise Refusal(422, f"every must be 1 or more, not {every}.")
    headers = entry.object("headers")
    return Rule(
        route=entry.text("route"),
        kind=Kind(entry.text("kind")),
        method=entry.text("method"),
        times=entry.whole("times"),
        every=every,
        before=entry.flag("before", True),
        code=entry.whole("code") or 502,
        headers={name: headers.text(name) for name in headers.values},
        message=entry.text("message", "Server Error"),
        seconds=entry.seconds("seconds"),
    )
