"""Commands: what was answered is answered again, what was acknowledged is kept, and no old state decides for good."""

import asyncio
from collections.abc import Callable
from dataclasses import make_dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.commands import Contended, DecisionFailed, Order
from eventkernel.keys import DataKeys, KeyFile
from eventkernel.messages import Appended, Principal
from eventkernel.node import Node
from eventkernel.states import States
from eventkernel.store.memory import MemoryStore

from .conftest import Giver
from .library import (
    CONTRACT,
    FROZEN,
    NOON,
    TENANT,
    UNLUCKY,
    CloseLoanRequest,
    Hand,
    LoanRemarked,
    OpenLoanRequest,
    RemarkOnLoanRequest,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    build,
    is_self,
    loan,
    process,
    someone,
    told,
    versions,
)

OPEN = OpenLoanRequest(loan_id="l1", reader_id="ada")
RENEW = RenewLoanRequest(loan_id="l1", days=7)
CLOSE = CloseLoanRequest(loan_id="l1")
REMARK = RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text="a torn page")
ADA = someone("ada", "learner")


async def test_a_repeated_key_gives_the_first_reply_after_the_stream_moved_on(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    first = await give(RENEW, "mine")
    await give(RENEW)
    await give(CLOSE)
    assert await give(RENEW, "mine") == first
    assert told(first) == ("loan-l1", 2, ["loan-renewed"])
    assert versions(await all_commits(store, "loan-l1")) == [1, 2, 3, 4]


async def test_a_repeat_that_would_be_refused_now_gives_the_first_reply(give: Giver) -> None:
    await give(OPEN)
    first = await give(RENEW, "mine")
    await give(CLOSE)
    with pytest.raises(Refusal, match="closed"):
        await give(RENEW, "another")
    assert await give(RENEW, "mine") == first


async def test_a_repeat_whose_relation_ended_gives_the_first_reply(another: Callable[..., Node]) -> None:
    related = [True]

    async def relation(ask: Any) -> bool:
        return related[0] and await is_self(ask)

    give = Giver(another(service=build(relations={"self": relation, "self_or_mentor": relation})))
    first = await give(REMARK, "mine", ADA)
    related[0] = False
    assert await give(REMARK, "mine", ADA) == first
    with pytest.raises(Denied):
        await give(REMARK, "another", ADA)


async def test_a_repeat_after_the_person_was_erased_gives_the_first_reply(
    give: Giver, store: MemoryStore, tmp_path: Path, another: Callable[..., Node]
) -> None:
    first = await give(REMARK, "mine", ADA)
    await DataKeys(store.keys, KeyFile(tmp_path / "key")).destroy(TENANT, "ada")
    restarted = Giver(another())
    assert await restarted(REMARK, "mine", ADA) == first
    with pytest.raises(Refusal) as refused:
        await restarted(REMARK, "another", ADA)
    assert refused.value.code == "PERSON_ERASED"
    assert len(await all_commits(store, "loan-l1")) == 1


async def test_twenty_calls_with_one_key_at_once_are_one_commit_and_one_reply(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    replies = await asyncio.gather(*(give(RENEW, "mine") for _ in range(20)))
    assert all(reply == replies[0] for reply in replies)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_one_key_at_once_from_two_processes_is_one_commit_and_one_reply(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    first, second = Giver(another()), Giver(another())
    await first(OPEN)
    replies = await asyncio.gather(*((first, second)[number % 2](RENEW, "mine") for number in range(20)))
    assert all(reply == replies[0] for reply in replies)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


@pytest.mark.parametrize(
    ("request_", "by"),
    [
        (RenewLoanRequest(loan_id="l1", days=8), someone()),
        (RENEW, someone("moe")),
        (CLOSE, someone()),
        (RenewLoanRequest(loan_id="l2", days=7), someone()),
    ],
    ids=["another request", "another actor", "another command", "another stream"],
)
async def test_a_key_that_was_used_for_another_request_is_refused(
    give: Giver, store: MemoryStore, request_: Any, by: Principal
) -> None:
    await give(OPEN)
    await give(OpenLoanRequest(loan_id="l2", reader_id="ada"))
    await give(RENEW, "mine")
    with pytest.raises(Refusal) as refused:
        await give(request_, "mine", by)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_a_key_is_not_taken_for_a_repeat_by_another_call_whose_request_has_the_same_bytes(give: Giver) -> None:
    renew, close = RenewLoanRequest(loan_id="l1"), CloseLoanRequest(loan_id="l1")
    assert renew.SerializeToString() == close.SerializeToString()
    await give(OPEN)
    await give(renew, "mine")
    with pytest.raises(Refusal) as refused:
        await give(close, "mine")
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


async def test_the_same_key_and_stream_of_another_tenant_are_wholly_separate(give: Giver, store: MemoryStore) -> None:
    other = someone(tenant="provider-2")
    await give(OPEN, "mine")
    await give(replace_reader(OPEN, "bob"), "mine", other)
    await give(RENEW, "second")
    await give(RENEW, "third", other)
    assert [commit.id for commit in await all_commits(store, "loan-l1")] == [f"{TENANT}/mine", f"{TENANT}/second"]
    assert [commit.id for commit in await all_commits(store, "loan-l1", "provider-2")] == [
        "provider-2/mine",
        "provider-2/third",
    ]


async def test_nobody_can_take_the_key_of_a_command_that_the_platform_will_give(give: Giver) -> None:
    """Such keys follow from event ids, and those from a caller's own key: whoever raises something could silence what follows."""
    system = Principal.system(TENANT)
    await give(OPEN)
    await give(RENEW, "derived-key")
    assert told(await give(RENEW, "derived-key", system)) == ("loan-l1", 3, ["loan-renewed"])
    assert told(await give(RENEW, "derived-key", system)) == ("loan-l1", 3, ["loan-renewed"])


async def test_an_old_cached_state_never_refuses(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    raised = SetLimitRequest(reader_id="ada", loans=FROZEN + 1)
    await here(SetLimitRequest(reader_id="ada", loans=FROZEN))
    with pytest.raises(Refusal):
        await here(raised)
    await there(SetLimitRequest(reader_id="ada", loans=1))
    assert (await here(raised)).version == 3


async def test_a_stream_that_was_not_there_yet_is_looked_for_again(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    with pytest.raises(Refusal):
        await here(RENEW)
    await there(OPEN)
    assert told(await here(RENEW)) == ("loan-l1", 2, ["loan-renewed"])


async def test_an_old_cached_state_never_lets_through_what_the_store_refuses(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(CLOSE)
    with pytest.raises(Refusal):
        await here(RENEW)
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


async def test_what_an_old_cached_state_finds_done_is_asked_of_the_store(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(RENEW)
    unchanged = await here(OPEN)
    assert told(unchanged) == ("loan-l1", 2, [])
    assert unchanged.published_version == 2


async def test_the_streams_beside_are_read_as_they_are_stored(another: Callable[..., Node]) -> None:
    here, there = Giver(another()), Giver(another())
    await here(OPEN)
    await there(SetLimitRequest(reader_id="ada", loans=0))
    with pytest.raises(Refusal) as refused:
        await here(OpenLoanRequest(loan_id="l2", reader_id="ada"))
    assert (refused.value.code, refused.value.field) == ("LIMIT_REACHED", "reader_id")
    await there(SetLimitRequest(reader_id="ada", loans=1))
    assert (await here(OpenLoanRequest(loan_id="l2", reader_id="ada"))).version == 1


async def test_fifty_commands_of_one_process_on_one_stream_are_all_done(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    replies = await asyncio.gather(*(give(RENEW) for _ in range(50)))
    assert sorted(reply.version for reply in replies) == list(range(2, 52))
    assert versions(await all_commits(store, "loan-l1")) == list(range(1, 52))


async def test_fifty_commands_of_two_processes_on_one_stream_lose_none_and_leave_no_gap(
    another: Callable[..., Node], store: MemoryStore
) -> None:
    processes = Giver(another()), Giver(another())
    await processes[0](OPEN)

    async def insist(number: int) -> int:
        while True:
            try:
                reply = await processes[number % 2](RenewLoanRequest(loan_id="l1", days=number + 100), f"k{number}")
            except Contended:
                continue
            return int(reply.version)

    acknowledged = await asyncio.gather(*(insist(number) for number in range(50)))
    commits = await all_commits(store, "loan-l1")
    assert versions(commits) == list(range(1, 52))
    stored = {commit.id.removeprefix(f"{TENANT}/"): commit.version for commit in commits[1:]}
    assert stored == {f"k{number}": version for number, version in enumerate(acknowledged)}
    assert (await another().reader(someone()).state(loan, "loan-l1")).days == sum(range(100, 150))


async def test_a_stream_that_others_always_win_is_given_up_after_bounded_tries(
    give: Giver, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def conflict(_commit: Any) -> Appended:
        nonlocal tries
        tries += 1
        return Appended.CONFLICT

    await give(OPEN)
    monkeypatch.setattr(node.appends, "append_one", conflict)
    with pytest.raises(Contended, match="same idempotency key"):
        await give(RENEW)
    assert 2 <= tries <= 50


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


@pytest.mark.parametrize("stored", [False, True], ids=["before it was stored", "after it was stored"])
async def test_a_store_that_fails_leaves_nothing_twice(
    give: Giver, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    await give(OPEN)
    append = store.commits.append

    async def fail(commits: Any) -> Any:
        if stored:
            await append(commits)
        raise ConnectionError("the store went away")

    with monkeypatch.context() as patch:
        patch.setattr(store.commits, "append", fail)
        with pytest.raises(ConnectionError):
            await give(RENEW, "mine")
    assert told(await give(RENEW, "mine")) == ("loan-l1", 2, ["loan-renewed"])
    assert versions(await all_commits(store, "loan-l1")) == [1, 2]


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


def replace_reader(request: Any, reader_id: str) -> Any:
    changed = type(request)()
    changed.CopyFrom(request)
    changed.reader_id = reader_id
    return changed


def _node(folder: Path, store: MemoryStore) -> Node:
    return process(folder, store, Hand())


def test_an_order_is_named_within_its_tenant() -> None:
    assert Order(OPEN, someone(), "k").commit_id == f"{TENANT}/k"
    assert Order(OPEN, someone(tenant="provider-2"), "k").commit_id == "provider-2/k"
