"""The progress reviews of one mentorship, as they stand: what was noted of the mentorship, what is due, and each review."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from eventkernel.aggregate import Context, NotYet, Refusal
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_EMPLOYER_CONTACT
from mentoring.evidence.v1.review_events_pb2 import (
    SIGNATORY_EMPLOYER,
    SIGNATORY_LEARNER,
    SIGNATORY_PROVIDER,
    Signatory,
)
from mentoring.evidence.v1.review_views_pb2 import REVIEW_STATUS_SCHEDULED, ReviewStatus

from evidence.domain.review_due import Break, Due

SIGNATORIES = (SIGNATORY_LEARNER, SIGNATORY_PROVIDER, SIGNATORY_EMPLOYER)


@dataclass(frozen=True, slots=True, order=True)
class Attached:
    """A party; `relationship` is a PartyRelationship."""

    person_id: str
    relationship: int


@dataclass(frozen=True, slots=True)
class Mentored:
    """The mentorship, as it was noted."""

    learner_id: str
    mentorship_id: str
    mentor_id: str
    reference: str
    version: str
    parties: tuple[Attached, ...]
    ksb_codes: tuple[str, ...]
    started_on: date
    breaks: tuple[Break, ...] = ()
    ended: bool = False

    def is_party(self, person_id: str, relationships: Collection[int]) -> bool:
        """Whether this person is attached in one of these relationships."""
        return any(one.person_id == person_id and one.relationship in relationships for one in self.parties)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature under the present content."""

    signatory: Signatory.ValueType
    signed_by: str
    objecting: bool


@dataclass(frozen=True, slots=True)
class Review:
    """One review; `status` is a ReviewStatus, `duration` in seconds. What follows `duration` is empty until it was held.

    One that took place unscheduled has no `starts_at`, and a duration of 0.
    `late_hash` is the content of which it was told that its signatures are late.
    """

    review_id: str
    status: ReviewStatus.ValueType
    starts_at: datetime | None
    duration: int
    held_on: date | None = None
    revision: int = 0
    content_hash: str = ""
    sign_by: datetime | None = None
    signatures: tuple[Signed, ...] = ()
    late_hash: str = ""

    @property
    def place(self) -> str:
        """Where it is among others, by time: that of its appointment, or its day."""
        if self.starts_at is not None:
            return self.starts_at.isoformat(timespec="microseconds")
        return "" if self.held_on is None else self.held_on.isoformat()

    @property
    def missing(self) -> tuple[Signatory.ValueType, ...]:
        """For whom nobody signed the present content."""
        given = {one.signatory for one in self.signatures}
        return tuple(one for one in SIGNATORIES if one not in given)


@dataclass(frozen=True, slots=True)
class Reviews:
    """All reviews of a mentorship in the order in which they were scheduled. `late_told` is the day of which it was told that none was held by it."""

    mentored: Mentored | None = None
    due: Due | None = None
    late_told: date | None = None
    reviews: tuple[Review, ...] = ()

    def find(self, review_id: str) -> Review | None:
        """The review with this id."""
        return next((one for one in self.reviews if one.review_id == review_id), None)

    @property
    def scheduled(self) -> Review | None:
        """The one that is to take place."""
        return next((one for one in self.reviews if one.status == REVIEW_STATUS_SCHEDULED), None)

    @property
    def last_held_on(self) -> date | None:
        """The newest day on which one was held."""
        return max((one.held_on for one in self.reviews if one.held_on is not None), default=None)


def known_mentorship(state: Reviews, mentorship_id: str) -> Mentored:
    """Raises NotYet MENTORSHIP_UNKNOWN where it was not heard of."""
    if state.mentored is None:
        raise NotYet(
            "MENTORSHIP_UNKNOWN",
            f"mentorship {mentorship_id} was not heard of yet; check both ids, or ask again in a moment",
            field="mentorship_id",
        )
    return state.mentored


def active_mentorship(state: Reviews, mentorship_id: str) -> Mentored:
    """Raises Refusal MENTORSHIP_NOT_ACTIVE where it has ended."""
    mentored = known_mentorship(state, mentorship_id)
    if mentored.ended:
        raise Refusal(
            "MENTORSHIP_NOT_ACTIVE",
            f"mentorship {mentorship_id} has ended, and with it what was open in it; name an active one",
            field="mentorship_id",
        )
    return mentored


def signs_for(mentored: Mentored, signatory: Signatory.ValueType, context: Context) -> bool:
    """Whether the caller may sign for the learner, the provider or the employer."""
    person_id = context.principal.person_id
    if signatory == SIGNATORY_LEARNER or person_id == mentored.learner_id:
        return signatory == SIGNATORY_LEARNER and person_id == mentored.learner_id
    if signatory == SIGNATORY_PROVIDER:
        return person_id == mentored.mentor_id or "provider_manager" in context.principal.roles
    return mentored.is_party(person_id, {PARTY_RELATIONSHIP_EMPLOYER_CONTACT})
