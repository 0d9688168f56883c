"""What is told of issues: to the learner and the mentor, to whoever one is referred to by that part, and to nobody else.

No event says of which kind an issue is, so the matrix is asked for both. What is noted, and a next step, is told to nobody: it waits for nobody.
"""

from collections.abc import Iterable, Iterator

from eventkernel.messages import Metadata
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.notifications_pb2 import Part, TellCircleRequest
from mentoring.sessions.v1.issue_events_pb2 import (
    IssueClosed,
    IssueIdle,
    IssueRaised,
    IssueReferralAccepted,
    IssueReferralChased,
    IssueReferralDeclined,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReopened,
)

from notifications.reactions.telling.reaction import telling, telling_id

_Event = (
    IssueRaised
    | IssueReferred
    | IssueReferralAccepted
    | IssueReferralDeclined
    | IssueReferralWithdrawn
    | IssueReferralChased
    | IssueClosed
    | IssueReopened
    | IssueIdle
)


@telling.on
def issue_raised(event: IssueRaised, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the other of learner and mentor."""
    yield _tell(event, Occasion.OCCASION_ISSUE_RAISED, event.raised_by_id, meta)


@telling.on
def issue_referred(event: IssueReferred, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever is asked, without what; and to the learner, without whom."""
    yield _tell(event, Occasion.OCCASION_ISSUE_REFERRED, event.mentor_id, meta, [event.referred_to_id])


@telling.on
def referral_accepted(event: IssueReferralAccepted, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor."""
    yield _tell(event, Occasion.OCCASION_ISSUE_ANSWERED, event.referred_to_id, meta)


@telling.on
def referral_declined(event: IssueReferralDeclined, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor, who can ask somebody else; why is not."""
    yield _tell(event, Occasion.OCCASION_ISSUE_ANSWERED, event.referred_to_id, meta)


@telling.on
def referral_withdrawn(event: IssueReferralWithdrawn, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever had it, without why, and to the learner and the mentor: which of the two did it, the event does not say."""
    yield _tell(event, Occasion.OCCASION_ISSUE_REFERRAL_WITHDRAWN, "", meta, [event.referred_to_id])


@telling.on
def referral_chased(event: IssueReferralChased, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to whoever is asked and to the mentor: nobody answered, and the day came."""
    yield _tell(event, Occasion.OCCASION_ISSUE_CHASED, "", meta, [event.referred_to_id])


@telling.on
def issue_closed(event: IssueClosed, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the learner and to all who have it, without the outcome."""
    yield _tell(event, Occasion.OCCASION_ISSUE_CLOSED, event.mentor_id, meta, event.referred_to_ids)


@telling.on
def issue_reopened(event: IssueReopened, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the other of learner and mentor."""
    yield _tell(event, Occasion.OCCASION_ISSUE_REOPENED, event.reopened_by_id, meta)


@telling.on
def issue_idle(event: IssueIdle, meta: Metadata) -> Iterator[TellCircleRequest]:
    """Told to the mentor, who can go on with it or close it."""
    yield _tell(event, Occasion.OCCASION_ISSUE_IDLE, "", meta)


def _tell(
    event: _Event, occasion: Occasion.ValueType, actor_id: str, meta: Metadata, referred_to_ids: Iterable[str] = ()
) -> TellCircleRequest:
    part = Because.BECAUSE_ISSUE_REFERRED_TO_THEM
    return TellCircleRequest(
        telling_id=telling_id(meta),
        learner_id=event.learner_id,
        kind=InformationKind.INFORMATION_KIND_ISSUE_PROGRESS,
        or_kind=InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING,
        occasion=occasion,
        about_id=event.issue_id,
        actor_id=actor_id,
        mentorship_id=event.mentorship_id,
        mentor_id=event.mentor_id,
        parts=[Part(person_id=one, because=part) for one in referred_to_ids],
    )
