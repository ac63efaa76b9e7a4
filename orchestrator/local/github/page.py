"""The pages for people: all runs, and one run, with buttons for what on GitHub a reviewer would press."""

from html import escape

from orchestrator.local.github.call import Answer, Call
from orchestrator.local.github.refusal import not_found
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.timeline import Sight, Waiting, state_of

MOST_SHOWN = 200
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_STYLE = (
    "body{font:16px system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d0d7de}"
    "form{display:inline}button{margin-right:.4rem}"
)


def overview(stand_in: StandIn, _call: Call) -> Answer:
    """The newest runs of all repositories."""
    newest = stand_in.runs()[: -MOST_SHOWN - 1 : -1]
    rows = "".join(_row(sight) for sight in newest) or '<tr><td colspan="5">No runs yet.</td></tr>'
    head = "<tr><th>Run</th><th>Repository</th><th>Attempt</th><th>State</th><th>Gate</th></tr>"
    return _page("Runs", f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")


def run(stand_in: StandIn, call: Call) -> Answer:
    """One run: its jobs, inputs and decisions."""
    sight = stand_in.sight(call.run_id)
    if sight.run.repository.casefold() != call.repository.casefold():
        raise not_found()
    jobs = "".join(
        f"<tr><td>{escape(job.name)}</td><td>{_words(job.status, job.conclusion)}</td></tr>" for job in sight.state.jobs
    )
    inputs = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in sight.run.inputs.items()
    )
    return _page(
        sight.run.title,
        f"<p>{escape(sight.run.repository)}, {escape(sight.run.workflow.path)}, attempt {sight.run.attempt.number}, "
        f"by {escape(sight.run.login)}: {_words(sight.state.status, sight.state.conclusion)}</p>"
        f"<p>{_gate(sight)}</p>"
        f"<h2>Jobs</h2><table>{jobs}</table>"
        f"<h2>Reviews</h2><ul>{_reviews(stand_in, sight)}</ul>"
        f"<h2>Inputs</h2><table>{inputs}</table>",
    )


def _row(sight: Sight) -> str:
    run_ = sight.run
    link = f'<a href="{escape(f"/{run_.repository}/actions/runs/{run_.id}")}">{escape(run_.title)}</a>'
    state = _words(sight.state.status, sight.state.conclusion)
    cells = (link, escape(run_.repository), str(run_.attempt.number), state, _gate(sight))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _gate(sight: Sight) -> str:
    waiting = sight.state.waiting
    if waiting is None:
        return ""
    return f"{escape(waiting.environment.name)} " + "".join(
        _button(sight, act, login, f"{act.capitalize()} as {login}")
        for login in _logins(waiting)
        for act in ("approve", "reject")
    )


def _logins(waiting: Waiting) -> list[str]:
    names = [
        name
        for reviewer in waiting.environment.rules.reviewers
        for name in ((reviewer.name,) if reviewer.members is None else reviewer.members)
    ]
    return list(dict.fromkeys(names))


def _button(sight: Sight, act: str, login: str, label: str) -> str:
    return (
        f'<form method="post" action="/_stand-in/runs/{sight.run.id}/{act}">'
        f'<input type="hidden" name="login" value="{escape(login)}"><button>{escape(label)}</button></form>'
    )


def _reviews(stand_in: StandIn, sight: Sight) -> str:
    now = stand_in.now()
    return "".join(
        f"<li>{escape(decision.login)} {decision.verdict.value} {escape(decision.environment.name)} "
        f"(attempt {attempt.number}) {escape(decision.comment)}</li>"
        for attempt in sight.run.attempts
        for decision in state_of(attempt, now).decisions
    )


def _words(status: str, conclusion: str | None) -> str:
    return escape(conclusion or status)


def _page(title: str, content: str) -> Answer:
    return Answer(
        200,
        text=f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style></head><body><p><a href="/">GitHub stand-in</a></p>'
        f"<h1>{escape(title)}</h1>{content}</body></html>",
        headers=_HEADERS,
    )
