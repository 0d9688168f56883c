"""Every referral sets the alarm of its answer, each reminder the next, and every act the alarm that nothing has happened since.

The issue itself knows whether it is still so when an alarm goes off.
"""

from collections.abc import Iterator
from datetime import UTC
from typing import TypeAlias

from eventkernel.messages import Metadata
from eventkernel.reaction import Later, Reaction
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueAddedTo,
    IssueIdle,
    IssueNextStepAgreed,
    IssueRaised,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReminderPutOff,
    IssueReopened,
)
from mentoring.sessions.v1.issue_pb2 import ChaseReferralRequest, ReportIdleIssueRequest

issue_alarms = Reaction("issue_alarms")

_Act: TypeAlias = (
    IssueRaised
    | IssueReferred
    | IssueReferralAccepted
    | IssueReferralDeclined
    | IssueReferralWithdrawn
    | IssueAddedTo
    | IssueNextStepAgreed
    | IssueReopened
)


@issue_alarms.on
def when_raised(event: IssueRaised, _meta: Metadata) -> Iterator[Later]:
    """It is not to lie unseen."""
    yield _idle(event)


@issue_alarms.on
def when_referred(event: IssueReferred, _meta: Metadata) -> Iterator[Later]:
    """An answer is waited for."""
    yield _chase(event, event.answer_by, 1)
    yield _idle(event)


@issue_alarms.on
def when_chased(event: IssueReferralChased, _meta: Metadata) -> Iterator[Later]:
    """Unless it was the last time."""
    if event.HasField("next_at"):
        yield _chase(event, event.next_at, event.number + 1)


@issue_alarms.on
def when_put_off(event: IssueReminderPutOff, _meta: Metadata) -> Iterator[Later]:
    """The same reminder again."""
    yield _chase(event, event.next_at, event.number)


@issue_alarms.on
def when_accepted(event: IssueReferralAccepted, _meta: Metadata) -> Iterator[Later]:
    """Something is to come of it."""
    yield _idle(event)


@issue_alarms.on
def when_declined(event: IssueReferralDeclined, _meta: Metadata) -> Iterator[Later]:
    """Somebody else may be asked."""
    yield _idle(event)


@issue_alarms.on
def when_withdrawn(event: IssueReferralWithdrawn, _meta: Metadata) -> Iterator[Later]:
    """Somebody else may be asked, unless the issue has its outcome."""
    if event.HasField("idle_at"):
        yield _idle(event)


@issue_alarms.on
def when_added_to(event: IssueAddedTo, _meta: Metadata) -> Iterator[Later]:
    """Something may follow from the note."""
    yield _idle(event)


@issue_alarms.on
def when_step_agreed(event: IssueNextStepAgreed, _meta: Metadata) -> Iterator[Later]:
    """It is to be gone."""
    yield _idle(event)


@issue_alarms.on
def when_reopened(event: IssueReopened, _meta: Metadata) -> Iterator[Later]:
    """It is not to lie unseen."""
    yield _idle(event)


@issue_alarms.on
def when_idle(event: IssueIdle, _meta: Metadata) -> Iterator[Later]:
    """Again, and again, until something happens."""
    yield _report(event, event.next_at, event.number + 1)


def _idle(event: _Act) -> Later:
    return _report(event, event.idle_at, 1)


def _report(event: _Act | IssueIdle, at: Timestamp, number: int) -> Later:
    request = ReportIdleIssueRequest(issue_id=event.issue_id, learner_id=event.learner_id, act=event.act, number=number)
    return Later(at.ToDatetime(tzinfo=UTC), request)


def _chase(event: IssueReferred | IssueReferralChased | IssueReminderPutOff, at: Timestamp, number: int) -> Later:
    request = ChaseReferralRequest(
        issue_id=event.issue_id, learner_id=event.learner_id, referral_id=event.referral_id, number=number
    )
    return Later(at.ToDatetime(tzinfo=UTC), request)
