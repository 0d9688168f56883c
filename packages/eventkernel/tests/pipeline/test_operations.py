"""The operations RPC over a real socket: who may see and do what, and that nothing it tells says anything of a person."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventkernel.client import CallFailed, Client
from eventkernel.issuer import LocalIssuer
from eventkernel.messages import Commit, ParkedRecord, StoredEvent
from eventkernel.node import Node
from eventkernel.operations.contract import CONTRACT as OPERATIONS
from eventkernel.operations.shown import content, reason
from eventkernel.placement import slot_of
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.operations.v1 import operations_pb2 as pb

from .library import (
    CONTRACT,
    NOON,
    TENANT,
    CloseLoanRequest,
    ExpireLoanRequest,
    Hand,
    LoanOpened,
    LoanRemarked,
    OpenLoanRequest,
    SendReminderRequest,
    SetLimitRequest,
)

OTHER = "provider-2"
PLATFORM = "operations"
READERS = "library.readers.v1"
SECRET = "she-told-me"


def parked(
    offset: int, stream: str = "loan-l1", *, tenant: str = TENANT, event: Message | None = None, **changed: Any
) -> ParkedRecord:
    event = event or LoanOpened(loan_id="l1", reader_id="ada")
    headers = {
        "ce_type": CONTRACT.of(event).type, "ce_sequence": str(offset + 1), "ce_subject": stream, "ce_tenant": tenant,
        "x-secret": SECRET,
    }  # fmt: skip
    record = ParkedRecord(
        subscription=READERS, tenant=tenant, stream=stream, topic="sample.library.v1", partition=0, offset=offset, key=b"ada",
        value=event.SerializeToString(), headers=tuple((name, value.encode()) for name, value in headers.items()),
        reason=f"HANDLER_FAILED: LookupError: {SECRET}", attempts=1, at=NOON,
    )  # fmt: skip
    return replace(record, **changed)


class Ops:
    """A running process, and operators of it."""

    def __init__(self, store: MemoryStore, channel: grpc.aio.Channel, issuer: LocalIssuer) -> None:
        self.store, self._channel, self._issuer = store, channel, issuer

    def client(self, tenant: str, role: str = "operator") -> Client:
        return Client(self._channel, OPERATIONS, self._issuer.token("olga", tenant, [role]))

    async def call(self, request: Message, answer: Any, tenant: str = TENANT, role: str = "operator") -> Any:
        return await self.client(tenant, role).call(request, answer)

    async def listed(self, tenant: str = TENANT) -> list[int]:
        found = await self.call(pb.ListParkedRequest(), pb.ListParkedResponse, tenant)
        return [record.offset for record in found.records]

    async def replay(self, tenant: str = TENANT, **given: Any) -> Any:
        given = {"reason": "mended"} | given
        request = pb.ReplayParkedRequest(selection=given.pop("selection"), **given)
        return await self.call(request, pb.ReplayParkedResponse, tenant)

    async def discard(self, tenant: str = TENANT, **given: Any) -> Any:
        request = pb.DiscardParkedRequest(selection=given.pop("selection"), **given)
        return await self.call(request, pb.DiscardParkedResponse, tenant)


@pytest.fixture
async def ops(
    another: Callable[..., Node], store: MemoryStore, tmp_path: Path, free_port: Callable[[], int]
) -> AsyncIterator[Ops]:
    issuer = LocalIssuer(tmp_path, "local", issuer="mentorstream", audience="mentorstream")
    address = f"127.0.0.1:{free_port()}"
    node = another(
        grpc_address=address, health_address=f"127.0.0.1:{free_port()}", operations_tenant=PLATFORM, roles="api"
    )  # fmt: skip
    await node.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield Ops(store, channel, issuer)
    await node.stop()


def one(record: ParkedRecord) -> pb.Selection:
    return pb.Selection(record_id=record.id)


def stream(name: str = "loan-l1", **more: str) -> pb.Selection:
    return pb.Selection(stream=pb.StreamSelection(subscription=READERS, stream=name, **more))


ALL = pb.Selection(everything=True)


async def failure(call: Any) -> str:
    with pytest.raises(CallFailed) as failed:
        await call
    return failed.value.reason


# --- who may ----------------------------------------------------------------------------------------------------------------

EVERY_CALL = [
    (pb.ListParkedRequest(), pb.ListParkedResponse),
    (pb.ShowParkedRequest(record_id="a"), pb.ShowParkedResponse),
    (pb.ReplayParkedRequest(selection=ALL, dry_run=True), pb.ReplayParkedResponse),
    (pb.DiscardParkedRequest(selection=ALL, dry_run=True), pb.DiscardParkedResponse),
    (pb.ListActsRequest(), pb.ListActsResponse),
    (pb.GetRelayStatusRequest(), pb.GetRelayStatusResponse),
]
FOR_ALL_TENANTS = [call for call in EVERY_CALL if isinstance(call[0], pb.GetRelayStatusRequest)]


@pytest.mark.parametrize(("request_", "answer"), EVERY_CALL, ids=lambda part: getattr(part, "__name__", None))
async def test_nobody_but_an_operator_is_let_in(ops: Ops, request_: Any, answer: Any) -> None:
    await ops.store.parked.park([parked(1)])
    for tenant in (TENANT, PLATFORM):
        assert await failure(ops.call(request_, answer, tenant, "provider_manager")) == "NOT_ALLOWED"


@pytest.mark.parametrize(("request_", "answer"), FOR_ALL_TENANTS, ids=lambda part: getattr(part, "__name__", None))
async def test_what_spans_tenants_is_for_operators_of_the_platform(ops: Ops, request_: Any, answer: Any) -> None:
    assert await failure(ops.call(request_, answer)) == "NOT_ALLOWED"
    await ops.call(request_, answer, PLATFORM)


async def test_an_operator_sees_and_touches_one_tenants_records(ops: Ops) -> None:
    mine, theirs, nobodys = parked(1), parked(2, tenant=OTHER), parked(3, "unknown:t/0/3", tenant="")
    await ops.store.parked.park([mine, theirs, nobodys])
    assert await ops.listed() == [1]
    assert await ops.listed(PLATFORM) == [1, 2, 3]
    assert await ops.listed("provider-3") == []
    for request in (
        ops.call(pb.ShowParkedRequest(record_id=theirs.id), pb.ShowParkedResponse),
        ops.replay(selection=one(theirs)),
        ops.discard(selection=one(nobodys), dry_run=True),
    ):
        assert await failure(request) == "RECORD_UNKNOWN"
    assert await failure(ops.replay(OTHER, selection=stream(tenant=TENANT))) == "NOTHING_PARKED"
    await ops.replay(selection=ALL)
    assert [record.asked is not None for record in await ops.store.parked.list()] == [True, False, False]


# --- what is told -----------------------------------------------------------------------------------------------------------


async def test_nothing_that_is_told_says_anything_of_a_person(ops: Ops) -> None:
    remark = LoanRemarked(
        loan_id="l1", reader_id="ada", text=Sealed(subject_id="ada", nonce=b"n" * 12, ciphertext=SECRET.encode())
    )
    record = parked(1, event=remark)
    await ops.store.parked.park([record])
    shown = await ops.call(pb.ShowParkedRequest(record_id=record.id), pb.ShowParkedResponse)
    listed = await ops.call(pb.ListParkedRequest(), pb.ListParkedResponse)
    for told in (str(shown), str(listed)):
        assert SECRET not in told
        assert "ada" not in told
    assert '"text": "[sealed]"' in shown.content
    assert '"reader_id": "[person]"' in shown.content
    assert '"loan_id": "l1"' in shown.content
    assert listed.records[0].reason == "HANDLER_FAILED: LookupError"
    assert "x-secret" in shown.header_names


async def test_a_due_request_is_shown_without_its_confidential_text() -> None:
    request = CloseLoanRequest(loan_id="l1", reasons=[{"text": SECRET}])
    record = parked(0, "row-1", topic="sample.library.v1.CloseLoanRequest/row-1", value=request.SerializeToString())
    shown = content(record, CONTRACT)
    assert SECRET not in shown
    assert "[confidential]" in shown


def test_of_a_due_request_no_text_is_shown_but_the_id_of_its_stream() -> None:
    opens = OpenLoanRequest(
        loan_id="l1", reader_id="ada", copies=[{"copy_id": SECRET}], by_shelf={SECRET: {"copy_id": SECRET}}
    )
    limit = SetLimitRequest(reader_id="ada", loans=3)
    reminder = SendReminderRequest(loan_id="l1", text=SECRET)
    ends = ExpireLoanRequest(loan_id="l1", ends_at={"seconds": 1})
    assert [_due(request) for request in (opens, limit, reminder, ends)] == [
        {
            "loan_id": "l1",
            "reader_id": "[person]",
            "copies": [{"copy_id": "[text]"}],
            "by_shelf": [{"copy_id": "[text]"}],
        },
        {"reader_id": "[person]", "loans": 3},
        {"loan_id": "l1", "text": "[text]"},
        {"loan_id": "l1", "ends_at": "1970-01-01T00:00:01Z"},
    ]


def _due(request: Message) -> Any:
    record = parked(0, "row-1", topic=f"{request.DESCRIPTOR.full_name}/row-1", value=request.SerializeToString())
    return json.loads(content(record, CONTRACT))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("LOAN_CLOSED: a closed loan is not renewed", "LOAN_CLOSED"),
        ("HANDLER_FAILED: ValidationError: input_value='Ada is ill'", "HANDLER_FAILED: ValidationError"),
        ("HANDLER_FAILED: Ada is ill", "HANDLER_FAILED"),
        ("UNKNOWN_EVENT_TYPE: sample.library.loan-lost", "UNKNOWN_EVENT_TYPE: sample.library.loan-lost"),
        ("UNKNOWN_EVENT_TYPE: Ada is ill", "UNKNOWN_EVENT_TYPE"),
        ("MALFORMED_RECORD: ce_time is 'Ada', not a time", "MALFORMED_RECORD"),
        ("Ada is ill", "[unreadable]"),
    ],
)
def test_a_reason_tells_its_code_and_the_kind_of_error_alone(text: str, told: str) -> None:
    assert reason(text) == told


async def test_names_that_are_none_are_not_told(ops: Ops) -> None:
    await ops.store.parked.park([parked(1, "Ada is ill!", headers=(("ce_type", b"Ada is ill"), ("Ada\x00", b"")))])
    listed = await ops.call(pb.ListParkedRequest(), pb.ListParkedResponse)
    (record,) = listed.records
    assert (record.stream, record.event_type, record.version) == ("[unreadable]", "", 0)
    shown = await ops.call(pb.ShowParkedRequest(record_id=record.id), pb.ShowParkedResponse)
    assert list(shown.header_names) == ["ce_type"]
    assert shown.content == ""


async def test_a_list_says_that_there_is_more(ops: Ops) -> None:
    await ops.store.parked.park([parked(number) for number in range(3)])
    listed = await ops.call(pb.ListParkedRequest(limit=2), pb.ListParkedResponse)
    assert ([record.offset for record in listed.records], listed.more) == ([0, 1], True)
    listed = await ops.call(pb.ListParkedRequest(limit=3), pb.ListParkedResponse)
    assert not listed.more


# --- what is asked ----------------------------------------------------------------------------------------------------------


async def test_a_dry_run_changes_nothing_and_is_no_act(ops: Ops) -> None:
    await ops.store.parked.park([parked(1), parked(2)])
    told = await ops.replay(selection=stream(), dry_run=True, reason="")
    assert [record.offset for record in told.records] == [1, 2]
    await ops.discard(selection=stream(), dry_run=True)
    assert await ops.store.parked.asked() == frozenset()
    assert await ops.store.acts.newest(None, 10) == []


@pytest.mark.parametrize("given", ["", "  "])
async def test_without_a_reason_nothing_is_asked(ops: Ops, given: str) -> None:
    await ops.store.parked.park([parked(1)])
    seen = (await ops.discard(selection=ALL, dry_run=True)).seen
    assert await failure(ops.replay(selection=ALL, reason=given)) == "REASON_NEEDED"
    assert await failure(ops.discard(selection=ALL, reason=given, seen=seen)) == "REASON_NEEDED"
    assert await ops.store.parked.asked() == frozenset()


async def test_who_asked_what_and_why_is_kept_before_it_is_asked(
    ops: Ops, monkeypatch: pytest.MonkeyPatch, clock: Hand
) -> None:
    await ops.store.parked.park([parked(1), parked(2), parked(3, tenant=OTHER)])

    async def away(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(ops.store.parked, "ask", away)
    assert await failure(ops.replay(selection=ALL, reason=" mended ")) == "INTERNAL"
    (act,) = await ops.store.acts.newest(None, 10)
    assert (act.tenant, act.actor, act.action, act.reason) == (TENANT, "olga", "parked replay", "mended")
    assert act.records == (parked(1).id, parked(2).id)
    told = await ops.call(pb.ListActsRequest(), pb.ListActsResponse)
    assert [(told_.reason, told_.records) for told_ in told.acts] == [("mended", 2)]
    assert (await ops.call(pb.ListActsRequest(), pb.ListActsResponse, OTHER)).acts == []


async def test_one_record_is_asked_for_alone_and_a_stream_with_what_follows(ops: Ops) -> None:
    await ops.store.parked.park([parked(1), parked(2)])
    assert await failure(ops.replay(selection=one(parked(2)))) == "NOT_FIRST_OF_STREAM"
    await ops.replay(selection=one(parked(1)))
    await ops.replay(selection=stream())
    asked = [record.asked for record in await ops.store.parked.list()]
    assert [(found.onwards, found.discard) for found in asked if found] == [(False, False), (True, False)]
    assert await failure(ops.replay(selection=ALL)) == "ALREADY_ASKED"


async def test_only_what_a_dry_run_showed_is_discarded(ops: Ops) -> None:
    await ops.store.parked.park([parked(1), parked(2)])
    assert await failure(ops.discard(selection=stream(), reason="broken")) == "DRY_RUN_FIRST"
    dry = await ops.discard(selection=stream(), dry_run=True)
    await ops.store.parked.park([parked(3)])
    assert await failure(ops.discard(selection=stream(), reason="broken", seen=dry.seen)) == "SELECTION_CHANGED"
    dry = await ops.discard(selection=one(parked(1)), dry_run=True)
    assert dry.followers == 2
    await ops.discard(selection=one(parked(1)), reason="broken", seen=dry.seen)
    asked = [record.asked for record in await ops.store.parked.list()]
    assert [found and found.discard for found in asked] == [True, None, None]


async def test_streams_of_one_name_are_told_apart(ops: Ops) -> None:
    await ops.store.parked.park([parked(1), parked(2, topic="sample.shop.v1"), parked(3, tenant=OTHER)])
    assert await failure(ops.replay(selection=stream())) == "STREAM_AMBIGUOUS"
    told = await ops.replay(selection=stream(topic="sample.shop.v1"))
    assert [record.offset for record in told.records] == [2]


async def test_a_selection_of_nothing_is_not_valid(ops: Ops) -> None:
    assert await failure(ops.replay(selection=pb.Selection())) == "REQUEST_INVALID"
    assert await failure(ops.call(pb.ReplayParkedRequest(reason="x"), pb.ReplayParkedResponse)) == "REQUEST_INVALID"
    assert await failure(ops.replay(selection=ALL)) == "NOTHING_PARKED"


# --- the relay --------------------------------------------------------------------------------------------------------------


async def test_the_relays_slots_are_told_with_who_holds_them_and_what_waits(ops: Ops, clock: Hand) -> None:
    event = StoredEvent("e1", "sample.library.loan-opened", 1, b"", published=True)
    await ops.store.commits.append([Commit("p/1", TENANT, "loan-l1", (event,), "ada", NOON, "mia", 1)])
    await ops.store.leases.acquire("relay-0", "host-1", clock(), timedelta(seconds=10))
    await ops.store.leases.acquire("relay-1", "host-2", clock(), timedelta(seconds=1))
    clock.on(5)
    told = (await ops.call(pb.GetRelayStatusRequest(), pb.GetRelayStatusResponse, PLATFORM)).slots
    assert [slot.holder for slot in told] == ["host-1", "", "", ""]
    waiting = {slot.slot: (slot.pending, slot.oldest_seconds) for slot in told if slot.pending}
    assert waiting == {slot_of("ada"): (1, 5.0)}


async def test_the_contract_of_operations_is_reflected_and_complete() -> None:
    assert OPERATIONS.faults() == []
    assert all(call.roles == {"operator"} for call in OPERATIONS.calls.values())
    assert OpenLoanRequest not in OPERATIONS.queries
