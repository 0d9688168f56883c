"""Notice: one message to one person, by one way after another until one takes it. It is sent at most once, save that a safeguarding
notice is sent again where nobody can know whether it went out: a doubled alert is harmless, a lost one is not."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from eventkernel.aggregate import Aggregate, Context, Refusal
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import NoticeBounced
from mentoring.notifications.v1.delivery_pb2 import RecordBounceRequest
from mentoring.notifications.v1.events_pb2 import NoticeRequested, NoticeSettled, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest

from notifications.domain.occasions import is_safeguarding
from notifications.domain.ways import Way

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
# In events from before there were other channels none is named.
_BY_MAIL = (Channel.CHANNEL_UNSPECIFIED, Channel.CHANNEL_EMAIL)


class Status(Enum):
    """How far a notice is."""

    REQUESTED = "requested"
    # It is being handed over; if the process dies now, nobody knows.
    STARTED = "started"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    # It is not told any more, or not by itself.
    NOT_NEEDED = "not needed"
    BOUNCED = "bounced"


_SETTLED_AS = {
    Outcome.OUTCOME_SENT: Status.SENT,
    Outcome.OUTCOME_DELIVERED: Status.SENT,
    Outcome.OUTCOME_FAILED: Status.FAILED,
    Outcome.OUTCOME_FAILED_FOR_NOW: Status.FAILED,
    Outcome.OUTCOME_UNKNOWN: Status.UNKNOWN,
    Outcome.OUTCOME_NOT_NEEDED: Status.NOT_NEEDED,
    Outcome.OUTCOME_NEED_ENDED: Status.NOT_NEEDED,
    Outcome.OUTCOME_UNSUBSCRIBED: Status.NOT_NEEDED,
    Outcome.OUTCOME_TOO_LATE: Status.NOT_NEEDED,
    Outcome.OUTCOME_ACKNOWLEDGED: Status.NOT_NEEDED,
    Outcome.OUTCOME_IN_DIGEST: Status.NOT_NEEDED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice after its newest attempt, which went by `channel` to its `registration`.

    Whether it is safeguarding, and whose, was said when it was first started. `useless`: the ways that failed for good;
    `came_back`: from which registration mail did; None: from none. One report of that counts: of a second nobody can tell which mail it is about.
    `leaves_out`: the kinds that its recipient leaves out by the address in its mail, and `unsubscribed_by` the hashes of its secrets.
    """

    status: Status = Status.REQUESTED
    attempt: int = 0
    recipient_id: str = ""
    telling_id: str = ""
    safeguarding: bool = False
    channel: Channel.ValueType = Channel.CHANNEL_UNSPECIFIED
    registration: int = 0
    useless: frozenset[tuple[Channel.ValueType, int]] = frozenset()
    leaves_out: tuple[InformationKind.ValueType, ...] = ()
    unsubscribed_by: frozenset[str] = frozenset()
    stands_in: bool = False
    came_back: int | None = None

    @property
    def may_start(self) -> bool:
        """Whether a further attempt may be made. Sent and not needed are final; so are unknown and bounced, unless it is safeguarding."""
        if self.status in (Status.UNKNOWN, Status.BOUNCED):
            return self.safeguarding
        return self.status in (Status.REQUESTED, Status.FAILED)

    @property
    def is_finished(self) -> bool:
        """Whether no further attempt may be made, ever; one that is under way may be another process's, or a dead one's."""
        return not self.may_start and self.status is not Status.STARTED

    @property
    def is_being_ended(self) -> bool:
        """Whether the newest attempt is to end it by no way, and is not settled: its process died in between."""
        return self.status is Status.STARTED and not self.channel

    def is_left_out_by(self, secret: str) -> bool:
        """Whether this is the secret of the address in one of its mails. Hashes are compared: how long that takes tells nothing of it."""
        return secret_hash(secret) in self.unsubscribed_by

    def went_by(self, way: Way) -> bool:
        """Whether the newest attempt went this way."""
        return (self.channel, self.registration) == (way.channel, way.registration)

    def came_back_from(self, way: Way) -> bool:
        """Whether mail came back from there. Of old events it is not known from which registration: then no mail is sent."""
        return way.channel == Channel.CHANNEL_EMAIL and self.came_back in (0, way.registration)

    def after(self, way: Way, outcome: Outcome.ValueType) -> "Notice":
        """As it is once a further attempt by this way has ended so."""
        gone = {(way.channel, way.registration)} if outcome == Outcome.OUTCOME_FAILED else set()
        return replace(
            self,
            status=_SETTLED_AS[outcome],
            attempt=self.attempt + 1,
            channel=way.channel,
            registration=way.registration,
            useless=self.useless | gone,
        )


