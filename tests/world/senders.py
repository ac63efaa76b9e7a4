"""Who tells the service what happened: Event Grid, at least once, in any order, hours late; and GitHub's webhooks."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from orchestrator.flow.intake import receive
from orchestrator.signals.delivery import Ours, parse_delivery
from tests.flow.events import DEV, STG
from tests.world.chance import HOUR, MINUTE, SECOND, Faults, Spans
from tests.world.crew import Crew
from tests.world.github import SimRun
from tests.world.scene import Scene, Worker, moment, soon
from tests.world.witness import Acknowledged, Signal, Witness

LATE, TWICE, UNHEARD = "an event comes hours late", "an event comes twice", "an acknowledgement is not heard"
ON_ITS_WAY: Faults = ((LATE, 0.08), (TWICE, 0.08))
ACKNOWLEDGED: Faults = ((UNHEARD, 0.08),)
TRAVEL: Spans = ((0.7, 100_000, 5 * SECOND), (0.3, 5 * SECOND, 3 * MINUTE))
HOURS: Spans = ((1.0, HOUR, 5 * HOUR),)
RETRIES = (10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE)
WEBHOOK_SHARE = 0.35


def signal(
    *,
    id: str,
    model: str,
    version: str,
    at: int,
    stage: str | None,
    link: str | None = None,
) -> Signal:
    """An event as Event Grid carries it. `link` is the promotion whose run registered the version in staging."""
    tags = {name: value for name, value in (("stage", stage), ("promotion_id", link)) if value is not None}
    event = {
        "topic": STG if link else DEV,
        "subject": f"models/{model}:{version}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": moment(at).isoformat(),
        "id": id,
        "data": {"modelName": model, "modelVersion": version, "modelTags": tags, "modelProperties": {}},
        "dataVersion": "2",
        "metadataVersion": "1",
    }
    body = json.dumps(event).encode()
    (item,) = parse_delivery(body)
    if not isinstance(item, Ours):
        raise TypeError(f"the world wrote an event that it can't read: {item}")
    return Signal(id, item.signal.envelope.key, model, version, at, stage, link, body)


class EventGrid:
    """Delivers each signal until it is acknowledged, and now and then once more."""

    def __init__(self, scene: Scene, crew: Crew, witness: Witness) -> None:
        self.scene = scene
        self.under_way = 0
        self.last = 0
        self._crew = crew
        self._witness = witness
        self._deliveries = 0

    def tell(self, signals: Sequence[Signal]) -> None:
        """Something happened: it will be told, sooner or later."""
        for one in signals:
            self._witness.signals[one.id] = one
        name = "+".join(one.id for one in signals)
        luck = self.scene.chance.stream(f"event {name}")
        fault = self.scene.chance.fault(f"event grid {name}", ON_ITS_WAY)
        if fault is not None:
            self.scene.tell("event grid", f"{name}: {fault}")
        self._send(signals, luck.span(HOURS if fault == LATE else TRAVEL), tries=0)
        if fault == TWICE:
            self._send(signals, luck.span(TRAVEL), tries=0)

    def _send(self, signals: Sequence[Signal], delay: int, *, tries: int) -> None:
        self.under_way += 1
        self.last = max(self.last, self.scene.now + delay)
        self.scene.scheduler.after(delay, partial(self._deliver, signals, tries))

    def _deliver(self, signals: Sequence[Signal], tries: int) -> None:
        name = "+".join(one.id for one in signals)
        body = b"[" + b",".join(one.body for one in signals) + b"]"
        self.scene.tell("event grid", f"delivers {name}")

        def over(worker: Worker, done: bool) -> None:
            self.under_way -= 1
            fault = self.scene.chance.fault(f"acknowledge {name}", ACKNOWLEDGED)
            if done:
                self.scene.tell(worker.name, f"acknowledges {name}" + (f": {fault}" if fault else ""))
                self._witness.see(Acknowledged(worker, tuple(signals)))
            if not done or fault == UNHEARD:
                self._send(signals, RETRIES[min(tries, len(RETRIES) - 1)], tries=tries + 1)

        self._crew.work(f"receive {name}", lambda worker: _received(worker, body), over=over)


def webhook(scene: Scene, crew: Crew, run: SimRun) -> None:
    """GitHub tells that a run moved: a hint like others, and often it does not come."""
    what = f"webhook {run.id}"
    if scene.chance.stream(what).happens(WEBHOOK_SHARE):
        delay = timedelta(microseconds=soon(scene.chance, what))
        crew.hint(run.promotion, after=delay)


def _received(worker: Worker, body: bytes) -> None:
    receive(worker.flow, parse_delivery(body))
