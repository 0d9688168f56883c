"""What every failure is to a caller over a real socket, that none tells more than it should, and that none loses or doubles."""

import asyncio
from typing import Any

import grpc
import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.client import CallFailed
from eventkernel.commands import Contended
from eventkernel.keys import KeyDestroyed
from eventkernel.ports import StoreUnavailable
from eventkernel.reading import Behind, TooMany
from eventkernel.sealing import Tampered
from eventkernel.store.grouping import Closed, Overloaded
from mentoring.common.v1.common_pb2 import CommandReply

from .library import (
    OPEN,
    RENEW,
    GetReaderRequest,
    GetReaderResponse,
    OpenLoanRequest,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    told,
    versions,
)
from .served import SECRET, Api, details


async def test_a_read_that_is_behind_says_so_before_its_deadline(api: Api) -> None:
    reply = await api.give(OPEN)
    with pytest.raises(CallFailed) as failed:
        await api.client().call(
            GetReaderRequest(reader_id="ada"), GetReaderResponse, after=f"{reply.stream}@{reply.version}", seconds=2.0
        )
    assert (failed.value.status, failed.value.reason) == (grpc.StatusCode.UNAVAILABLE, "READ_BEHIND")


FAULTS: list[tuple[Exception, grpc.StatusCode, str, bool]] = [
    (Refusal("LOAN_CLOSED", "no", field="loan_id"), grpc.StatusCode.FAILED_PRECONDITION, "LOAN_CLOSED", False),
    (NotYet("LOAN_UNKNOWN", "not yet"), grpc.StatusCode.FAILED_PRECONDITION, "LOAN_UNKNOWN", True),
    (Denied("no"), grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED", False),
    (KeyDestroyed("ada"), grpc.StatusCode.FAILED_PRECONDITION, "PERSON_ERASED", False),
    (Behind("behind"), grpc.StatusCode.UNAVAILABLE, "READ_BEHIND", True),
    (TooMany("too many"), grpc.StatusCode.FAILED_PRECONDITION, "TOO_MANY_DOCUMENTS", False),
    (Contended("contended"), grpc.StatusCode.ABORTED, "CONTENDED", True),
    (Overloaded("overloaded"), grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", True),
    (Closed("closed"), grpc.StatusCode.UNAVAILABLE, "STOPPING", True),
    (StoreUnavailable(f"mongodb://me:{SECRET}@db"), grpc.StatusCode.UNAVAILABLE, "STORE_UNREACHABLE", True),
    (Tampered(SECRET), grpc.StatusCode.INTERNAL, "INTERNAL", False),
    (RuntimeError(SECRET), grpc.StatusCode.INTERNAL, "INTERNAL", False),
    (ExceptionGroup(SECRET, [ValueError(SECRET)]), grpc.StatusCode.INTERNAL, "INTERNAL", False),
]


@pytest.mark.calls_at_once(2)
async def test_more_calls_than_are_taken_at_once_are_told_to_come_again_and_lose_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()
    append, append_one = api.store.commits.append, api.node.appends.append_one

    async def held_up(commits: Any) -> Any:
        await go_on.wait()
        return await append(commits)

    async def counted(commit: Any) -> Any:
        arrived.release()
        return await append_one(commit)

    monkeypatch.setattr(api.store.commits, "append", held_up)
    monkeypatch.setattr(api.node.appends, "append_one", counted)
    waiting = [
        asyncio.create_task(api.give(OpenLoanRequest(loan_id=f"l{number}", reader_id="ada"), key=f"k{number}"))
        for number in range(2)
    ]
    async with asyncio.timeout(20):
        for _ in waiting:
            await arrived.acquire()
    third = OpenLoanRequest(loan_id="l3", reader_id="ada")
    error = await api.raw(third, authorization=f"Bearer {api.token()}", idempotency_key="k3")
    assert (error.code(), details(error)["reason"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert details(error)["RetryInfo"].retry_delay.seconds == 1
    go_on.set()
    assert [reply.version for reply in await asyncio.gather(*waiting)] == [1, 1]
    assert (await api.give(third, key="k3")).version == 1


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: type(case[0]).__name__)
async def test_each_failure_has_its_status_reason_and_details(
    api: Api, monkeypatch: pytest.MonkeyPatch, case: tuple[Exception, grpc.StatusCode, str, bool]
) -> None:
    raised, status, reason, retry = case

    async def fail(_: Any) -> CommandReply:
        raise raised

    monkeypatch.setattr(api.node.commands, "give", fail)
    error = await api.raw(OPEN, authorization=f"Bearer {api.token()}")
    found = details(error)
    number: Any = status.value
    assert (error.code(), found["reason"], found["code"]) == (status, reason, number[0])
    assert (found["ErrorInfo"].reason, found["ErrorInfo"].domain) == (reason, "sample.library.v1")
    assert ("RetryInfo" in found) == retry
    assert found["message"] == error.details() != ""
    assert ("BadRequest" in found) == bool(getattr(raised, "field", ""))
    assert SECRET not in repr(error) + repr(found)
    assert "ada" not in str(error.details())


async def test_a_refusal_names_the_field_that_is_at_fault(api: Api) -> None:
    await api.give(SetLimitRequest(reader_id="ada", loans=0))
    with pytest.raises(CallFailed) as failed:
        await api.give(OPEN)
    assert (failed.value.status, failed.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_REACHED")
    assert failed.value.fields == {"reader_id": "the reader may have no more loans"}


async def test_a_key_that_was_used_for_another_request_is_refused(api: Api) -> None:
    await api.give(OPEN, "k1")
    with pytest.raises(CallFailed) as failed:
        await api.give(OpenLoanRequest(loan_id="l1", reader_id="bob"), "k1")
    assert failed.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_mistake_in_a_decision_tells_the_caller_nothing_of_itself(api: Api) -> None:
    await api.give(OPEN)
    wrong = RenewLoanRequest(loan_id="l1", days=13)
    error = await api.raw(wrong, authorization=f"Bearer {api.token()}", correlation_id="cor-7")
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "correlation id cor-7" in (error.details() or "")
    assert "mistake" not in repr(error)
    assert (await api.give(RENEW)).version == 2


@pytest.mark.parametrize("moment", ["before it is stored", "after it is stored"])
async def test_a_caller_that_goes_away_in_the_middle_of_a_commit_loses_and_doubles_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    await api.give(OPEN)
    append, storing, go_on = api.store.commits.append, asyncio.Event(), asyncio.Event()

    async def slow(commits: Any) -> Any:
        if moment == "after it is stored":
            outcomes = await append(commits)
            storing.set()
            await go_on.wait()
            return outcomes
        storing.set()
        await go_on.wait()
        return await append(commits)

    with monkeypatch.context() as patch:
        patch.setattr(api.store.commits, "append", slow)
        call = asyncio.create_task(api.give(RENEW, "k1"))
        await storing.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.02)
        go_on.set()
    first = await api.give(RENEW, "k1")
    assert await api.give(RENEW, "k1") == first
    assert versions(await all_commits(api.store, "loan-l1")) == [1, 2]
    assert (await api.give(RENEW, "k2")).version == 3


async def test_a_deadline_that_passes_leaves_it_open_and_the_repeat_settles_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.give(OPEN)
    append, go_on = api.store.commits.append, asyncio.Event()

    async def slow(commits: Any) -> Any:
        outcomes = await append(commits)
        await go_on.wait()
        return outcomes

    with monkeypatch.context() as patch:
        patch.setattr(api.store.commits, "append", slow)
        with pytest.raises(CallFailed) as failed:
            await api.give(RENEW, "k1", seconds=0.2)
        go_on.set()
    assert failed.value.status is grpc.StatusCode.DEADLINE_EXCEEDED
    assert told(await api.give(RENEW, "k1")) == ("loan-l1", 2, ["loan-renewed"])
