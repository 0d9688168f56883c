"""Notice: one message to one person, on its way through one channel. It is sent at most once, save that a safeguarding notice is
sent again where nobody can know whether it went out: a doubled alert is harmless, a lost one is not."""

from dataclasses import dataclass, replace
from enum import Enum

from eventkernel.aggregate import Aggregate, Context, Refusal
from mentoring.notifications.v1.events_pb2 import NoticeSettled, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"


class Status(Enum):
    """How far a notice is."""

    REQUESTED = "requested"
    # It is being handed over; if the process dies now, nobody knows.
    STARTED = "started"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"


_SETTLED_AS = {
    Outcome.OUTCOME_SENT: Status.SENT,
    Outcome.OUTCOME_FAILED: Status.FAILED,
    Outcome.OUTCOME_UNKNOWN: Status.UNKNOWN,
    Outcome.OUTCOME_NOT_NEEDED: Status.NOT_NEEDED,
    Outcome.OUTCOME_NEED_ENDED: Status.NOT_NEEDED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice after its newest attempt. Whether it is safeguarding, and whose, was said when it was first started."""

    status: Status = Status.REQUESTED
    attempt: int = 0
    recipient_id: str = ""
    telling_id: str = ""
    safeguarding: bool = False

    @property
    def may_start(self) -> bool:
        """Whether a further attempt may be made. Sent and not needed are final; so is unknown, unless it is safeguarding."""
        if self.status is Status.UNKNOWN:
            return self.safeguarding
        return self.status in (Status.REQUESTED, Status.FAILED)


notice = Aggregate("notice", initial=Notice())


@notice.decide
def start_notice(state: Notice, command: StartNoticeRequest, _context: Context) -> list[NoticeStarted | NoticeSettled]:
    """Starts an attempt, unless the notice is finished: only who gets NoticeStarted back may send.

    An earlier attempt that was never settled died; what became of it is unknown, and that is recorded first.
    An attempt that is not newer than the last known gives nothing.
    """
    if command.attempt <= state.attempt:
        return []
    events: list[NoticeStarted | NoticeSettled] = []
    if state.status is Status.STARTED:
        events.append(_settled(command.notice_id, state, Outcome.OUTCOME_UNKNOWN, OUTCOME_UNKNOWN))
        state = replace(state, status=Status.UNKNOWN)
    if state.may_start:
        first = state.attempt == 0
        events.append(
            NoticeStarted(
                notice_id=command.notice_id,
                attempt=command.attempt,
                recipient_id=command.recipient_id if first else state.recipient_id,
                safeguarding=command.safeguarding if first else state.safeguarding,
                telling_id=command.telling_id if first else state.telling_id,
            )
        )
    return events


@notice.decide
def settle_notice(state: Notice, command: SettleNoticeRequest, _context: Context) -> list[NoticeSettled]:
    """Records how an attempt ended. An attempt that is settled, or that a later one has followed, stays as it is.

    Raises Refusal NOTICE_NOT_STARTED for an attempt that was never started.
    """
    if command.attempt > state.attempt:
        raise Refusal(
            "NOTICE_NOT_STARTED",
            f"Attempt {command.attempt} of notice {command.notice_id} was never started: start it before it is settled.",
            field="attempt",
        )
    if state.status is not Status.STARTED or command.attempt < state.attempt:
        return []
    return [_settled(command.notice_id, state, command.outcome, command.failure)]


@notice.evolve
def notice_started(_state: Notice, event: NoticeStarted) -> Notice:
    """It is being handed over."""
    return Notice(Status.STARTED, event.attempt, event.recipient_id, event.telling_id, event.safeguarding)


@notice.evolve
def notice_settled(state: Notice, event: NoticeSettled) -> Notice:
    """The attempt ended."""
    return replace(state, status=_SETTLED_AS[event.outcome])


def _settled(notice_id: str, state: Notice, outcome: Outcome.ValueType, failure: str) -> NoticeSettled:
    return NoticeSettled(
        notice_id=notice_id, attempt=state.attempt, recipient_id=state.recipient_id, outcome=outcome, failure=failure
    )
