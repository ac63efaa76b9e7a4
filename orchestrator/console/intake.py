"""Deliveries that come at the same time are stored together: one transaction, and one wait for the disk, for all."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog

from orchestrator.errors import StoreUnavailable
from orchestrator.ports import JournalEntry
from orchestrator.signals.delivery import Item

MOST_AT_ONCE = 256

_log = structlog.get_logger("orchestrator")

Entries = tuple[JournalEntry, ...]


@dataclass(frozen=True, slots=True)
class _Delivery:
    items: tuple[Item, ...]
    answer: "asyncio.Future[Entries]"


@dataclass(frozen=True, slots=True)
class _NotStored:
    reason: str


class Intake:
    """Stores deliveries through one thread of its own. Belongs to one event loop at a time.

    `going_first` is entered while there is something to store; the host may let other work rest meanwhile.
    """

    def __init__(
        self, receive: Callable[[Sequence[Item]], Entries], going_first: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._receive = receive
        self._going_first = going_first
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")
        self._waiting: list[_Delivery] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, items: tuple[Item, ...]) -> Entries:
        """Store one delivery and give its journal entries, in its order. Raises `StoreUnavailable`: send it again."""
        loop = asyncio.get_running_loop()
        delivery = _Delivery(items, loop.create_future())
        self._waiting.append(delivery)
        if self._storing is None or self._storing.done():
            self._storing = loop.create_task(self._store_waiting())
        return await delivery.answer

    async def _store_waiting(self) -> None:
        with self._going_first():
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                for delivery, result in await self._stored(batch):
                    _tell(delivery, result)

    async def _stored(self, batch: list[_Delivery]) -> list[tuple[_Delivery, Entries | _NotStored]]:
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._together, [one.items for one in batch])
            return list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - logged with its traceback; somebody waits for each answer
            return [(delivery, _unexpected(error)) for delivery in batch]

    def _together(self, deliveries: list[tuple[Item, ...]]) -> list[Entries | _NotStored]:
        """Store several deliveries at once; where one of them breaks that, each alone, so that it spoils no other."""
        try:
            entries = self._receive([item for items in deliveries for item in items])
        except StoreUnavailable as error:
            _log.warning("signal.not_stored", deliveries=len(deliveries), reason=str(error))
            return [_NotStored(str(error))] * len(deliveries)
        except Exception as error:  # noqa: BLE001 - logged with its traceback; the sender hears of it and sends again
            if len(deliveries) > 1:
                return [result for items in deliveries for result in self._together([items])]
            return [_unexpected(error)]
        return _shared_out(entries, deliveries)


def _unexpected(error: Exception) -> _NotStored:
    _log.error("signal.unexpected", reason=repr(error), exc_info=error)
    return _NotStored("an unexpected error kept this from being stored; the service's log says more")


def _tell(delivery: _Delivery, result: Entries | _NotStored) -> None:
    if delivery.answer.done():
        return  # cancelled: nobody waits for it
    if isinstance(result, _NotStored):
        delivery.answer.set_exception(StoreUnavailable(result.reason))
    else:
        delivery.answer.set_result(result)


def _shared_out(entries: Entries, deliveries: list[tuple[Item, ...]]) -> list[Entries | _NotStored]:
    results: list[Entries | _NotStored] = []
    start = 0
    for items in deliveries:
        results.append(entries[start : start + len(items)])
        start += len(items)
    return results
