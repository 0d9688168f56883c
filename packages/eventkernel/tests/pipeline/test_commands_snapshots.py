"""Streams that are loaded from snapshots or kept in memory: decided as from all their events, whatever a snapshot holds."""

from collections.abc import Callable
from dataclasses import make_dataclass, replace
from typing import Any

import pytest
from eventkernel.node import Node
from eventkernel.states import States
from eventkernel.store.memory import MemoryStore

from .library import (
    ADA,
    CONTRACT,
    OPEN,
    REMARK,
    RENEW,
    TENANT,
    Giver,
    OpenLoanRequest,
    RenewLoanRequest,
    all_commits,
    loan,
)


async def test_a_long_stream_loads_the_same_from_its_snapshot_as_from_all_events(
    give: Giver, node: Node, store: MemoryStore, another: Callable[..., Node]
) -> None:
    await give(OPEN)
    for number in range(249):
        await give(
            RenewLoanRequest(loan_id="l1", days=number + 100) if number % 3 else REMARK, by=None if number % 3 else ADA
        )
    await node.states.close()
    snapshot = await store.commits.load_snapshot(TENANT, "loan-l1")
    assert snapshot is not None
    assert 240 <= snapshot.version <= 250

    commits = await all_commits(store, "loan-l1")
    plain = States(_without_snapshots(store), CONTRACT)
    from_all = await plain.load(TENANT, "loan-l1", loan)
    from_snapshot = await another().states.load(TENANT, "loan-l1", loan)
    assert from_snapshot == from_all
    assert from_all.version == 250
    assert (await Giver(another())(RENEW)).published_version == 251
    assert commits[-1] == from_all.head


async def test_a_snapshot_of_another_shape_is_left_aside(give: Giver, node: Node, store: MemoryStore) -> None:
    await _snapshot(give, node, store, days=0)
    other = type(loan)("loan", initial=loan.initial, shape=loan.shape + 1)
    other.evolutions = loan.evolutions
    assert (await States(store.commits, CONTRACT).load(TENANT, "loan-l1", other)).state.days == 70
    assert (await States(store.commits, CONTRACT).load(TENANT, "loan-l1", loan)).state.days == 0


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"days": "many"}'], ids=repr)
async def test_a_snapshot_that_cannot_be_read_costs_time_and_never_the_stream(
    give: Giver, node: Node, store: MemoryStore, damaged: bytes
) -> None:
    snapshot = await _snapshot(give, node, store, days=0)
    await store.commits.save_snapshot(replace(snapshot, state=damaged))
    assert (await States(store.commits, CONTRACT).load(TENANT, "loan-l1", loan)).state.days == 70


async def test_a_state_with_a_field_more_leaves_old_snapshots_aside(
    give: Giver, node: Node, store: MemoryStore
) -> None:
    """Whoever adds a field and forgets to count up `shape` would otherwise read it as never set."""
    await _snapshot(give, node, store, days=0)
    grown = type(loan)("loan", initial=_grown_loan())
    grown.evolutions = loan.evolutions
    assert (await States(store.commits, CONTRACT).load(TENANT, "loan-l1", grown)).state.days == 70


async def test_of_many_streams_only_some_are_kept_in_memory_and_all_decide_right(
    store: MemoryStore, another: Callable[..., Node]
) -> None:
    node = another()
    node.states._keep = 3
    give = Giver(node)
    for number in range(8):
        await give(OpenLoanRequest(loan_id=f"l{number}", reader_id="ada"))
    assert len(node.states._cache) == 3
    for number in range(8):
        assert (await give(RenewLoanRequest(loan_id=f"l{number}", days=1))).version == 2


async def _snapshot(give: Giver, node: Node, store: MemoryStore, days: int) -> Any:
    """A loan renewed ten times by a week, with a snapshot at its end that says otherwise, so that using it shows."""
    await give(OPEN)
    for _ in range(10):
        await give(RENEW)
    loaded = await node.states.load(TENANT, "loan-l1", loan)
    assert loaded.head is not None
    await node.states._write_snapshot(loan, replace(loaded, state=replace(loaded.state, days=days)), loaded.head)
    snapshot = await store.commits.load_snapshot(TENANT, "loan-l1")
    assert snapshot is not None
    return snapshot


def _grown_loan() -> Any:
    grown = make_dataclass("Loan", [("shelf", str, "")], bases=(type(loan.initial),), frozen=True)
    return grown()


def _without_snapshots(store: MemoryStore) -> Any:
    class Plain:
        async def load_snapshot(self, *_: str) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            return getattr(store.commits, name)

    return Plain()
