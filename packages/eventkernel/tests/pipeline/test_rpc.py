"""The API over a real socket: who is let in, what every failure is to a caller, and that none tells more than it should."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel import tracing
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet, Refusal
from eventkernel.client import CallFailed, Client
from eventkernel.commands import Contended
from eventkernel.issuer import LocalIssuer
from eventkernel.keys import KeyDestroyed
from eventkernel.node import Node
from eventkernel.ports import StoreUnavailable
from eventkernel.reading import Behind, TooMany
from eventkernel.sealing import Tampered
from eventkernel.store.grouping import Closed, Overloaded
from eventkernel.store.memory import MemoryStore
from google.rpc import error_details_pb2, status_pb2
from mentoring.common.v1.common_pb2 import CommandReply
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from .library import (
    CONTRACT,
    TENANT,
    CloseLoanRequest,
    GetReaderRequest,
    GetReaderResponse,
    OpenLoanRequest,
    ReadRemarksRequest,
    ReadRemarksResponse,
    RemarkOnLoanRequest,
    RenewLoanRequest,
    SetLimitRequest,
    all_commits,
    told,
    versions,
)

OPEN = OpenLoanRequest(loan_id="l1", reader_id="ada")
RENEW = RenewLoanRequest(loan_id="l1", days=7)
SECRET = "she told me that"


class Api:
    """A running process, and callers of it."""

    def __init__(self, node: Node, store: MemoryStore, channel: grpc.aio.Channel, issuer: LocalIssuer) -> None:
        self.node, self.store, self.channel, self._issuer = node, store, channel, issuer

    def token(self, person_id: str = "mia", *roles: str, tenant: str = TENANT) -> str:
        return self._issuer.token(person_id, tenant, roles or ("mentor",))

    def client(self, person_id: str = "mia", *roles: str) -> Client:
        return Client(self.channel, CONTRACT, self.token(person_id, *roles))

    async def give(self, request: Any, key: str = "", **named: Any) -> CommandReply:
        return await self.client().call(request, CommandReply, key=key, **named)

    async def raw(self, request: Any, **metadata: str) -> grpc.aio.AioRpcError:
        """A call that fails, with the metadata as they are given."""
        contract = CONTRACT.commands.get(type(request)) or CONTRACT.queries[type(request)]
        call: Any = self.channel.unary_unary(
            contract.path,
            request_serializer=contract.request.SerializeToString,
            response_deserializer=contract.response.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(
                request, metadata=[(name.replace("_", "-"), value) for name, value in metadata.items()], timeout=20
            )
        return failed.value


def details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    trailers = {str(name): value for name, value in error.trailing_metadata() or ()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    found: dict[str, Any] = {"reason": trailers["reason"], "message": status.message, "code": status.code}
    for packed in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            detail = kind()
            if packed.Unpack(detail):
                found[kind.DESCRIPTOR.name] = detail
    return found


@pytest.fixture
async def api(
    another: Callable[..., Node],
    store: MemoryStore,
    tmp_path: Path,
    free_port: Callable[[], int],
    request: pytest.FixtureRequest,
) -> AsyncIterator[Api]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{free_port()}"
    marked = request.node.get_closest_marker("calls_at_once")
    limit = {"calls_at_once": marked.args[0]} if marked else {}
    node = another(grpc_address=address, health_address=f"127.0.0.1:{free_port()}", **limit)
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield Api(node, store, channel, issuer)
    await node.stop()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    return exporter


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


# --- who is let in ----------------------------------------------------------------------------------------------------------


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


# --- what is not valid ------------------------------------------------------------------------------------------------------


async def test_all_that_is_wrong_with_a_request_is_told_at_once_with_its_place(api: Api) -> None:
    wrong = OpenLoanRequest(
        loan_id="not this one", reader_id="no spaces please", copies=[{"copy_id": "fine"}, {"copy_id": "NOT FINE"}]
    )
    wrong.by_shelf["a"].copy_id = "X"
    error = await api.raw(wrong, authorization=f"Bearer {api.token()}")
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    fields = {violation.field for violation in found["BadRequest"].field_violations}
    assert fields == {"loan_id", "reader_id", "copies[1].copy_id", "by_shelf[a].copy_id"}
    assert all(field in (error.details() or "") for field in fields)
    with pytest.raises(CallFailed) as failed:
        await api.give(wrong)
    assert set(failed.value.fields) == fields


async def test_two_things_that_are_wrong_with_one_field_are_both_told(api: Api) -> None:
    with pytest.raises(CallFailed) as failed:
        await api.give(SetLimitRequest(reader_id="A"))
    (text,) = failed.value.fields.values()
    assert "3 characters" in text
    assert "pattern" in text


async def test_a_request_with_hundreds_of_faults_is_still_answered_with_what_is_wrong(api: Api) -> None:
    """Trailers are bounded: what does not fit would reach the caller as a transport error that says nothing."""
    error = await api.raw(
        OpenLoanRequest(loan_id="", reader_id="ada", copies=[{"copy_id": "NO"}] * 800),
        authorization=f"Bearer {api.token()}",
    )
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert len(found["BadRequest"].field_violations) >= 10
    assert "more" in str(error.details())


@pytest.mark.parametrize("key", ["", "a b", "a/b", "~a", "x" * 129, "<>"])
async def test_a_malformed_idempotency_key_is_refused_by_name(api: Api, key: str) -> None:
    error = await api.raw(OPEN, authorization=f"Bearer {api.token()}", idempotency_key=key)
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "METADATA_INVALID")
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["idempotency-key"]
    assert await all_commits(api.store, "loan-l1") == []


@pytest.mark.parametrize(
    "after", ["loan-l1", "loan-l1@", "@3", "loan-l1@x", "loan-l1@-1", "loan-l1@1@2", "l@" + "9" * 19]
)
async def test_a_malformed_read_after_is_refused_by_name(api: Api, after: str) -> None:
    error = await api.raw(GetReaderRequest(reader_id="ada"), authorization=f"Bearer {api.token()}", read_after=after)
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "METADATA_INVALID")
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["read-after"]


async def test_a_read_that_is_behind_says_so_before_its_deadline(api: Api) -> None:
    reply = await api.give(OPEN)
    with pytest.raises(CallFailed) as failed:
        await api.client().call(
            GetReaderRequest(reader_id="ada"), GetReaderResponse, after=f"{reply.stream}@{reply.version}", seconds=2.0
        )
    assert (failed.value.status, failed.value.reason) == (grpc.StatusCode.UNAVAILABLE, "READ_BEHIND")


# --- how a call ends that is not done ---------------------------------------------------------------------------------------

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
    await api.give(OPEN)
    await api.give(CloseLoanRequest(loan_id="l1"))
    with pytest.raises(CallFailed) as failed:
        await api.give(RENEW)
    assert (failed.value.status, failed.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LOAN_CLOSED")


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


# --- callers that go away ---------------------------------------------------------------------------------------------------


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


# --- traces -----------------------------------------------------------------------------------------------------------------


async def test_the_callers_correlation_id_is_kept_in_the_commit(api: Api) -> None:
    await api.give(OPEN, correlation_id="enrolment-7")
    await api.give(RENEW)
    first, second = await all_commits(api.store, "loan-l1")
    assert first.correlation_id == "enrolment-7"
    assert second.correlation_id not in ("", "enrolment-7")


async def test_the_callers_trace_goes_on_through_the_commit(api: Api, spans: InMemorySpanExporter) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await api.give(OPEN, traceparent=f"00-{trace}-{parent}-01")
    found = {span.name: span for span in spans.get_finished_spans()}
    server = found["OpenLoan"]
    assert server.kind is SpanKind.SERVER
    assert server.parent is not None
    assert format_span_id(server.parent.span_id) == parent
    assert {format_trace_id(span.context.trace_id) for span in found.values() if span.context} == {trace}
    assert {"OpenLoan", "decide", "commit"} <= set(found)
    (commit,) = await all_commits(api.store, "loan-l1")
    assert commit.traceparent.split("-")[1] == trace


@pytest.mark.parametrize("given", ["", "nonsense", "00-0-0-01"])
async def test_a_call_without_a_good_trace_begins_one(api: Api, spans: InMemorySpanExporter, given: str) -> None:
    await api.give(OPEN, traceparent=given)
    (server,) = [span for span in spans.get_finished_spans() if span.name == "OpenLoan"]
    assert server.parent is None


async def test_no_text_gets_into_a_span(api: Api, spans: InMemorySpanExporter) -> None:
    ada = api.client("ada", "learner")
    await ada.call(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=SECRET), CommandReply)
    await ada.call(ReadRemarksRequest(loan_id="l1", reader_id="ada"), ReadRemarksResponse)
    finished = spans.get_finished_spans()
    assert {"RemarkOnLoan", "ReadRemarks"} <= {span.name for span in finished}
    assert not any(SECRET in span.to_json() for span in finished)


async def test_what_a_mistake_in_a_decision_says_gets_into_no_span(api: Api, spans: InMemorySpanExporter) -> None:
    await api.give(OPEN)
    await api.raw(RenewLoanRequest(loan_id="l1", days=13), authorization=f"Bearer {api.token()}")
    assert "mistake" not in "".join(span.to_json() for span in spans.get_finished_spans())


async def test_a_failure_gets_into_a_span_by_its_code_alone(
    api: Api, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Any) -> CommandReply:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(api.node.commands, "give", fail)
    await api.raw(OPEN, authorization=f"Bearer {api.token()}")
    (server,) = [span for span in spans.get_finished_spans() if span.name == "OpenLoan"]
    assert (server.attributes or {})["fault"] == "INTERNAL"
    assert SECRET not in server.to_json()
