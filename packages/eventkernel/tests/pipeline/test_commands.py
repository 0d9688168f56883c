"""Commands: who may give them, what a commit keeps of them and what it never does, and whom it wakes."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.commands import DecisionFailed
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .library import (
    ADA,
    CLOSE,
    NOON,
    OPEN,
    REMARK,
    RENEW,
    TENANT,
    UNLUCKY,
    Giver,
    Hand,
    LoanRemarked,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    process,
    someone,
)


async def test_sealed_text_is_nowhere_in_what_is_stored(give: Giver, store: MemoryStore) -> None:
    await give(REMARK, by=ADA)
    (commit,) = await all_commits(store, "loan-l1")
    assert b"torn page" not in repr(commit).encode()
    assert b"torn page" not in commit.events[0].data
    event = LoanRemarked.FromString(commit.events[0].data)
    assert (event.text.subject_id, event.text.to_be_sealed, bool(event.text.ciphertext)) == ("ada", "", True)


async def test_a_fingerprint_tells_nothing_of_the_request_without_the_key(
    give: Giver, store: MemoryStore, tmp_path: Path
) -> None:
    await give(REMARK, "k", ADA)
    (commit,) = await all_commits(store, "loan-l1")
    other = Giver(_node(tmp_path / "other", MemoryStore()))
    await other(REMARK, "k", ADA)
    (same,) = await all_commits(other.node._store, "loan-l1")  # type: ignore[arg-type]
    assert commit.fingerprint != same.fingerprint


async def test_a_decision_whose_text_nobody_sealed_is_not_stored(
    give: Giver, node: Node, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(node._sealer, "seal_event", forget)
    with pytest.raises(ValueError, match="text") as failed:
        await give(REMARK, by=ADA)
    assert "torn page" not in str(failed.value)
    assert await all_commits(store, "loan-l1") == []


async def test_a_decision_never_changes_the_request_that_it_was_given(give: Giver) -> None:
    before = REMARK.SerializeToString()
    await give(REMARK, by=ADA)
    assert REMARK.SerializeToString() == before


async def test_the_time_never_goes_back_within_a_stream(
    give: Giver, clock: Hand, store: MemoryStore, another: Callable[..., Node]
) -> None:
    slow = Giver(another(clock=Hand(NOON - timedelta(days=2))))
    for seconds in (0, 0.0004, 60, -3600, -7200, 0, 10_000):
        clock.on(seconds)
        await (give(RENEW) if await all_commits(store, "loan-l1") else give(OPEN))
        await slow(RENEW)
    times = [commit.at for commit in await all_commits(store, "loan-l1")]
    assert len(times) == 14
    assert all(earlier < later for earlier, later in pairwise(times))


async def test_the_published_version_passes_over_internal_commits(give: Giver, another: Callable[..., Node]) -> None:
    by_command = [(OPEN, None), (REMARK, ADA), (RENEW, None), (REMARK, ADA), (REMARK, ADA), (CLOSE, None)]
    replies = [await give(request, by=by) for request, by in by_command]
    assert [(reply.version, reply.published_version) for reply in replies] == [
        (1, 1),
        (2, 1),
        (3, 3),
        (4, 3),
        (5, 3),
        (6, 6),
    ]
    afresh = Giver(another())
    assert (await afresh(CLOSE)).published_version == 6


async def test_a_stream_without_a_published_event_has_no_published_version(give: Giver, store: MemoryStore) -> None:
    reply = await give(REMARK, by=ADA)
    assert (reply.version, reply.published_version) == (1, 0)
    assert await store.commits.count_pending() == (0, None)


async def test_a_stream_keeps_the_partition_key_of_its_first_event(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    for request, by in ((OPEN, None), (RENEW, None), (REMARK, ADA), (CLOSE, None)):
        await Giver(another())(request, by=by)
    assert {commit.partition_key for commit in await all_commits(store, "loan-l1")} == {"ada"}
    await Giver(another())(SetLimitRequest(reader_id="ada", loans=2))
    assert [commit.partition_key for commit in await all_commits(store, "limit-ada")] == ["limit-ada"]


@pytest.mark.parametrize("roles", [(), ("guardian",), ("LEARNER",), ("system ",)], ids=str)
async def test_a_role_that_the_contract_does_not_name_is_denied(
    give: Giver, store: MemoryStore, roles: tuple[str, ...]
) -> None:
    with pytest.raises(Denied):
        await give(OPEN, by=Principal(TENANT, "mia", frozenset(roles)))
    assert await all_commits(store, "loan-l1") == []


async def test_a_caller_without_the_relation_is_denied_and_nothing_is_stored(give: Giver, store: MemoryStore) -> None:
    with pytest.raises(Denied, match="is for whoever it is about: ") as denied:
        await give(REMARK, by=someone("bob", "learner"))
    assert "ada" not in str(denied.value)
    assert "torn" not in str(denied.value)
    assert await all_commits(store, "loan-l1") == []


async def test_the_relay_is_woken_by_what_is_to_be_published_and_by_nothing_else(
    give: Giver, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(node.commands, "_committed", lambda: woken.append(1))
    await give(REMARK, by=ADA)
    assert woken == []
    await give(OPEN)
    await give(OPEN)
    assert woken == [1]


async def test_a_commit_says_who_when_and_as_part_of_what(give: Giver, store: MemoryStore) -> None:
    await give(OPEN, "k", correlation_id="correlation-1", causation_id="event-1")
    (commit,) = await all_commits(store, "loan-l1")
    assert (commit.id, commit.actor, commit.correlation_id, commit.causation_id) == (
        f"{TENANT}/k",
        "mia",
        "correlation-1",
        "event-1",
    )
    assert commit.at == NOON


async def test_a_mistake_in_a_decision_stores_nothing_and_the_stream_goes_on(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    with pytest.raises(DecisionFailed, match="mistake"):
        await give(RenewLoanRequest(loan_id="l1", days=UNLUCKY))
    assert (await give(RENEW)).version == 2


def _node(folder: Path, store: MemoryStore) -> Node:
    return process(folder, store, Hand())
