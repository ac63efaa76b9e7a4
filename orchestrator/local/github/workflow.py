"""What a workflow file says: its inputs, the name of its runs, its jobs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from json import dumps

_INPUT_REFERENCE = re.compile(r"\$\{\{\s*inputs\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class WorkflowInput:
    """An input of `on.workflow_dispatch`. `kind` is its `type`: string, choice, boolean, number or environment."""

    name: str
    required: bool = False
    kind: str = "string"
    default: str | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `environment` may refer to inputs; empty means that the job names none.

    `refuses_repeats` models a first job that ends the run when an older run of the workflow carries the same bracket.
    """

    name: str
    environment: str = ""
    refuses_repeats: bool = False


GUARD = Job("guard", refuses_repeats=True)
PROMOTE = Job("promote", environment="${{ inputs.environment }}")


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow file under `.github/workflows/`. Jobs run one after the other, in this order.

    `dispatchable` false: the file has no `workflow_dispatch` trigger. `conclusion`: how its runs end, if not as the
    repository says. `source`: the file's text; when empty, a text is made from the rest. `id` is given by the stand-in.
    """

    file: str
    name: str = ""
    run_name: str = ""
    inputs: tuple[WorkflowInput, ...] = ()
    jobs: tuple[Job, ...] = (GUARD, PROMOTE)
    dispatchable: bool = True
    conclusion: str | None = None
    source: str = ""
    id: int = 0
    created_at: datetime | None = None

    @property
    def path(self) -> str:
        """The file's path in the repository."""
        return f".github/workflows/{self.file}"

    @property
    def title(self) -> str:
        """The workflow's name, which is its path when the file gives none."""
        return self.name or self.path

    def run_title(self, inputs: Mapping[str, str]) -> str:
        """The `display_title` of a run with these inputs."""
        return fill_in(self.run_name, inputs) or self.title

    def text(self) -> str:
        """The file's text, as the contents API shows it."""
        return self.source or _written(self)


def fill_in(template: str, inputs: Mapping[str, str]) -> str:
    """`template` with each `${{ inputs.NAME }}` replaced; an unknown name becomes nothing, as on GitHub."""
    return _INPUT_REFERENCE.sub(lambda found: inputs.get(found[1], ""), template)


def bracket(title: str) -> str:
    """The text between the last `[` and the last `]` of a run's title; empty when there is none."""
    start, end = title.rfind("["), title.rfind("]")
    return title[start + 1 : end] if 0 <= start < end else ""


def _written(workflow: Workflow) -> str:
    lines = [f"name: {dumps(workflow.title)}"]
    if workflow.run_name:
        lines.append(f"run-name: {dumps(workflow.run_name)}")
    lines += _trigger(workflow)
    lines += ["permissions: {}", "jobs:"]
    needed = ""
    for job in workflow.jobs:
        lines += [f"  {job.name}:", "    runs-on: ubuntu-latest"]
        lines += [f"    needs: {needed}"] if needed else []
        lines += [f"    environment: {dumps(job.environment)}"] if job.environment else []
        lines += ["    steps:", "      - run: 'true'"]
        needed = job.name
    return "\n".join(lines) + "\n"


def _trigger(workflow: Workflow) -> list[str]:
    if not workflow.dispatchable:
        return ["on: push"]
    lines = ["on:", "  workflow_dispatch:"]
    if workflow.inputs:
        lines.append("    inputs:")
    for one in workflow.inputs:
        lines += [f"      {one.name}:", f"        type: {one.kind}", f"        required: {dumps(one.required)}"]
        lines += [f"        default: {dumps(one.default)}"] if one.default is not None else []
        lines += [f"        options: {dumps(list(one.options))}"] if one.options else []
    return lines
