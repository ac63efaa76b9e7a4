"""The command line. Data goes to standard output, everything else to standard error.

Exit codes: 0 done; 1 something must be changed first (a setting, the policy); 2 the command was written wrongly;
3 nothing has that name; 4 try again later. What a command does has a module of its own; here are its few lines.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.console.asking import LONGEST_REASON
from orchestrator.errors import NotFound, OrchestratorError, PersonError, WaitError
from orchestrator.local.person import os_user
from orchestrator.local.settings_file import local_values
from orchestrator.logs import log_to_stderr
from orchestrator.ports import PromotionFilter, SignalOutcome, Store
from orchestrator.promotion.record import Promotion
from orchestrator.promotion.states import State
from orchestrator.settings import policy_path, read_settings, read_store

if TYPE_CHECKING:
    from orchestrator.policy.mistakes import Mistake

MOST_AT_ONCE = 200

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Takes model versions to production through the checks and the people that the policy names.",
    epilog="Exit codes: 0 done, 1 something must be changed first, 2 wrong usage, 3 not found, 4 try again later.",
)


def _given(reason: str) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise typer.BadParameter(f"say why, in at most {LONGEST_REASON:,} characters")
    return reason


Id = Annotated[str, typer.Argument(help="A promotion, such as staging:diabetes-clf:7.")]
Reason = Annotated[str, typer.Option(callback=_given, help="Why; it goes on record with your name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the API gives it.")]
Limit = Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option(help="`next` of the page before.")]


def main() -> None:
    """Run a command of this program. Errors that were foreseen end in a sentence and an exit code."""
    log_to_stderr()
    try:
        app()
    except OrchestratorError as error:
        print(error, file=sys.stderr)
        raise SystemExit(_exit_code(error)) from error


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="An address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 7071,
) -> None:
    """Run the local host: web app, workers and sweep."""
    settings = read_settings(_environment(), folder=Path.cwd())
    from orchestrator.local.server import serve as serve_until_told

    serve_until_told(settings, host=host, port=port, on_ready=_say_address)


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running for the browser.")] = False,
    policy: Annotated[Path, typer.Option(help="The policy that is played.")] = Path("policy.yaml"),
) -> None:
    """Play the whole story on this machine, with a stand-in for GitHub, and tell it as it happens."""
    from orchestrator.local.demo import demo as play

    play(policy, keep=keep)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from orchestrator.console.cli_output import print_json
    from orchestrator.policy.schema import policy_schema

    print_json(policy_schema())


@app.command()
def check(
    policy: Annotated[Path | None, typer.Argument(help="A file, or a folder.")] = None, json: AsJson = False
) -> None:
    """Check a policy: exit code 0, or 1 and every mistake."""
    from orchestrator.console.cli_output import print_json, shown_mistake
    from orchestrator.policy.load import check_policy, read_files
    from orchestrator.policy.mistakes import PolicyMistakes

    path = policy or policy_path(_environment(), folder=Path())
    try:
        checked = check_policy(read_files(path))
        mistakes, warnings = checked.mistakes, checked.warnings
    except PolicyMistakes as error:
        mistakes, warnings = error.mistakes if path.exists() else (_no_policy(path),), ()
    if json:
        print_json(
            {
                "ok": not mistakes,
                "mistakes": [shown_mistake(mistake) for mistake in mistakes],
                "warnings": [shown_mistake(warning) for warning in warnings],
            }
        )
    else:
        for warning in warnings:
            print(f"warning: {warning}")
        print(PolicyMistakes(mistakes) if mistakes else f"{path}: the policy is good")
    if mistakes:
        raise typer.Exit(1)


def _no_policy(path: Path) -> "Mistake":
    from orchestrator.policy.mistakes import Mistake

    allowed = "a policy file or a folder of them: name it as in `check PATH`, or by ORCHESTRATOR_POLICY"
    return Mistake(str(path), 0, 0, "there is no policy here", allowed=allowed)


@app.command("list")
def list_promotions(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    environment: Annotated[str | None, typer.Option(help="Only those into this environment.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    json: AsJson = False,
) -> None:
    """List promotions, newest first."""
    from orchestrator.console.cli_output import print_model, print_promotions
    from orchestrator.console.presenting import shown_page

    wanted = PromotionFilter(state=state, model=model, environment=environment)
    page = shown_page(_store().promotions(wanted, limit=limit, cursor=cursor))
    if json:
        print_model(page)
    else:
        print_promotions(page)


@app.command()
def show(
    id: Annotated[str | None, typer.Argument(help="A promotion, such as staging:diabetes-clf:7.")] = None,
    run: Annotated[int | None, typer.Option(min=1, help="Find it by the id of its run on GitHub.")] = None,
    json: AsJson = False,
) -> None:
    """Show one promotion, whole."""
    store = _store()
    identity = _identity(store, id, run)
    stored = store.load(identity)
    if stored is None:
        raise NotFound(f"there is no promotion {identity!r}; `orchestrator list` names those that there are")
    _print_whole(store, stored.promotion, json=json)


@app.command()
def events(
    outcome: Annotated[SignalOutcome | None, typer.Option(help="Only those with this outcome.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    json: AsJson = False,
) -> None:
    """Read the journal: every signal that was received, newest first."""
    from orchestrator.console.cli_output import print_events, print_model
    from orchestrator.console.presenting import shown_journal

    page = shown_journal(_store().journal(outcome=outcome, limit=limit, cursor=cursor))
    if json:
        print_model(page)
    else:
        print_events(page)


@app.command()
def cancel(id: Id, reason: Reason, json: AsJson = False) -> None:
    """Cancel a promotion: it ends when no run of it can live any more."""
    from orchestrator.flow import commands
    from orchestrator.wiring import people_world

    world = people_world(_store())
    _print_whole(world.store, commands.cancel(world, id, actor=os_user(), reason=reason), json=json)


@app.command()
def retry(id: Id, reason: Reason, json: AsJson = False) -> None:
    """Try a promotion again that ended without success, through the same checks and gates."""
    from orchestrator.flow import commands
    from orchestrator.wiring import people_world

    world = people_world(_store())
    _print_whole(world.store, commands.retry(world, id, actor=os_user(), reason=reason), json=json)


@app.command()
def override(
    id: Id,
    check: Annotated[str, typer.Option(help="`gate`: the run went past its gate without an approval.")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Let a check count as passed: the next environments open."""
    from orchestrator.console import asking
    from orchestrator.wiring import people_world

    world = people_world(_store(), policy=policy_path(_environment(), folder=Path()))
    promotion = asking.override(world, id, check=check, actor=os_user(), reason=reason)
    _print_whole(world.store, promotion, json=json)


