"""The API over a real socket: what is answered, and who is let in."""

from typing import Any

import grpc
import pytest
from eventkernel.client import CallFailed
from mentoring.common.v1.common_pb2 import CommandReply

from .library import (
    OPEN,
    RENEW,
    TENANT,
    CloseLoanRequest,
    GetReaderRequest,
    GetReaderResponse,
    OpenLoanRequest,
    ReadRemarksRequest,
    ReadRemarksResponse,
    RemarkOnLoanRequest,
    all_commits,
    told,
)
from .served import SECRET, Api, details


async def test_a_command_is_given_and_its_repeat_gets_the_same_reply(api: Api) -> None:
    await api.give(OPEN, "k1")
    first = await api.give(RENEW, "k2")
    await api.give(CloseLoanRequest(loan_id="l1"))
    assert await api.give(RENEW, "k2") == first
    assert told(first) == ("loan-l1", 2, ["loan-renewed"])


async def test_commands_without_a_key_are_different_commands(api: Api) -> None:
    await api.give(OPEN)
    await api.give(RENEW)
    assert (await api.give(RENEW)).version == 3


async def test_an_id_that_was_left_empty_is_given_the_same_one_for_the_same_key_and_caller(api: Api) -> None:
    unnamed = OpenLoanRequest(reader_id="ada")
    first = await api.give(unnamed, "k1")
    assert first.stream.removeprefix("loan-")
    assert await api.give(unnamed, "k1") == first
    assert (await api.give(unnamed, "k2")).stream != first.stream
    assert (await api.give(unnamed)).stream != (await api.give(unnamed)).stream
    assert (await api.give(OPEN, "k3")).stream == "loan-l1"


async def test_a_query_is_answered(api: Api) -> None:
    answer = await api.client().call(GetReaderRequest(reader_id="ada"), GetReaderResponse)
    assert (answer.opened, answer.days) == (0, 0)


@pytest.mark.parametrize(
    "request_",
    [OPEN, GetReaderRequest(reader_id="ada"), OpenLoanRequest(loan_id="!")],
    ids=["command", "query", "invalid"],
)
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", "token abc"])
async def test_without_a_good_token_nobody_is_let_in_or_told_anything(api: Api, request_: Any, given: str) -> None:
    error = await api.raw(request_, **({"authorization": given} if given else {}))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert str(details(error)["reason"]).startswith("TOKEN_")
    assert "BadRequest" not in details(error)
    assert await all_commits(api.store, "loan-l1") == []


async def test_an_rpc_that_the_contract_does_not_have_is_not_served(api: Api) -> None:
    call: Any = api.channel.unary_unary("/sample.library.v1.LibraryService/BurnLoan")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call(b"", metadata=[("authorization", f"Bearer {api.token()}")])
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_role_or_a_relation_that_is_missing_is_denied_for_commands_and_queries(api: Api) -> None:
    remark = RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=SECRET)
    cases: list[tuple[Any, Any, tuple[str, ...]]] = [
        (OPEN, CommandReply, ("mia", "guardian")),
        (GetReaderRequest(reader_id="ada"), GetReaderResponse, ("mia", "guardian")),
        (remark, CommandReply, ("bob", "learner")),
        (ReadRemarksRequest(loan_id="l1", reader_id="ada"), ReadRemarksResponse, ("bob", "learner")),
    ]
    for request, answer, who in cases:
        with pytest.raises(CallFailed) as failed:
            await api.client(*who).call(request, answer)
        assert (failed.value.status, failed.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED")
        assert "ada" not in failed.value.text
    assert await all_commits(api.store, "loan-l1") == []
    assert await api.store.access_log.about(TENANT, "ada") == []


async def test_who_may_reads_a_sealed_text_and_it_is_on_the_record(api: Api) -> None:
    ada = api.client("ada", "learner")
    await ada.call(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=SECRET), CommandReply)
    answer = await ada.call(
        ReadRemarksRequest(loan_id="l1", reader_id="ada"), ReadRemarksResponse, correlation_id="reading-1"
    )
    assert list(answer.texts) == [SECRET]
    (entry,) = await api.store.access_log.about(TENANT, "ada")
    assert (entry.actor, entry.correlation_id) == ("ada", "reading-1")
