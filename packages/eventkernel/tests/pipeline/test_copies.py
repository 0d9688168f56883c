"""Copies of a read model: built beside the one that serves, switched to once they show the same, and dropped when nobody reads them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from eventkernel import feeding as feeding_module
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.feeding import RETIRED_FOR, Feeding
from eventkernel.mending import MendingSink
from eventkernel.messages import Checkpoint, Copies, ParkedRecord
from eventkernel.node import Node
from eventkernel.operations import copies as copies_module
from eventkernel.operations.copies import ReadModels
from eventkernel.operations.operator import Operator
from eventkernel.projector import Projector
from eventkernel.serving import Serving
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message
from mentoring.operations.v1 import operations_pb2 as pb

from .library import CONTRACT, NOON, TENANT, Bus, Hand, LoanOpened, LoanRenewed, build, readers, someone, until

MODEL = "readers_v1"


class Fed:
    """The copies that one process feeds, without a bus: records are handed to whatever is fed."""

    def __init__(self, store: MemoryStore, clock: Hand) -> None:
        self.store, self.clock = store, clock
        self.running: list[str] = []
        self.feeding = Feeding(
            "library", store=store, clock=clock, feed=self._feed, reactions=(), projections=[readers], sink=self._sink
        )

    def _sink(self, copy: Any) -> MendingSink:
        def make(parked: Any) -> Projector:
            return Projector(
                copy, service="library", contract=CONTRACT, documents=self.store.documents, parked=parked, clock=self.clock
            )  # fmt: skip

        return MendingSink(make(self.store.parked), make, self.store.parked, self.clock)

    def _feed(self, sinks: Sequence[MendingSink]) -> Any:
        fed = self

        class Feed:
            def __init__(self) -> None:
                self.sinks = sinks
                self.name = sinks[0].subscription

            async def run(self) -> None:
                fed.running.append(self.name)
                await asyncio.Event().wait()

            async def stop(self) -> None:
                fed.running.remove(self.name)

        return Feed()

    async def take(self, number: int, *records: Any) -> None:
        """Hands records to one copy."""
        name = readers.as_copy(number).subscription("library")
        (sink,) = [sink for sink in self.feeding.sinks if sink.subscription == name]
        await sink.assigned([TopicPartition(records[0].topic, 0)])
        await sink.take(records[0].topic, 0, records)

    async def feeds(self, *numbers: int) -> None:
        wanted = [readers.as_copy(number).subscription("library") for number in numbers]
        await until(lambda: _now(self.running == wanted))


async def _now(value: bool) -> bool:
    return value


@pytest.fixture
async def fed(store: MemoryStore, clock: Hand, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fed]:
    monkeypatch.setattr(feeding_module, "_LOOK_SECONDS", 0.005)
    monkeypatch.setattr(copies_module, "_CATCH_UP_SECONDS", 0.0)
    made = Fed(store, clock)
    task = asyncio.create_task(made.feeding.run())
    await made.feeds(0)
    yield made
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
def models(store: MemoryStore, clock: Hand) -> ReadModels:
    return ReadModels(build(), store, clock)


EVERYWHERE = Operator(someone("olga", "operator", tenant="operations"), everywhere=True, correlation_id="c")


async def rebuild(models: ReadModels, reason: str = "a bug") -> pb.Projection:
    return (await models.rebuild(pb.RebuildProjectionRequest(name="readers", reason=reason), EVERYWHERE)).projection


async def switch(models: ReadModels, *, back: bool = False) -> pb.Projection:
    return (
        await models.switch(pb.SwitchProjectionRequest(name="readers", reason="x", back=back), EVERYWHERE)
    ).projection


async def drop(models: ReadModels, number: int) -> pb.Projection:
    request = pb.DropProjectionCopyRequest(name="readers", number=number, reason="x")
    return (await models.drop(request, EVERYWHERE)).projection


async def code(work: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as refused:
        await work
    return refused.value.code


def states(projection: pb.Projection) -> dict[int, str]:
    return {copy.number: pb.CopyState.Name(copy.state).removeprefix("COPY_STATE_") for copy in projection.copies}


def opened(loan: str = "l1") -> Message:
    return LoanOpened(loan_id=loan, reader_id="ada")


async def test_a_new_copy_is_fed_beside_the_one_that_serves_and_serves_when_it_is_switched_to(
    fed: Fed, models: ReadModels, bus: Bus, node: Node
) -> None:
    first, second = bus.event("loan-l1", opened()), bus.event("loan-l2", opened("l2"))
    await fed.take(0, first)
    assert states(await rebuild(models)) == {0: "SERVING", 1: "BUILDING"}
    await fed.feeds(0, 1)
    assert await code(switch(models)) == "NOT_CAUGHT_UP"
    await fed.take(1, first)
    await fed.take(0, second)
    assert await code(switch(models)) == "NOT_CAUGHT_UP"
    await fed.take(1, second)
    assert states(await switch(models)) == {0: "PREVIOUS", 1: "SERVING"}
    await fed.take(1, bus.event("loan-l3", opened("l3")))
    document = await node.reader(someone("ada", "learner")).document(readers, "ada")
    assert document is not None
    assert document.opened == 3


async def test_a_rebuild_that_is_asked_again_changes_nothing(fed: Fed, models: ReadModels, store: MemoryStore) -> None:
    await rebuild(models)
    before = await store.copies.load(MODEL)
    await rebuild(models)
    assert await store.copies.load(MODEL) == before
    assert [act.about for act in await store.acts.newest(None, 10)] == ["readers_v1: rebuild as copy 1"]


async def test_a_number_is_used_once_and_what_served_before_goes_with_the_next_rebuild(
    fed: Fed, models: ReadModels, store: MemoryStore, clock: Hand
) -> None:
    await rebuild(models)
    await switch(models)
    assert states(await rebuild(models)) == {1: "SERVING", 2: "BUILDING", 0: "RETIRED"}
    await fed.feeds(1, 2)
    await drop(models, 2)
    await fed.feeds(1)
    assert states(await rebuild(models)) == {1: "SERVING", 3: "BUILDING", 0: "RETIRED", 2: "RETIRED"}


async def test_one_can_go_back_to_the_copy_that_served_before(fed: Fed, models: ReadModels, bus: Bus) -> None:
    assert await code(switch(models, back=True)) == "NO_PREVIOUS_COPY"
    await rebuild(models)
    await fed.feeds(0, 1)
    await switch(models)
    record = bus.event("loan-l1", opened())
    await fed.take(1, record)
    assert await code(switch(models, back=True)) == "NOT_CAUGHT_UP"
    await fed.take(0, record)
    assert states(await switch(models, back=True)) == {0: "SERVING", 1: "PREVIOUS"}
    assert await code(switch(models)) == "NOTHING_BUILT"


async def test_a_copy_with_streams_parked_that_the_other_shows_does_not_serve(
    fed: Fed, models: ReadModels, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rebuild(models)
    await fed.feeds(0, 1)
    record = bus.event("loan-l1", LoanRenewed(loan_id="l1", reader_id="ada", days=20))
    await fed.take(0, record)

    def fails(*_: Any) -> None:
        raise LookupError

    with monkeypatch.context() as patch:
        patch.setitem(readers.folds, LoanRenewed, fails)
        await fed.take(1, record)
    assert await code(switch(models)) == "COPY_HAS_PARKED"


async def _at(store: MemoryStore, number: int, offset: int) -> None:
    copy = readers.as_copy(number)
    checkpoint = Checkpoint(copy.subscription("library"), CONTRACT.topic, 0, offset)
    await store.documents.write(copy.collection, [], [checkpoint])


async def _parked(store: MemoryStore, number: int, offset: int) -> None:
    parked = ParkedRecord(
        subscription=readers.as_copy(number).subscription("library"), tenant=TENANT, stream="loan-l1", topic=CONTRACT.topic, partition=0,
        offset=offset, key=b"ada", value=b"", headers=(), reason="HANDLER_FAILED: LookupError", attempts=1, at=NOON,
    )  # fmt: skip
    await store.parked.park([parked])


async def test_a_copy_that_is_behind_what_is_shown_when_it_is_switched_to_does_not_serve(
    models: ReadModels, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies_module, "_CATCH_UP_SECONDS", 0.2)
    await store.copies.change(MODEL, Copies(serving=0, building=1, highest=1, revision=1))
    await _at(store, 0, 10)
    await _at(store, 1, 5)
    checkpoints = store.documents.checkpoints

    async def look(collection: str, subscription: str) -> dict[tuple[str, int], int]:
        found = await checkpoints(collection, subscription)
        if collection == readers.as_copy(1).collection:
            # After the first look the new copy comes to where the other was then, and that one goes on.
            await _at(store, 0, 1000)
            await _at(store, 1, 10)
        return found

    monkeypatch.setattr(store.documents, "checkpoints", look)
    assert await code(switch(models)) == "NOT_CAUGHT_UP"
    assert (await store.copies.load(MODEL)).serving == 0


@pytest.mark.parametrize(("serving", "new", "refused"), [(100, 3, True), (100, 100, False), (3, 100, False)])
async def test_a_copy_whose_stream_stopped_earlier_than_for_the_other_does_not_serve(
    models: ReadModels, store: MemoryStore, serving: int, new: int, *, refused: bool
) -> None:
    await store.copies.change(MODEL, Copies(serving=0, building=1, highest=1, revision=1))
    for number, first in ((0, serving), (1, new)):
        await _at(store, number, 120)
        await _parked(store, number, first)
        await _parked(store, number, 110)
    if refused:
        assert await code(switch(models)) == "COPY_HAS_PARKED"
    else:
        assert states(await switch(models)) == {0: "PREVIOUS", 1: "SERVING"}


async def test_a_retired_copy_is_fed_no_more_and_dropped_when_nobody_can_be_reading_it(
    fed: Fed, models: ReadModels, bus: Bus, store: MemoryStore, clock: Hand
) -> None:
    record, poison = bus.event("loan-l1", opened()), bus.raw(b"", b"", ())
    await fed.take(0, record, poison)
    await rebuild(models)
    await fed.feeds(0, 1)
    await fed.take(1, record, poison)
    assert await code(drop(models, 0)) == "COPY_SERVES"
    assert await code(drop(models, 7)) == "COPY_UNKNOWN"
    await drop(models, 1)
    await fed.feeds(0)
    assert len(await store.documents.page("readers_v1_c1", "", 10)) == 1
    clock.now += RETIRED_FOR
    await until(lambda: _is_dropped(store))
    assert await store.documents.page("readers_v1_c1", "", 10) == []
    assert await store.parked.list("library.readers.v1.c1") == []
    assert len(await store.parked.list("library.readers.v1")) == 1
    assert len(await store.documents.page("readers_v1", "", 10)) == 1


async def _is_dropped(store: MemoryStore) -> bool:
    return (await store.copies.load(MODEL)).retired == ()


async def test_queries_hear_of_a_switch_within_a_second(store: MemoryStore) -> None:
    now = [0.0]
    serving = Serving(store.copies, lambda: now[0])
    assert (await serving.copy_of(readers)).collection == "readers_v1"
    await store.copies.change(MODEL, Copies(serving=3, revision=1))
    now[0] = 0.99
    assert (await serving.copy_of(readers)).collection == "readers_v1"
    now[0] = 1.0
    assert (await serving.copy_of(readers)).collection == "readers_v1_c3"


async def test_of_two_that_change_the_copies_at_once_one_is_refused(
    fed: Fed, models: ReadModels, store: MemoryStore
) -> None:
    outcomes = await asyncio.gather(rebuild(models), rebuild(models), return_exceptions=True)
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert refused.code == "CHANGED_MEANWHILE"
    assert (await store.copies.load(MODEL)).highest == 1


async def test_every_change_has_a_reason_and_is_for_operators_of_the_platform(
    fed: Fed, models: ReadModels, store: MemoryStore
) -> None:
    within = replace(EVERYWHERE, everywhere=False)
    for work in (
        models.listed(pb.ListProjectionsRequest(), within),
        models.rebuild(pb.RebuildProjectionRequest(name="readers", reason="x"), within),
        models.switch(pb.SwitchProjectionRequest(name="readers", reason="x"), within),
        models.drop(pb.DropProjectionCopyRequest(name="readers", reason="x"), within),
    ):
        with pytest.raises(Denied):
            await work
    assert await code(rebuild(models, " ")) == "REASON_NEEDED"
    request = pb.RebuildProjectionRequest(name="writers", reason="x")
    assert await code(models.rebuild(request, EVERYWHERE)) == "PROJECTION_UNKNOWN"
    assert await store.copies.load(MODEL) == Copies()


async def test_progress_is_told_for_each_copy(fed: Fed, models: ReadModels, bus: Bus) -> None:
    records = [bus.event(f"loan-{number}", opened(str(number))) for number in range(4)]
    await fed.take(0, *records)
    await rebuild(models)
    await fed.feeds(0, 1)
    await fed.take(1, *records[:3])
    (told,) = (await models.listed(pb.ListProjectionsRequest(), EVERYWHERE)).projections
    assert [(copy.number, copy.position, copy.serving_position) for copy in told.copies] == [(0, 4, 4), (1, 3, 4)]


def test_a_copy_is_kept_apart_in_everything_but_what_it_folds() -> None:
    copy = readers.as_copy(2)
    assert (copy.collection, copy.subscription("library")) == ("readers_v1_c2", "library.readers.v1.c2")
    assert (readers.collection, readers.subscription("library")) == ("readers_v1", "library.readers.v1")
    assert copy.folds is readers.folds
