"""A person's file goes after them: opened, sent with a known content, acknowledged; and chased until it is.

DOMAIN.md, Rules that carry numbers: within five working days of leaving, with a receipt, chased (KCSIE and local procedures). There is one
deadline, for the receipt: a file that was sent and has not arrived is as lost as one that was not sent.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eventkernel.aggregate import Aggregate, Context, NotYet, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.transfer_events_pb2 import (
    FileReceiptRecorded,
    FileSent,
    FileTransferCalledOff,
    FileTransferChased,
    FileTransferDueSet,
    FileTransferOpened,
    FileTransferSettled,
    FileTransferTakenOver,
)
from mentoring.safeguarding.v1.transfer_pb2 import (
    FILE_TRANSFER_STATUS_ACKNOWLEDGED,
    FILE_TRANSFER_STATUS_CALLED_OFF,
    FILE_TRANSFER_STATUS_SENT,
    FILE_TRANSFER_STATUS_TO_BE_SENT,
    FILE_TRANSFER_STATUS_UNSPECIFIED,
    CallOffFileTransferRequest,
    FileTransferStatus,
    MeetFileTransferDueRequest,
    NoteFileSentRequest,
    RecordReceiptRequest,
    TakeOverFileTransferRequest,
    TransferFileRequest,
)

from safeguarding.domain.working_days import after_working_days
from safeguarding.policy_defaults import FILE_TRANSFER_CHASE_WORKING_DAYS, FILE_TRANSFER_WORKING_DAYS, TIME_ZONE


@dataclass(frozen=True, slots=True)
class FileTransferState:
    """One transfer. `due_at` is set exactly while it waits; `number` counts how often it was chased. `sha256` is what was sent, in hex.

    `seen_to_by_ids` has whoever sees to it, and everybody who did: what was sent is made of their concerns.
    """

    transfer_id: str = ""
    person_id: str = ""
    responsible_id: str = ""
    means: int = 0
    status: FileTransferStatus.ValueType = FILE_TRANSFER_STATUS_UNSPECIFIED
    due_at: datetime | None = None
    number: int = 0
    sha256: str = ""
    sent_at: datetime | None = None
    seen_to_by_ids: frozenset[str] = frozenset()


# Shape 2: everybody who saw to it is known. 3: and when it was sent.
file_transfer = Aggregate("file-transfer", initial=FileTransferState(), shape=3)


@file_transfer.decide
def transfer(
    state: FileTransferState, command: TransferFileRequest, context: Context
) -> list[FileTransferOpened | FileTransferDueSet]:
    """Whoever opens it sees to it, and has five working days."""
    me = context.principal.person_id
    if state.status != FILE_TRANSFER_STATUS_UNSPECIFIED:
        if (state.person_id, state.means, state.responsible_id) == (command.person_id, command.means, me):
            return []
        raise Refusal(
            "TRANSFER_EXISTS", "this transfer id is in use; open the transfer under a new one", field="transfer_id"
        )
    due_at = after_working_days(context.now, FILE_TRANSFER_WORKING_DAYS, TIME_ZONE)
    return [
        FileTransferOpened(
            transfer_id=command.transfer_id,
            person_id=command.person_id,
            responsible_id=me,
            means=command.means,
            recipient=Sealed(to_be_sealed=command.recipient),
            reason=Sealed(to_be_sealed=command.reason),
        ),
        FileTransferDueSet(transfer_id=command.transfer_id, due_at=timestamp(due_at)),
    ]


@file_transfer.decide
def note_sent(state: FileTransferState, command: NoteFileSentRequest, context: Context) -> list[FileSent]:
    """What was sent, once. Its deadline stands: what is waited for is the receipt."""
    refuse_unless_responsible(state, command.sender_id)
    if state.sha256 == command.sha256.hex():
        return []
    _refuse_ended(state)
    if state.sha256:
        raise Refusal(
            "FILE_SENT",
            "another content was recorded as sent; where more was sent since, open another transfer for it",
            field="parts",
        )
    sent_at = command.sent_at.ToDatetime(tzinfo=UTC) if command.HasField("sent_at") else context.now
    if sent_at > context.now:
        raise Refusal(
            "SENT_AHEAD", "it cannot have been sent yet; give when it was, or nothing for now", field="sent_at"
        )
    return [
        FileSent(
            transfer_id=state.transfer_id,
            sender_id=command.sender_id,
            parts=command.parts,
            sha256=command.sha256,
            sent_at=timestamp(sent_at),
        )
    ]


@file_transfer.decide
def record_receipt(
    state: FileTransferState, command: RecordReceiptRequest, context: Context
) -> list[FileReceiptRecorded | FileTransferSettled]:
    """It has arrived: the receipt is for what was sent."""
    refuse_unless_responsible(state, context.principal.person_id)
    if state.status == FILE_TRANSFER_STATUS_ACKNOWLEDGED:
        return []
    _refuse_ended(state)
    if not state.sha256:
        raise Refusal("FILE_NOT_SENT", "it was not sent yet; record first what was sent, with RecordFileSent")
    received_at = command.received_at.ToDatetime(tzinfo=UTC)
    if received_at > context.now:
        raise Refusal("RECEIVED_AHEAD", "it cannot have been received yet; give when it was", field="received_at")
    if state.sent_at is not None and received_at < state.sent_at:
        raise Refusal(
            "RECEIVED_BEFORE_SENT",
            f"it was sent at {state.sent_at.isoformat()}, so it was received then at the earliest; give when it was",
            field="received_at",
        )
    return [
        FileReceiptRecorded(
            transfer_id=state.transfer_id,
            person_id=state.person_id,
            recorded_by_id=context.principal.person_id,
            received_at=command.received_at,
            acknowledged_by=Sealed(to_be_sealed=command.acknowledged_by),
            reference=Sealed(to_be_sealed=command.reference) if command.reference else None,
            sha256=bytes.fromhex(state.sha256),
        ),
        FileTransferSettled(transfer_id=state.transfer_id),
    ]


@file_transfer.decide
def take_over(
    state: FileTransferState, command: TakeOverFileTransferRequest, context: Context
) -> list[FileTransferTakenOver]:
    """Another sees to it. A deadline that runs stays: it is not put off by going from hand to hand."""
    me = context.principal.person_id
    if not state.person_id or state.person_id != command.person_id:
        raise unknown()
    if state.responsible_id == me:
        return []
    _refuse_ended(state)
    return [FileTransferTakenOver(transfer_id=state.transfer_id, responsible_id=me)]


@file_transfer.decide
def call_off(
    state: FileTransferState, command: CallOffFileTransferRequest, context: Context
) -> list[FileTransferCalledOff | FileTransferSettled]:
    """It is not to be sent after all; what was sent already is called off no more."""
    refuse_unless_responsible(state, context.principal.person_id)
    if state.status == FILE_TRANSFER_STATUS_CALLED_OFF:
        return []
    if state.sha256:
        raise Refusal("FILE_SENT", "it was sent, so it is not called off; record its receipt with RecordReceipt")
    return [
        FileTransferCalledOff(
            transfer_id=state.transfer_id,
            person_id=state.person_id,
            called_off_by_id=context.principal.person_id,
            reason=Sealed(to_be_sealed=command.reason),
        ),
        FileTransferSettled(transfer_id=state.transfer_id),
    ]


@file_transfer.decide
def meet_due(
    state: FileTransferState, command: MeetFileTransferDueRequest, context: Context
) -> list[FileTransferChased | FileTransferDueSet]:
    """It is not acknowledged in time: whoever sees to it is told, and again each working day. Nothing where nothing is waited for.

    Somebody who is in the file is told nothing: another is, whom whoever gives the command has found.

    Raises NotYet before its time, so that the kernel comes again.
    """
    if state.due_at is None or command.number != state.number:
        return []
    if context.now < state.due_at:
        raise NotYet("DUE_AHEAD", "the transfer is due later; come back once it is")
    again = after_working_days(context.now, FILE_TRANSFER_CHASE_WORKING_DAYS, TIME_ZONE)
    told_id = command.told_id if command.past_responsible else state.responsible_id
    chased_now = FileTransferChased(transfer_id=state.transfer_id, responsible_id=told_id, sent=bool(state.sha256))
    return [chased_now, _due(state, state.number + 1, again)]


@file_transfer.evolve
def opened(_state: FileTransferState, event: FileTransferOpened) -> FileTransferState:
    """It is to be sent."""
    return FileTransferState(
        transfer_id=event.transfer_id,
        person_id=event.person_id,
        responsible_id=event.responsible_id,
        means=event.means,
        status=FILE_TRANSFER_STATUS_TO_BE_SENT,
        seen_to_by_ids=frozenset({event.responsible_id}),
    )


@file_transfer.evolve
def due_set(state: FileTransferState, event: FileTransferDueSet) -> FileTransferState:
    """By then, and by no earlier time any more."""
    return replace(state, due_at=event.due_at.ToDatetime(tzinfo=UTC), number=event.number)


@file_transfer.evolve
def sent(state: FileTransferState, event: FileSent) -> FileTransferState:
    """Its receipt is waited for."""
    sent_at = event.sent_at.ToDatetime(tzinfo=UTC) if event.HasField("sent_at") else None
    return replace(state, status=FILE_TRANSFER_STATUS_SENT, sha256=event.sha256.hex(), sent_at=sent_at)


@file_transfer.evolve
def receipt_recorded(state: FileTransferState, _event: FileReceiptRecorded) -> FileTransferState:
    """It has arrived. Who acknowledged it is a text: the state keeps none."""
    return replace(state, status=FILE_TRANSFER_STATUS_ACKNOWLEDGED)


@file_transfer.evolve
def taken_over(state: FileTransferState, event: FileTransferTakenOver) -> FileTransferState:
    """Who sees to it now."""
    return replace(
        state,
        responsible_id=event.responsible_id,
        seen_to_by_ids=state.seen_to_by_ids | {event.responsible_id},
    )


@file_transfer.evolve
def called_off(state: FileTransferState, _event: FileTransferCalledOff) -> FileTransferState:
    """It is not to be."""
    return replace(state, status=FILE_TRANSFER_STATUS_CALLED_OFF)


@file_transfer.evolve
def chased(state: FileTransferState, _event: FileTransferChased) -> FileTransferState:
    """The next time follows in the same commit."""
    return state


@file_transfer.evolve
def settled(state: FileTransferState, _event: FileTransferSettled) -> FileTransferState:
    """Nothing is waited for."""
    return replace(state, due_at=None)


def refuse_unless_responsible(state: FileTransferState, person_id: str) -> None:
    """Raises TRANSFER_UNKNOWN to anybody but who sees to it."""
    if not state.transfer_id or state.responsible_id != person_id:
        raise unknown()


def unknown() -> Refusal:
    """The same words whether or not there is such a transfer."""
    return Refusal(
        "TRANSFER_UNKNOWN",
        "No transfer of a file with this id is yours to see to. Check the id; ListFileTransfers has those that are.",
        field="transfer_id",
    )


def _due(state: FileTransferState, number: int, due_at: datetime) -> FileTransferDueSet:
    return FileTransferDueSet(transfer_id=state.transfer_id, number=number, due_at=timestamp(due_at))


def _refuse_ended(state: FileTransferState) -> None:
    if state.status == FILE_TRANSFER_STATUS_CALLED_OFF:
        raise Refusal("TRANSFER_CALLED_OFF", "this transfer was called off; open another where the file is to be sent")
    if state.status == FILE_TRANSFER_STATUS_ACKNOWLEDGED:
        raise Refusal("TRANSFER_ACKNOWLEDGED", "this transfer was acknowledged; open another where more is to be sent")
