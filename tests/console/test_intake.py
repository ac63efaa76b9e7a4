"""Deliveries that come together are stored together, and still do not spoil one another."""

import asyncio
from collections.abc import Sequence

import pytest

from orchestrator.console.intake import Entries, Intake
from orchestrator.errors import StoreUnavailable
from orchestrator.flow.intake import receive
from orchestrator.flow.world import World
from orchestrator.ports import SignalOutcome
from orchestrator.signals.delivery import Broken, Item, Ours, parse_delivery
from tests.flow.events import model_registered


class Watched:
    """Takes signals in with the real flow, remembers how many at a time, and breaks down over one of them."""

    def __init__(self, world: World, *, breaks_at: str = "") -> None:
        self._world = world
        self._breaks_at = breaks_at
        self.sizes: list[int] = []
        self.held = 0

    def __call__(self, items: Sequence[Item]) -> Entries:
        assert self.held == 1
        self.sizes.append(len(items))
        if any(isinstance(item, Ours) and item.signal.envelope.id == self._breaks_at for item in items):
            raise ZeroDivisionError
        return receive(self._world, items)

    def __enter__(self) -> None:
        self.held += 1

    def __exit__(self, *_: object) -> None:
        self.held -= 1


def deliveries(count: int) -> list[tuple[Item, ...]]:
    return [parse_delivery(model_registered(model=f"model-{number}")) for number in range(count)]


async def stored(intake: Intake, sent: list[tuple[Item, ...]]) -> list[Entries | BaseException]:
    return await asyncio.gather(*(intake.store(items) for items in sent), return_exceptions=True)


def test_deliveries_that_wait_at_the_same_time_share_a_transaction(world: World) -> None:
    watched = Watched(world)

    results = asyncio.run(stored(Intake(watched, lambda: watched), deliveries(40)))

    assert watched.sizes == [40]
    assert watched.held == 0
    assert [result[0].event_id for result in results if isinstance(result, tuple)] == [
        f"registered-model-{number}-7" for number in range(40)
    ]


def test_each_delivery_gets_its_own_entries(world: World) -> None:
    watched = Watched(world)
    two: tuple[Item, ...] = (Broken("first", b"1"), Broken("second", b"2"))
    one: tuple[Item, ...] = (Broken("third", b"3"),)

    results = asyncio.run(stored(Intake(watched, lambda: watched), [two, (), one]))

    reasons = [[entry.reason for entry in result] for result in results if isinstance(result, tuple)]
    assert reasons == [["first", "second"], [], ["third"]]


def test_a_delivery_that_breaks_the_service_does_not_spoil_the_others(world: World) -> None:
    watched = Watched(world, breaks_at="registered-model-1-7")

    results = asyncio.run(stored(Intake(watched, lambda: watched), deliveries(3)))

    assert isinstance(results[0], tuple)
    assert isinstance(results[1], StoreUnavailable)
    assert isinstance(results[2], tuple)
    kept = world.store.journal(outcome=SignalOutcome.PROMOTED, limit=9, cursor=None).entries
    assert {entry.event_id for entry in kept} == {"registered-model-0-7", "registered-model-2-7"}


def test_the_intake_works_on_after_it_could_not_store(world: World) -> None:
    watched = Watched(world, breaks_at="registered-model-0-7")
    intake = Intake(watched, lambda: watched)

    async def one_after_the_other() -> Entries:
        with pytest.raises(StoreUnavailable):
            await intake.store(deliveries(1)[0])
        return await intake.store(deliveries(2)[1])

    assert asyncio.run(one_after_the_other())[0].outcome is SignalOutcome.PROMOTED
