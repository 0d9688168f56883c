"""A small library for the kernel's own tests: compiled from `library.proto`, wired as any service is, over a store in memory."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord
from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from eventkernel.cloudevents import encode
from eventkernel.commands import Order
from eventkernel.contract import Contract
from eventkernel.following import Following
from eventkernel.messages import Commit, Metadata, Principal, StoredEvent, event_id
from eventkernel.node import Node
from eventkernel.projection import Projection
from eventkernel.reading import Ask, Reader
from eventkernel.service import Service
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Sealed
from pydantic import BaseModel

from ..compiled import compiled

TENANT = "provider-1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LIBRARY, SHOP = compiled(Path(__file__).with_name("library.proto"), Path(__file__).with_name("shop.proto"))

OpenLoanRequest = LIBRARY.messages["OpenLoanRequest"]
RenewLoanRequest = LIBRARY.messages["RenewLoanRequest"]
CloseLoanRequest = LIBRARY.messages["CloseLoanRequest"]
ExpireLoanRequest = LIBRARY.messages["ExpireLoanRequest"]
RemarkOnLoanRequest = LIBRARY.messages["RemarkOnLoanRequest"]
SetLimitRequest = LIBRARY.messages["SetLimitRequest"]
SendReminderRequest = LIBRARY.messages["SendReminderRequest"]
GetReaderRequest = LIBRARY.messages["GetReaderRequest"]
GetReaderResponse = LIBRARY.messages["GetReaderResponse"]
ReadRemarksRequest = LIBRARY.messages["ReadRemarksRequest"]
ReadRemarksResponse = LIBRARY.messages["ReadRemarksResponse"]
FollowLimitRequest = LIBRARY.messages["FollowLimitRequest"]
FollowLimitResponse = LIBRARY.messages["FollowLimitResponse"]
LoanOpened = LIBRARY.messages["LoanOpened"]
LoanRenewed = LIBRARY.messages["LoanRenewed"]
LoanRemarked = LIBRARY.messages["LoanRemarked"]
LoanClosed = LIBRARY.messages["LoanClosed"]
LoanReminded = LIBRARY.messages["LoanReminded"]
LimitSet = LIBRARY.messages["LimitSet"]
BookBought = SHOP.messages["BookBought"]

# A renewal by so many days is what a fold or a decision stumbles over; and one that a document cannot keep.
UNLUCKY = 13
TOO_MANY_FOR_A_DOCUMENT = 2**63 + 1
# A limit that is never raised.
FROZEN = 99


@dataclass(frozen=True)
class Loan:
    loan_id: str = ""
    reader_id: str = ""
    days: int = 0
    renewals: int = 0
    closed: bool = False
    reminders: int = 0


@dataclass(frozen=True)
class Limit:
    loans: int = 3


loan = Aggregate("loan", initial=Loan())
limit = Aggregate("limit", initial=Limit())


@loan.decide
def open_loan(state: Loan, command: OpenLoanRequest, context: Context) -> list[LoanOpened]:
    if state.loan_id:
        return []
    if context.state(Limit).loans == 0:
        raise Refusal("LIMIT_REACHED", "the reader may have no more loans", field="reader_id")
    return [LoanOpened(loan_id=command.loan_id, reader_id=command.reader_id)]


@loan.decide
def renew(state: Loan, command: RenewLoanRequest, context: Context) -> list[LoanRenewed]:
    """Every renewal adds: giving it twice would show."""
    if not state.loan_id:
        raise NotYet("LOAN_UNKNOWN", "this loan has not been heard of yet")
    if state.closed:
        raise Refusal("LOAN_CLOSED", "a closed loan is not renewed")
    if command.days == UNLUCKY:
        raise ArithmeticError("a mistake in the decision")
    return [LoanRenewed(loan_id=state.loan_id, reader_id=state.reader_id, days=command.days)]


@loan.decide
def close(state: Loan, command: CloseLoanRequest, context: Context) -> list[LoanClosed]:
    return [] if state.closed else [LoanClosed(loan_id=command.loan_id, reader_id=state.reader_id)]


@loan.decide
def expire(state: Loan, command: ExpireLoanRequest, context: Context) -> list[LoanClosed]:
    ends_at = datetime.fromtimestamp(command.ends_at.seconds, UTC) + timedelta(
        microseconds=command.ends_at.nanos // 1000
    )
    if state.closed or context.now < ends_at:
        return []
    return [LoanClosed(loan_id=command.loan_id, reader_id=state.reader_id)]


@loan.decide
def remark(state: Loan, command: RemarkOnLoanRequest, context: Context) -> list[LoanRemarked]:
    return [LoanRemarked(loan_id=command.loan_id, reader_id=command.reader_id, text=Sealed(to_be_sealed=command.text))]


@loan.decide
def remind(state: Loan, command: SendReminderRequest, context: Context) -> list[LoanReminded]:
    return [LoanReminded(loan_id=command.loan_id)]


@loan.evolve
def opened(state: Loan, event: LoanOpened) -> Loan:
    return replace(state, loan_id=event.loan_id, reader_id=event.reader_id)


@loan.evolve
def renewed(state: Loan, event: LoanRenewed) -> Loan:
    return replace(state, days=state.days + event.days, renewals=state.renewals + 1)


@loan.evolve
def remarked(state: Loan, event: LoanRemarked) -> Loan:
    return state


@loan.evolve
def closed(state: Loan, event: LoanClosed) -> Loan:
    return replace(state, closed=True)


@loan.evolve
def reminded(state: Loan, event: LoanReminded) -> Loan:
    return replace(state, reminders=state.reminders + 1)


@limit.decide
def set_limit(state: Limit, command: SetLimitRequest, context: Context) -> list[LimitSet]:
    if command.loans > state.loans == FROZEN:
        raise Refusal("LIMIT_FROZEN", "this limit can only be lowered", field="loans")
    return [LimitSet(reader_id=command.reader_id, loans=command.loans)]


@limit.evolve
def limit_set(state: Limit, event: LimitSet) -> Limit:
    return Limit(event.loans)


class ReaderDocument(BaseModel):
    """What is known of a reader. `trail` says what was folded in which order, so that a second time would show."""

    reader_id: str
    opened: int = 0
    days: int = 0
    closed: int = 0
    bought: int = 0
    trail: list[str] = []


def new_readers(version: int = 1) -> Projection[ReaderDocument]:
    readers = Projection("readers", version=version, document=ReaderDocument, key="reader_id")

    @readers.on
    def opened_(document: ReaderDocument, event: LoanOpened, meta: Metadata) -> None:
        document.opened += 1
        _trail(document, meta)

    @readers.on
    def renewed_(document: ReaderDocument, event: LoanRenewed, meta: Metadata) -> None:
        document.days += event.days
        if event.days == UNLUCKY:
            raise ArithmeticError("a mistake in the fold, after it changed the document")
        _trail(document, meta)

    @readers.on
    def closed_(document: ReaderDocument, event: LoanClosed, meta: Metadata) -> None:
        document.closed += 1
        _trail(document, meta)

    @readers.on
    def bought_(document: ReaderDocument, event: BookBought, meta: Metadata) -> None:
        document.bought += 1
        _trail(document, meta)

    return readers


def _trail(document: ReaderDocument, meta: Metadata) -> None:
    document.trail.append(f"{meta.stream}@{meta.version}")


readers = new_readers()


async def get_reader(request: GetReaderRequest, read: Reader) -> GetReaderResponse:
    document = await read.document(readers, request.reader_id) or readers.new(request.reader_id)
    return GetReaderResponse(opened=document.opened, days=document.days)


async def read_remarks(request: ReadRemarksRequest, read: Reader) -> ReadRemarksResponse:
    history = await read.history(f"loan-{request.loan_id}")
    texts = await read.open([(item, "text") for item in history if isinstance(item.event, LoanRemarked)])
    return ReadRemarksResponse(texts=texts)


async def follow_limit(request: FollowLimitRequest, following: Following) -> AsyncIterator[FollowLimitResponse]:
    sent = None
    async for read in following.rounds():
        loans = (await read.state(limit, f"limit-{request.reader_id}")).loans
        if loans != sent:
            sent = loans
            yield FollowLimitResponse(loans=loans)


async def is_unfrozen(ask: Ask) -> bool:
    """Nobody follows a limit that is never raised."""
    request: Any = ask.request
    return (await ask.read.state(limit, f"limit-{request.reader_id}")).loans != FROZEN


async def is_self(ask: Ask) -> bool:
    request: Any = ask.request
    return bool(ask.principal.person_id == request.reader_id)


CONTRACT = Contract([LIBRARY.file], heard=[SHOP.file])


def build(**changed: Any) -> Service:
    parts: dict[str, Any] = {
        "name": "library",
        "contract": CONTRACT,
        "aggregates": [loan, limit],
        "projections": [readers],
        "queries": [get_reader, read_remarks],
        "followed": [follow_limit],
        "relations": {"self": is_self, "self_or_mentor": is_unfrozen},
    }
    return Service(**(parts | changed))


class Hand:
    """A clock held in the hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def process(folder: Path, store: Any, clock: Hand | None, service: Service | None = None, **settings: Any) -> Node:
    """One process of the library, not started: its commands and readers work without Kafka and ports."""
    parts: dict[str, Any] = {
        "kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "unused", "key_file": folder / "key", "jwks_file": folder / "jwks.json",
        "roles": "api", "shutdown_seconds": 5.0,
    }  # fmt: skip
    return Node(service or build(), Settings(**(parts | settings)), store, clock)


