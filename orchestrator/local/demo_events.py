"""The events of the demo: one that passes, one that fails a check, a duplicate and one from a foreign workspace."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.policy.policy import Policy

_FOREIGN = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sandbox-rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/sandbox-ws"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of Event Grid. `ends_in` names the states that its promotions come to."""

    says: str
    body: bytes
    ends_in: dict[str, str] | None = None


def deliveries(policy: Policy) -> tuple[Delivery, ...]:
    """Make the deliveries for the first environment of a policy."""
    workspace = policy.environments[0].workspace
    now = datetime.now(UTC)
    good = _registered(workspace, "7", {"stage": "candidate", "accuracy": "0.91"}, now)
    return (
        Delivery(
            "model diabetes-clf:7 was registered in dev: stage=candidate, accuracy=0.91",
            good,
            {"staging:diabetes-clf:7": "succeeded", "prod:diabetes-clf:7": "succeeded"},
        ),
        Delivery(
            "model diabetes-clf:8 was registered in dev: stage=candidate, accuracy=0.71",
            _registered(workspace, "8", {"stage": "candidate", "accuracy": "0.71"}, now + timedelta(seconds=1)),
            {"staging:diabetes-clf:8": "declined"},
        ),
        Delivery("the first event is delivered again, as Event Grid may do", good),
        Delivery(
            "model diabetes-clf:1 was registered in a workspace that the policy does not name",
            _registered(_FOREIGN, "1", {"stage": "candidate"}, now),
        ),
    )


def _registered(workspace: str, version: str, tags: dict[str, str], at: datetime) -> bytes:
    event = {
        "id": f"demo-{workspace.rpartition('/')[2]}-{version}",
        "topic": workspace,
        "subject": f"models/diabetes-clf:{version}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": at.isoformat(),
        "data": {"modelName": "diabetes-clf", "modelVersion": version, "modelTags": tags, "modelProperties": {}},
        "dataVersion": "2",
        "metadataVersion": "1",
    }
    return json.dumps([event]).encode()
