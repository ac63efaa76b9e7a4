"""Events as Event Grid delivers them."""

import json
from datetime import datetime, timedelta

_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/{0}-ml-rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/{0}-ml-ws"
)
DEV, STG, PRD = _ID.format("dev"), _ID.format("stg"), _ID.format("prd")
REGISTERED = datetime.fromisoformat("2026-03-02T08:00:00+00:00")


def model_registered(
    *,
    model: str = "diabetes-clf",
    version: str = "7",
    stage: str = "candidate",
    workspace: str = DEV,
    event_id: str | None = None,
    at: datetime | None = None,
    **tags: str,
) -> bytes:
    """A model version was registered; higher versions later, unless `at` says otherwise."""
    moment = at or REGISTERED + timedelta(minutes=int(version) if version.isdigit() else 0)
    event = {
        "topic": workspace,
        "subject": f"models/{model}:{version}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": moment.isoformat(),
        "id": event_id or f"registered-{model}-{version}",
        "data": {
            "modelName": model,
            "modelVersion": version,
            "modelTags": {"stage": stage, **tags},
            "modelProperties": {},
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }
    return json.dumps([event]).encode()
