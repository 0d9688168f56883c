"""What a store promises about operators: their acts are kept as they were, and one change of a read model's copies wins."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from dataclasses import replace

from eventkernel.messages import Act, Copies
from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import NOON, TENANT, Reopen, after

MODEL = "ksb_progress_v1"


class OperationsPromises:
    """Acts and copies."""

    async def test_acts_are_kept_whole_the_newest_first(self, store: Store, reopen: Reopen) -> None:
        acts = [_act(number) for number in range(3)]
        theirs = replace(_act(3), tenant="provider-2")
        for act in (acts[1], acts[0], theirs, acts[2]):
            await store.acts.record(act)
        other = await reopen()
        assert await other.acts.newest(None, 10) == [theirs, acts[2], acts[1], acts[0]]
        assert await other.acts.newest(TENANT, 2) == [acts[2], acts[1]]

    async def test_a_read_model_has_one_copy_until_that_is_changed(self, store: Store, reopen: Reopen) -> None:
        assert await store.copies.load(MODEL) == Copies()
        second = Copies(serving=0, building=1, highest=1, changed_at=NOON, revision=1)
        third = Copies(serving=1, previous=0, highest=1, retired=(2, 3), changed_at=after(1), revision=2)
        assert await store.copies.change(MODEL, second)
        assert await store.copies.change(MODEL, third)
        assert await (await reopen()).copies.load(MODEL) == third
        assert await store.copies.load("another_v1") == Copies()

    async def test_of_those_that_change_the_copies_at_once_one_wins(self, store: Store) -> None:
        for revision in (1, 2):
            changes = [Copies(serving=number, revision=revision) for number in range(6)]
            won = await asyncio.gather(*(store.copies.change(MODEL, change) for change in changes))
            assert sum(won) == 1
            assert await store.copies.load(MODEL) == changes[won.index(True)]
        assert not await store.copies.change(MODEL, Copies(revision=2))
        assert not await store.copies.change(MODEL, Copies(revision=4))


def _act(number: int) -> Act:
    return Act(
        id=f"act-{number}", tenant=TENANT, actor="operator-1", action="replay", about="one record", reason="mended", at=after(number),
        records=("a/t/0/1", "a/t/0/2"), correlation_id="correlation-1",
    )  # fmt: skip
