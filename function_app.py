"""The triggers of the Azure Functions app, and nothing else: each hands over to the flow or the console.

Only light things are imported here, because every cold start waits for them.
"""

import logging
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, List  # noqa: UP035 - see Hints

import azure.functions as func

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from orchestrator.adapters.output_binding import OutputBinding
    from orchestrator.flow.world import World
    from orchestrator.settings import Settings
    from orchestrator.signals.delivery import Item

QUEUE = "promotions"
STORAGE = "AzureWebJobsStorage"
LONGEST_MESSAGE = 2_000
NOT_STARTED = """{"type": "about:blank", "title": "Service Unavailable", "status": 503,
 "detail": "The service can't start; the log of the app says what must be changed."}"""

# The worker refuses `list[str]` here: it only knows generics of the typing module.
# https://github.com/Azure/azure-functions-python-worker/blob/dev/azure_functions_worker/functions.py
Hints = func.Out[List[str]]  # noqa: UP006

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_building = Lock()
_log = logging.getLogger("orchestrator")


@app.function_name("on_ml_event")
@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="hints", queue_name=QUEUE, connection=STORAGE)
def on_ml_event(event: func.EventGridEvent, hints: Hints) -> None:
    """Take one event of Azure ML's; what it raises makes Event Grid send again. A CloudEvent comes here too."""
    from orchestrator.flow.intake import receive

    world, queue = _world()
    with queue.during_call() as collected:
        receive(world, [_item(event)])
    hints.set(list(collected))


@app.function_name("advance_promotion")
@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection=STORAGE)
@app.queue_output(arg_name="hints", queue_name=QUEUE, connection=STORAGE)
def advance_promotion(message: func.QueueMessage, hints: Hints) -> None:
    """Let one promotion look, as far as it will go now."""
    from orchestrator.flow.advance import advance

    identity = _identity(message.get_body())
    if identity is None:
        return
    world, queue = _world()
    with queue.during_call() as collected:
        advance(world, identity)
    hints.set(list(collected))


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
@app.queue_output(arg_name="hints", queue_name=QUEUE, connection=STORAGE)
def sweep(timer: func.TimerRequest, hints: Hints) -> None:
    """Find every promotion that is due."""
    from orchestrator.flow.sweep import sweep as sweep_all

    if timer.past_due:
        _log.info("this sweep comes late")
    world, queue = _world()
    with queue.during_call() as collected:
        sweep_all(world)
    hints.set(list(collected))


@app.function_name("console")
@app.route(
    route="/{*route}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
async def console(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Answer the pages, the JSON API and GitHub's webhook."""
    from orchestrator.errors import OrchestratorError

    try:
        asgi = _console()
    except OrchestratorError as error:
        _log.error("the service can't start: %s", error)
        return func.HttpResponse(NOT_STARTED, status_code=503, mimetype="application/problem+json")
    response: func.HttpResponse = await func.AsgiMiddleware(asgi).handle_async(req, context)  # type: ignore[no-untyped-call]
    return response


def _item(event: "func.EventGridEvent | func.CloudEvent") -> "Item":
    """Both schemas come through one trigger; the worker makes one of two classes of them."""
    from orchestrator.signals.delivery import from_cloud_event, from_event_grid

    if isinstance(event, func.CloudEvent):
        return from_cloud_event(
            id=event.id,
            source=event.source,
            event_type=event.type,
            subject=event.subject,
            time=event.time,
            data=event.get_json(),
        )
    return from_event_grid(
        id=event.id,
        topic=event.topic,
        subject=event.subject,
        event_type=event.event_type,
        event_time=event.event_time,
        data=event.get_json(),
    )


def _identity(body: bytes) -> str | None:
    """The promotion that a message names; what can be none is logged and done with, or it would come back."""
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > LONGEST_MESSAGE or not text.isprintable():
        _log.warning("a message of %d bytes on queue %s names no promotion: %r", len(body), QUEUE, body[:100])
        return None
    return text


def _world() -> "tuple[World, OutputBinding]":
    with _building:
        return _built()


@cache
def _built() -> "tuple[World, OutputBinding]":
    from orchestrator.adapters.output_binding import OutputBinding
    from orchestrator.logs import log_in_functions
    from orchestrator.wiring import build

    log_in_functions()
    queue = OutputBinding()
    return build(_settings(), queue), queue


def _console() -> "ASGIApp":
    with _building:
        return _built_console()


@cache
def _built_console() -> "ASGIApp":
    from orchestrator.console.app import create_app

    world, _ = _built()
    return create_app(world, webhook_secret=_settings().webhook_secret)


@cache
def _settings() -> "Settings":
    import os

    from orchestrator.settings import read_settings

    return read_settings(os.environ, folder=Path(__file__).parent, in_functions=True)