def someone(person_id: str = "mia", *roles: str, tenant: str = TENANT) -> Principal:
    return Principal(tenant, person_id, frozenset(roles or ("mentor",)))


ADA = someone("ada", "learner")
OPEN = OpenLoanRequest(loan_id="l1", reader_id="ada")
RENEW = RenewLoanRequest(loan_id="l1", days=7)
CLOSE = CloseLoanRequest(loan_id="l1")
REMARK = RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text="a torn page")


class Giver:
    """Gives commands to one process, each under a key of its own where none is named."""

    _keys = itertools.count()

    def __init__(self, node: Node) -> None:
        self.node = node

    async def __call__(self, request: Message, key: str = "", by: Any = None, **order: Any) -> CommandReply:
        return await self.node.commands.give(Order(request, by or someone(), key or f"key-{next(self._keys)}", **order))


class Bus:
    """Makes the records that a relay would have put on the topic, from commits or from events."""

    def __init__(self, topic: str = "sample.library.v1") -> None:
        self.topic = topic
        self._offsets: dict[int, Iterator[int]] = {}
        self._versions: dict[tuple[str, str], int] = {}

    def records(self, commit: Commit, partition: int = 0) -> list[Any]:
        return [self._record(commit, event, partition) for event in commit.events if event.published]

    def event(
        self, stream: str, event: Message, *, tenant: str = TENANT, partition: int = 0, at: datetime = NOON
    ) -> Any:
        version = self._versions[tenant, stream] = self._versions.get((tenant, stream), 0) + 1
        contract = CONTRACT.of(event)
        identity = event_id(f"{tenant}/{self.topic}/{stream}", version)
        stored = StoredEvent(identity, contract.type, version, event.SerializeToString(), published=True)
        commit = Commit(
            id=f"{tenant}/{identity}", tenant=tenant, stream=stream, events=(stored,), partition_key=stream, at=at, actor="mia",
            published_version=version, correlation_id="correlation-1",
        )  # fmt: skip
        return self._record(commit, stored, partition)

    def _record(self, commit: Commit, event: StoredEvent, partition: int) -> Any:
        key, value, headers = encode(commit, event, "/sample/library")
        return self.raw(key, value, headers, partition)

    def raw(self, key: bytes, value: bytes | None, headers: Any, partition: int = 0) -> Any:
        offset = next(self._offsets.setdefault(partition, itertools.count()))
        return ConsumerRecord(
            self.topic, partition, offset, 0, 0, key, value, 0, len(key), len(value or b""), tuple(headers)
        )


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    """Waits for what will be so, and fails where it is not within the deadline."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - what is waited for is another's, and tells nobody
            await asyncio.sleep(0.005)


async def all_commits(store: MemoryStore, stream: str, tenant: str = TENANT) -> list[Commit]:
    return await store.commits.read(tenant, stream)


def versions(commits: list[Commit]) -> list[int]:
    return [event.version for commit in commits for event in commit.events]


def told(reply: CommandReply) -> tuple[str, int, list[str]]:
    return reply.stream, reply.version, [name.rsplit(".", 1)[-1] for name in reply.event_types]
