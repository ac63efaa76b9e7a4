"""Evidence: what is known about a candidate, and the names under which expressions read it."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from orchestrator.decide.candidate import Candidate


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What an expression may ask about the event: `event.type`, `event.time` and so on."""

    id: str
    type: str
    source: str
    subject: str
    time: datetime


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The Azure ML run that a signal spoke of. `status` is `completed`, `failed` or `canceled`."""

    id: str
    status: str
    experiment: str
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalEvidence:
    """What the signal itself said about the candidate. Stored once, under its digest."""

    event: EventFacts
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    run: RunFacts | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that was read: what it is, where it was read and when. `what` names runs and versions by their ids."""

    what: str
    where: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """What a workspace knows of a model version: its own tags and properties, and what was measured for it.

    `run` is the run that the metrics come from. `registered_at` is the workspace's creation time of the version.
    `absent` says in words what was looked for and not found. `arrived_version` is the version there that is tagged with
    the promotion, where one was asked for and found; everything else is then about that version.
    """

    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    run: RunFacts | None = None
    registered_at: datetime | None = None
    readings: tuple[Reading, ...] = ()
    absent: tuple[str, ...] = ()
    arrived_version: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about a candidate at the moment of a decision, and where and when it was read."""

    signal: SignalEvidence
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    run: RunFacts | None = None
    readings: tuple[Reading, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that last succeeded into the environment, with the evidence as it was then."""

    version: str
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(SignalEvidence)
_evidence_decoder = msgspec.json.Decoder(Evidence)


def gathered(signal: SignalEvidence, measured: Measured | None) -> Evidence:
    """Lay what the workspace says now over what the signal said then."""
    if measured is None:
        return Evidence(signal, signal.tags, signal.properties, run=signal.run)
    return Evidence(
        signal=signal,
        tags=signal.tags | measured.tags,
        properties=signal.properties | measured.properties,
        metrics=measured.metrics,
        run=measured.run or signal.run,
        readings=measured.readings,
        absent=measured.absent,
    )


def encode_evidence(evidence: Evidence) -> tuple[str, bytes]:
    """Give the digest (sha256, hex) and the bytes under which gathered evidence is stored."""
    body = msgspec.json.encode(evidence)
    return sha256(body).hexdigest(), body


def decode_evidence(body: bytes) -> Evidence:
    """Read what `encode_evidence` wrote. Raises `msgspec.ValidationError` for half a record."""
    return _evidence_decoder.decode(body)


def encode_signal_evidence(evidence: SignalEvidence) -> tuple[str, bytes]:
    """Give the digest (sha256, hex) and the bytes under which the evidence is stored."""
    body = msgspec.json.encode(evidence)
    return sha256(body).hexdigest(), body


def decode_signal_evidence(body: bytes) -> SignalEvidence:
    """Read what `encode_signal_evidence` wrote. Raises `msgspec.ValidationError` for half a record."""
    return _decoder.decode(body)


def expression_facts(
    candidate: Candidate,
    evidence: Evidence,
    *,
    champion: Champion | None,
    environment: str,
    now: datetime,
) -> dict[str, Any]:
    """Lay the evidence out under the variable names of the policy's expressions."""
    event = evidence.signal.event
    facts: dict[str, Any] = {
        "model": {"name": candidate.model, "version": candidate.version},
        "tags": evidence.tags,
        "properties": evidence.properties,
        "metrics": evidence.metrics,
        "run": _run(evidence.run),
        "jobs": {},
        "champion": None
        if champion is None
        else {"version": champion.version, "metrics": champion.metrics, "tags": champion.tags},
        "evidence": {},
        "environment": environment,
        "event": {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "time": event.time,
        },
        "now": now,
    }
    return facts


def _run(run: RunFacts | None) -> dict[str, Any]:
    if run is None:
        return {}
    return {
        "id": run.id,
        "status": run.status,
        "experiment": run.experiment,
        "tags": run.tags,
        "properties": run.properties,
    }