def _print_whole(store: Store, promotion: Promotion, *, json: bool) -> None:
    from orchestrator.console.cli_output import print_model, print_promotion
    from orchestrator.console.presenting import whole_promotion

    whole = whole_promotion(promotion, store.history(promotion.id))
    if json:
        print_model(whole)
    else:
        print_promotion(whole)


def _identity(store: Store, identity: str | None, run: int | None) -> str:
    if (identity is None) == (run is None):
        raise typer.BadParameter("name a promotion, or a run with --run")
    if run is None:
        return identity or ""
    found = store.promotions(PromotionFilter(run=run), limit=1, cursor=None).promotions
    if not found:
        raise NotFound(f"no promotion knows of run {run}")
    return found[0].id


def _store() -> Store:
    from orchestrator.wiring import open_store

    place = read_store(_environment(), folder=Path())
    if not place.path.exists():
        raise PersonError(
            f"there is no store at {place.path}. `orchestrator serve` makes it; ORCHESTRATOR_STORE says where it is."
        )
    return open_store(place)


def _environment() -> dict[str, str]:
    return local_values(Path()) | os.environ


def _say_address(url: str) -> None:
    print(f"Promotion orchestrator on {url}", flush=True)


def _exit_code(error: OrchestratorError) -> int:
    match error:
        case NotFound():
            return 3
        case WaitError():
            return 4
        case _:
            return 1
