"""Event Grid's question whether this address wants its events."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import SenderError
from orchestrator.signals.handshake import NotAHandshake, validation_code

BODY = (Path(__file__).parent / "events" / "subscription-validation.eventgrid.json").read_bytes()
CODE = "6b7c8d9e-3333-4c7d-8e8f-9a0b1c2d3e09"


def test_the_code_is_found() -> None:
    assert validation_code(BODY) == CODE


def test_the_code_is_found_in_a_single_event_in_other_letters_and_in_data_encoded_twice() -> None:
    event = {
        "specversion": "1.0",
        "type": "microsoft.eventgrid.subscriptionvalidationevent",
        "Data": json.dumps({"ValidationCode": CODE}),
    }
    assert validation_code(json.dumps(event).encode()) == CODE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"7",
        b'[{"eventType": "Microsoft.Storage.BlobCreated", "data": {"validationCode": "x"}}]',
        BODY.replace(b"validationCode", b"validationKode"),
        BODY.replace(CODE.encode(), b""),
        BODY.replace(CODE.encode(), b"line\\r\\nbreak"),
        BODY.replace(b'"data": {', b'"data": 7, "rest": {'),
        b"[" * 100_000,
    ],
)
def test_a_body_without_a_code_is_the_senders_error(body: bytes) -> None:
    with pytest.raises(NotAHandshake) as refused:
        validation_code(body)
    assert isinstance(refused.value, SenderError)
    assert str(refused.value).isprintable()
