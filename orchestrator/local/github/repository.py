"""A repository: its settings, workflows, environments, and the order of its runs."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1

from orchestrator.local.github.environment import Environment
from orchestrator.local.github.refusal import Refusal, not_found
from orchestrator.local.github.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a run is queued, its guard runs, and each other job runs."""

    queue_seconds: float = 0.0
    guard_seconds: float = 0.0
    run_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TitledConclusion:
    """Runs whose title contains `contains` end with `conclusion`."""

    contains: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a repository is like.

    `old_server`: a GitHub Enterprise Server that does not know `return_run_details`; a dispatch always answers 204.
    `reviewers_allowed` false: a private repository on a plan without required reviewers and wait timers.
    `conclusion`: how runs end, unless a title or the workflow says otherwise, in this order.
    """

    private: bool = False
    default_branch: str = "main"
    refs: tuple[str, ...] = ()
    old_server: bool = False
    reviewers_allowed: bool = True
    timings: Timings = Timings()
    conclusion: str = "success"
    titled_conclusions: tuple[TitledConclusion, ...] = ()

    def conclusion_of(self, workflow: Workflow, title: str) -> str:
        """How a run of `workflow` with this title ends."""
        for titled in self.titled_conclusions:
            if titled.contains in title:
                return titled.conclusion
        return workflow.conclusion or self.conclusion


@dataclass(slots=True)
class Repository:
    """What the stand-in holds of one repository. Names compare without letter case, as on GitHub."""

    id: int
    name: str
    settings: Settings
    created_at: datetime
    workflows: dict[str, Workflow] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    run_ids: list[int] = field(default_factory=list)
    run_ids_by_workflow: dict[int, list[int]] = field(default_factory=dict)
    first_with_bracket: dict[tuple[int, str], int] = field(default_factory=dict)

    def workflow(self, id_or_file: str) -> Workflow:
        """The workflow with this id, file name or path. Raises `Refusal` 404."""
        file = id_or_file.removeprefix(".github/workflows/")
        if file in self.workflows:
            return self.workflows[file]
        for workflow in self.workflows.values():
            if str(workflow.id) == id_or_file:
                return workflow
        raise not_found()

    def environment(self, name: str) -> Environment:
        """The environment of this name. Raises `Refusal` 404."""
        try:
            return self.environments[name.casefold()]
        except KeyError:
            raise not_found() from None

    def branch(self, ref: str) -> str:
        """The short name of a known branch or tag. Raises `Refusal` 422."""
        short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        if short != self.settings.default_branch and short not in self.settings.refs:
            raise Refusal(422, f"No ref found for: {ref}")
        return short

    def sha(self, ref: str) -> str:
        """The commit that a ref of this repository stands for: always the same, made up."""
        return sha1(f"{self.name}@{ref}".encode(), usedforsecurity=False).hexdigest()