# Shape 2: states of shape 1 did not say which way a notice went; shape 3: nor what is left out by its mail, nor whether its way stood in; shape 4: nor that it
# came back.
notice = Aggregate("notice", initial=Notice(), shape=4)


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
                channel=command.channel,
                registration=command.way_registration,
                leaves_out=command.leaves_out,
                unsubscribe_sha256=command.unsubscribe_sha256,
                stands_in=command.stands_in,
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
    return [_settled(command.notice_id, state, command.outcome, command.failure, gone=command.gone)]


@notice.decide
def record_bounce(state: Notice, command: RecordBounceRequest, _context: Context) -> list[NoticeBounced]:
    """What mail had taken for delivery came back. Once: a further report gives nothing, nor does one about what goes another way by now.

    Raises Refusal NOTICE_NOT_SENT for what never went out by mail.
    """
    by_mail = state.channel in _BY_MAIL
    if state.came_back is not None or (not by_mail and state.attempt > 1):
        return []
    if not by_mail or state.status not in (Status.SENT, Status.UNKNOWN):
        raise Refusal(
            "NOTICE_NOT_SENT",
            f"Notice {command.notice_id} is not one that mail took for delivery, so it cannot have come back: check the id, "
            "which is in the message's X-Notice-Id.",
            field="notice_id",
        )
    return [
        NoticeBounced(
            notice_id=command.notice_id,
            recipient_id=state.recipient_id,
            channel=state.channel,
            registration=state.registration,
            hard=command.hard,
            safeguarding=state.safeguarding,
            telling_id=state.telling_id,
        )
    ]


@notice.evolve
def notice_started(state: Notice, event: NoticeStarted) -> Notice:
    """It is being handed over."""
    return replace(
        state,
        status=Status.STARTED,
        attempt=event.attempt,
        recipient_id=event.recipient_id,
        telling_id=event.telling_id,
        safeguarding=event.safeguarding,
        channel=event.channel,
        registration=event.registration,
        leaves_out=tuple(event.leaves_out) or state.leaves_out,
        unsubscribed_by=state.unsubscribed_by | ({event.unsubscribe_sha256} if event.unsubscribe_sha256 else set()),
        stands_in=event.stands_in,
    )


@notice.evolve
def notice_settled(state: Notice, event: NoticeSettled) -> Notice:
    """The attempt ended. One that failed for good is the end of its way, and of no other."""
    useless = state.useless
    # In events from before there were ways a failure for now had the same outcome: mail goes on being tried.
    if event.outcome == Outcome.OUTCOME_FAILED and event.channel:
        useless |= {(event.channel, event.registration)}
    return replace(state, status=_SETTLED_AS[event.outcome], useless=useless)


@notice.evolve
def notice_bounced(state: Notice, event: NoticeBounced) -> Notice:
    """Nobody has it. The address that it came back from is no way of it any more; one that is registered since may be."""
    return replace(state, status=Status.BOUNCED, came_back=event.registration)


def to_be_started(event: NoticeRequested, at: datetime) -> StartNoticeRequest:
    """What is due once a notice was asked for: it carries all that its message is composed of."""
    return StartNoticeRequest(
        notice_id=event.notice_id,
        attempt=1,
        recipient_id=event.recipient_id,
        safeguarding=is_safeguarding(event.occasion),
        telling_id=event.telling_id,
        occasion=event.occasion,
        because=event.because,
        detail=event.detail,
        about_id=event.about_id,
        raiser_role=event.raiser_role,
        category=event.category,
        registration=event.registration,
        second_copy=event.second_copy,
        about_version=event.about_version,
        requested_at=timestamp(at),
    )


def secret_hash(secret: str) -> str:
    """What is kept of a secret: of 32 random bytes, which need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _settled(
    notice_id: str, state: Notice, outcome: Outcome.ValueType, failure: str, *, gone: bool = False
) -> NoticeSettled:
    return NoticeSettled(
        notice_id=notice_id,
        attempt=state.attempt,
        recipient_id=state.recipient_id,
        outcome=outcome,
        failure=failure,
        channel=state.channel,
        registration=state.registration,
        gone=gone,
        stands_in=state.stands_in,
    )
