"""Logs: one JSON object for each line where a machine reads them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from orchestrator.logs import log_in_functions, log_to


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_machine_reads_one_json_object_for_each_line() -> None:
    stream = io.StringIO()
    log_to(stream)

    structlog.get_logger("orchestrator").info("promotion.opened", promotion_id="staging:a:1", reason="línea\nbreak")
    logging.getLogger("another.package").warning("careful: %s", "hot")

    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["promotion_id"], first["reason"]) == (
        "promotion.opened",
        "staging:a:1",
        "línea\nbreak",
    )
    assert (second["event"], second["level"]) == ("careful: hot", "warning")


def test_a_log_call_never_fails_over_what_it_is_given() -> None:
    stream = io.StringIO()
    log_to(stream)

    structlog.get_logger("orchestrator").info("odd", half="\ud800", thing=object(), keys={1: {2}}, number=float("nan"))

    assert json.loads(stream.getvalue())["event"] == "odd"


def test_an_error_brings_its_traceback() -> None:
    stream = io.StringIO()
    log_to(stream)

    try:
        int("seven")
    except ValueError as error:
        structlog.get_logger("orchestrator").error("promotion.unexpected", exc_info=error)

    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]


def test_a_person_at_a_terminal_reads_columns() -> None:
    stream = Terminal()
    log_to(stream)

    structlog.get_logger("orchestrator").info("promotion.opened", promotion_id="staging:a:1")

    assert "promotion.opened" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_in_functions_the_message_itself_is_the_json_object(caplog: pytest.LogCaptureFixture) -> None:
    log_in_functions()

    with caplog.at_level(logging.INFO):
        structlog.get_logger("orchestrator").info("promotion.opened", promotion_id="staging:a:1")

    (record,) = caplog.records
    assert record.name == "orchestrator"
    assert json.loads(record.getMessage())["promotion_id"] == "staging:a:1"
