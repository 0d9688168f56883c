"""Streams that are not there: looked for in one question with others, and found as soon as they are."""

from collections.abc import Sequence
from typing import Any

import pytest
from eventkernel.states import States
from eventkernel.store.memory import MemoryStore

from .library import CONTRACT, TENANT, Giver, Limit, OpenLoanRequest, SetLimitRequest, limit, loan


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> list[str]:
    """What the store is asked for."""
    found: list[str] = []
    commits: Any = store.commits
    read, newer, snapshot = commits.read, commits.newer, commits.load_snapshot

    async def reads(tenant: str, stream: str, after: int = 0) -> Any:
        found.append(f"read {stream}")
        return await read(tenant, stream, after=after)

    async def asks(streams: Sequence[tuple[str, str]], after: int) -> Any:
        found.append("newer " + " ".join(sorted(stream for _, stream in streams)))
        return await newer(streams, after)

    async def loads(tenant: str, stream: str) -> Any:
        found.append(f"snapshot {stream}")
        return await snapshot(tenant, stream)

    monkeypatch.setattr(commits, "read", reads)
    monkeypatch.setattr(commits, "newer", asks)
    monkeypatch.setattr(commits, "load_snapshot", loads)
    return found


async def test_what_was_not_there_is_asked_about_in_one_question_from_then_on(
    store: MemoryStore, asked: list[str]
) -> None:
    states = States(store.commits, CONTRACT)
    for _ in range(2):
        assert (await states.load(TENANT, "limit-ada", limit)).state == Limit()
    # The store in memory reads where it is asked for what is newer.
    assert asked[:3] == ["snapshot limit-ada", "read limit-ada", "newer limit-ada"]
    assert asked.count("snapshot limit-ada") == 1


async def test_what_came_meanwhile_by_another_process_is_found_and_has_its_version(
    give: Giver, store: MemoryStore
) -> None:
    states = States(store.commits, CONTRACT)
    assert (await states.load(TENANT, "limit-ada", limit)).version == 0
    await give(SetLimitRequest(reader_id="ada", loans=7))
    await give(SetLimitRequest(reader_id="ada", loans=8))
    found = await states.load(TENANT, "limit-ada", limit)
    assert (found.state.loans, found.version) == (8, 2)
    await give(SetLimitRequest(reader_id="ada", loans=9))
    assert (await states.load(TENANT, "limit-ada", limit)).state.loans == 9


async def test_only_so_many_absences_are_remembered(store: MemoryStore, asked: list[str]) -> None:
    states = States(store.commits, CONTRACT, keep=1)
    for stream in ("limit-ada", "limit-bob", "limit-ada"):
        await states.load(TENANT, stream, limit)
    assert asked.count("snapshot limit-ada") == 2


async def test_a_tenants_absence_is_no_others(give: Giver, store: MemoryStore) -> None:
    states = States(store.commits, CONTRACT)
    await states.load("provider-2", "loan-l1", loan)
    await give(OpenLoanRequest(loan_id="l1", reader_id="ada"))
    assert (await states.load(TENANT, "loan-l1", loan)).version == 1
    assert (await states.load("provider-2", "loan-l1", loan)).version == 0
