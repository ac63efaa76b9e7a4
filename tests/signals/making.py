"""Events for the tests, made in place where a file would hide what matters."""

import json
from typing import Any

from orchestrator.signals.delivery import Broken, Item, Ours, parse_delivery
from orchestrator.signals.signal import ModelRegistered

NAMESPACE = "Microsoft.MachineLearningServices"
DATA: dict[str, Any] = {"modelName": "diabetes-clf", "modelVersion": "7"}
WITHOUT = object()


def an_event(data: object = None, *, kind: str = "ModelRegistered", **envelope: object) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": "event-1",
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/dev-ml-ws",
        "subject": "",
        "eventType": f"{NAMESPACE}.{kind}",
        "eventTime": "2026-03-02T09:15:27Z",
        "data": DATA if data is None else data,
    }
    return {key: value for key, value in (event | envelope).items() if value is not WITHOUT}


def a_cloud_event(**changes: object) -> dict[str, Any]:
    event = an_event()
    cloud = {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": "",
        "time": event["eventTime"],
        "data": DATA,
    }
    return {key: value for key, value in (cloud | changes).items() if value is not WITHOUT}


def changed(event: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    rest = {key: kept for key, kept in event.items() if key != name}
    return rest if value is WITHOUT else rest | {name: value}


def item_of(event: object) -> Item:
    (item,) = parse_delivery(json.dumps(event).encode())
    return item


def registered(event: object) -> ModelRegistered:
    item = item_of(event)
    assert isinstance(item, Ours), item
    assert isinstance(item.signal, ModelRegistered)
    return item.signal


def reason_of(event: object) -> str:
    item = item_of(event)
    assert isinstance(item, Broken), item
    return item.reason
