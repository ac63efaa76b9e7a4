"""What the flow asks of the world, in the flow's words. Adapters answer; every error they raise is one of ours."""

from orchestrator.ports.evidence import EvidenceSource, EvidenceWanted
from orchestrator.ports.looks import Clock, WorkQueue
from orchestrator.ports.store import (
    JournalEntry,
    JournalPage,
    PromotionFilter,
    PromotionPage,
    SignalOutcome,
    SlotChange,
    Store,
    Stored,
    StoredSlot,
)
from orchestrator.ports.workflows import GateSeen, Order, PendingGate, Review, RunSeen, RunsFound, RunStatus, Workflows

__all__ = [
    "Clock",
    "EvidenceSource",
    "EvidenceWanted",
    "GateSeen",
    "JournalEntry",
    "JournalPage",
    "Order",
    "PendingGate",
    "PromotionFilter",
    "PromotionPage",
    "Review",
    "RunSeen",
    "RunStatus",
    "RunsFound",
    "SignalOutcome",
    "SlotChange",
    "Store",
    "Stored",
    "StoredSlot",
    "WorkQueue",
    "Workflows",
]
