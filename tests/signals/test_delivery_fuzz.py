"""Whatever is posted, the answer is items or NotADelivery; what is accepted can be stored, and reads the same again."""

import json

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.signals.azure_ml import READERS
from orchestrator.signals.delivery import Broken, Item, NotADelivery, NotOurs, Ours, parse_delivery, parse_event

texts = st.text(st.characters(codec=None, categories=None), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
odd = (
    scalars | values | st.sampled_from(["7", "diabetes-clf", "2026-03-02T09:15:27Z", "a:1,b:2", "experiments/e/runs/r"])
)

GOOD: dict[str, object] = {
    "id": "event-1",
    "topic": "/subscriptions/s/workspaces/dev-ml-ws",
    "subject": "experiments/e/runs/r",
    "eventTime": "2026-03-02T09:15:27.1234567Z",
}
GOOD_DATA: dict[str, object] = {
    "modelName": "diabetes-clf",
    "modelVersion": "7",
    "modelTags": {"area": "diabetes"},
    "modelProperties": None,
    "serviceName": "diabetes-dev",
    "serviceComputeType": "ACI",
    "modelIds": "diabetes-clf:7",
    "serviceTags": {},
    "runId": "r",
    "experimentId": "e",
    "experimentName": "training",
    "runType": None,
    "runTags": {"area": "diabetes"},
    "runProperties": {},
    "runStatus": "Failed",
    "dataDriftId": "d",
    "dataDriftName": "inputs",
    "driftCoefficient": 0.5,
    "startTime": "2026-03-01T00:00:00Z",
    "endTime": "2026-03-02T00:00:00Z",
}


def spoiled(good: dict[str, object], *more: str) -> st.SearchStrategy[dict[str, object]]:
    """`good` with any two of its fields, or of `more`, replaced by anything."""
    return st.dictionaries(st.sampled_from([*good, *more]), odd, max_size=2).map(lambda wrong: good | wrong)


datas = spoiled(GOOD_DATA)
events = st.builds(
    lambda envelope, kind, data: {"eventType": kind, "data": data} | envelope,
    spoiled(GOOD, "eventType", "data", "publishTime", "specversion"),
    st.sampled_from([*READERS, "Microsoft.Storage.BlobCreated"]),
    datas | datas.map(json.dumps),
)


def items_of(body: bytes) -> tuple[Item, ...]:
    try:
        items = parse_delivery(body)
    except NotADelivery:
        return ()
    assert items
    return items


def check(body: bytes) -> None:
    for item in items_of(body):
        item.raw.decode()
        match item:
            case Ours() | NotOurs():
                assert parse_delivery(item.raw) == (item,)
                repr(item).encode()
            case Broken():
                assert item.reason.isprintable()
                assert len(item.raw) <= 4_096


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    check(body)


@given(values | st.lists(values, max_size=3))
def test_any_json(value: object) -> None:
    check(json.dumps(value).encode())


@given(st.lists(events, min_size=1, max_size=3))
def test_anything_that_resembles_events(content: list[object]) -> None:
    check(json.dumps(content).encode())


@given(events)
def test_anything_that_the_host_decodes_reads_as_if_posted(event: dict[str, object]) -> None:
    item = parse_event(event)
    (posted,) = parse_delivery(json.dumps(event).encode())
    assert type(item) is type(posted)
    if isinstance(item, Ours | NotOurs):
        assert item == posted
