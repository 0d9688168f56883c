"""One bug for each invariant, planted into the suite's own processes, to see that the checker catches it. The product has none of this.

Each works for the tenant that is named after it alone: so one run shows all six, and a seventh tenant that nothing is wrong with.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

from eventkernel.commands import Commands, Order
from eventkernel.due import DueRunner
from eventkernel.messages import Appended, AppendOutcome, Checkpoint, Commit, DocumentWrite, DueRow
from eventkernel.relay_slot import Holding
from eventkernel.store.grouping import GroupedAppends
from eventkernel.store.mongodb.documents import MongoDocuments
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.safeguarding.v1.safeguarding_pb2 import AddToConcernRequest, EscalateConcernRequest
from notifications.effects.smtp import SmtpMailer

VARIABLE = "FAULT_PLANTED"
BUGS = {
    "I1": "a session's end is acknowledged and not stored",
    "I2": "a batch is published twice",
    "I3": "a repeated command is stored again, under another id",
    "I4": "a learner's sessions are not written, and the checkpoint is",
    "I5": "a mail is handed over twice",
    "I6": "a deadline is ticked off and nobody is asked",
}


def tenant_of(invariant: str) -> str:
    """The provider for which the bug against this invariant works."""
    return f"planted-{invariant.lower()}"


def install() -> None:
    """Puts all six into this process."""
    _replace(GroupedAppends, "append_one", _acknowledged_and_not_stored)
    _replace(Holding, "_publish", _published_twice)
    _replace(Commands, "give", _stored_again)
    _replace(MongoDocuments, "write", _not_written)
    _replace(SmtpMailer, "send", _sent_twice)
    _replace(DueRunner, "_carry_out", _ticked_off)


def _replace(owner: type[Any], name: str, bug: Callable[..., Awaitable[Any]]) -> None:
    inner = getattr(owner, name)

    async def with_bug(self: Any, *given: Any) -> Any:
        return await bug(lambda *again: inner(self, *again), *given)

    setattr(owner, name, with_bug)


async def _acknowledged_and_not_stored(
    inner: Callable[[Commit], Awaitable[AppendOutcome]], commit: Commit
) -> AppendOutcome:
    ends = any(event.type.endswith(("session-held", "session-missed")) for event in commit.events)
    if commit.tenant == tenant_of("I1") and ends:
        return Appended.STORED
    return await inner(commit)


async def _published_twice(inner: Callable[..., Awaitable[None]], producer: object, commits: Sequence[Commit]) -> None:
    await inner(producer, commits)
    doubled = [commit for commit in commits if commit.tenant == tenant_of("I2")]
    if doubled:
        await inner(producer, doubled)


_given: set[str] = set()


async def _stored_again(inner: Callable[[Order], Awaitable[CommandReply]], order: Order) -> CommandReply:
    if order.principal.tenant == tenant_of("I3") and isinstance(order.request, AddToConcernRequest):
        if order.key in _given:
            await inner(Order(order.request, order.principal, f"{order.key}.{uuid4().hex[:8]}"))
        _given.add(order.key)
    return await inner(order)


async def _not_written(
    inner: Callable[..., Awaitable[None]], collection: str, documents: Sequence[DocumentWrite], checkpoint: Checkpoint
) -> None:
    tenant = f"{tenant_of('I4')}/"
    kept = [one for one in documents if not (one.id.startswith(tenant) and collection.startswith("learner_sessions"))]
    await inner(collection, kept, checkpoint)


async def _sent_twice(inner: Callable[..., Awaitable[None]], message: Any) -> None:
    await inner(message)
    if f"@{tenant_of('I5')}.example" in str(message["To"]):
        await inner(message)


async def _ticked_off(inner: Callable[[DueRow], Awaitable[None]], row: DueRow) -> None:
    if row.tenant == tenant_of("I6") and row.request_type == EscalateConcernRequest.DESCRIPTOR.full_name:
        return
    await inner(row)
