"""The errors of the service, drawn by who must act.

OrchestratorError
├── SenderError            the sender must send something else; sending it again never helps
├── PersonError            a person must change something: a policy, a setting, a permission
│   ├── Refused            the other side read what we asked and said no; nothing ran
│   ├── NotFound           there is nothing of that name
│   ├── NotAllowed         the rules of the promotion do not allow this now
│   └── CorruptRecord      what the store holds is not what was written there
└── WaitError              nobody: we look again later
    ├── NothingHappened    what we asked certainly was not carried out
    ├── LostAnswer         what we asked may have been carried out; look before asking again
    ├── Unreadable         a question could not be answered just now
    ├── Conflict           somebody else wrote first: read again
    └── StoreUnavailable   the store did not take the write; the signal must be sent again
"""

from datetime import datetime


class OrchestratorError(Exception):
    """Root of every error that this service raises on purpose."""


class SenderError(OrchestratorError):
    """What came in can never be taken; the message says what would be."""


class PersonError(OrchestratorError):
    """A person must act; the message says who and what."""


class Refused(PersonError):
    """The place where runs happen refused, in its own words. Certainly nothing ran."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFound(PersonError):
    """There is no such promotion, model, environment or route."""


class NotAllowed(PersonError):
    """The promotion's state or the rules forbid what was asked."""


class CorruptRecord(PersonError):
    """A stored record can't be read back whole; time does not mend it, and nothing is guessed in its place."""


class WaitError(OrchestratorError):
    """Time mends it. `retry_at` is the moment the other side named, if it did (aware, UTC)."""

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NothingHappened(WaitError):
    """The order certainly was not carried out: connection refused, 429, a rate limit."""


class LostAnswer(WaitError):
    """The order may have been carried out: a 5xx, a time-out, a connection that broke."""


class Unreadable(WaitError):
    """A read failed in a way that time mends."""


class Conflict(WaitError):
    """The record changed since it was read."""


class StoreUnavailable(WaitError):
    """The store could not be reached or did not take the write."""
