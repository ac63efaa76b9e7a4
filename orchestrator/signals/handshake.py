"""Event Grid's question, before it delivers anything, whether this address wants its events.

With the Event Grid schema it posts a validation event and wants the code back
(https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema); with CloudEvents it sends
OPTIONS and wants its origin allowed (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md).
"""

from typing import Final

from orchestrator.errors import SenderError
from orchestrator.signals.envelope import data_of
from orchestrator.signals.fields import Unfit, pick, shown, text
from orchestrator.signals.json_text import decoded

EVENT_TYPE_HEADER: Final = "aeg-event-type"
SUBSCRIPTION_VALIDATION: Final = "SubscriptionValidation"
NOTIFICATION: Final = "Notification"
UNSUBSCRIBE: Final = "Unsubscribe"

REQUEST_ORIGIN_HEADER: Final = "WebHook-Request-Origin"
REQUEST_RATE_HEADER: Final = "WebHook-Request-Rate"
ALLOWED_ORIGIN_HEADER: Final = "WebHook-Allowed-Origin"
ALLOWED_RATE_HEADER: Final = "WebHook-Allowed-Rate"

VALIDATION_EVENT: Final = "Microsoft.EventGrid.SubscriptionValidationEvent"


class NotAHandshake(SenderError):
    """The body of a SubscriptionValidation call holds no code to answer with."""


def validation_code(body: bytes) -> str:
    """The code to send back as `{"validationResponse": code}`; raises NotAHandshake."""
    try:
        content = decoded(body)
        for event in content if isinstance(content, list) else [content]:
            if isinstance(event, dict) and _is_validation(event):
                return text(pick(data_of(event), "validationCode"), "data.validationCode")
    except Unfit as unfit:
        raise NotAHandshake(f"a validation event was expected, but: {unfit}") from unfit
    raise NotAHandshake(f"the body must hold an event of type {VALIDATION_EVENT}; it is {shown(content)} without one")


def _is_validation(event: dict[str, object]) -> bool:
    said = [pick(event, name) for name in ("eventType", "type")]
    return any(isinstance(word, str) and word.lower() == VALIDATION_EVENT.lower() for word in said)
