"""Logs: one line for each thing that happened. JSON for machines, columns for a person at a terminal.

Event names are the first field, `event`. Whatever is logged is meant to be read by operators: no secret, no body of a
message and no header goes into a log call.
"""

import json
import logging
import sys
from typing import TextIO

import msgspec
import structlog
from structlog.typing import Processor

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def log_to(stream: TextIO) -> None:
    """Log to a stream: columns where it is a terminal, else JSON. Other libraries' warnings come along."""
    renderers = _for_people() if stream.isatty() else _for_machines()
    structlog.configure(
        processors=[*_SHARED, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def log_in_functions() -> None:
    """Log through Python's logging, which the Functions host reads; it keeps the message and drops `extra` fields."""
    structlog.configure(
        processors=[*_SHARED, *_for_machines()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("orchestrator").setLevel(logging.INFO)


def log_to_stderr() -> None:
    """Log to standard error: standard output is for what was asked for."""
    log_to(sys.stderr)


def _for_people() -> tuple[Processor, ...]:
    return (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)


def _for_machines() -> tuple[Processor, ...]:
    return (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json))


def _json(event: object, **_: object) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except ValueError:  # half a surrogate pair; the slower encoder writes it as an escape
        return json.dumps(event, default=repr)
