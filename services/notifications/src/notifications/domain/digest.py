"""Digest: what a person is to be told in one message. A person has one at a time that is open, and they are counted.

It begins with the first notice that waits, and when it goes follows from when it began and from what its person wishes then. What comes
while it is handed over waits for the next one, so that nothing is lost and nothing is listed twice.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eventkernel.aggregate import Aggregate, Context
from eventkernel.timestamps import timestamp
from mentoring.notifications.v1.digests_events_pb2 import (
    DigestBegun,
    DigestClosed,
    DigestListed,
    GatheredNotice,
    NoticeGathered,
)
from mentoring.notifications.v1.digests_pb2 import AddToDigestRequest, CloseDigestRequest, SendDigestRequest
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest


@dataclass(frozen=True, slots=True)
class Gathered:
    """A notice that waits; `requested_at` None: in old rows it was not kept."""

    notice_id: str
    telling_id: str
    occasion: Occasion.ValueType
    because: Because.ValueType
    detail: Detail.ValueType
    about_id: str
    requested_at: datetime | None

    def for_person(self, person_id: str) -> StartNoticeRequest:
        """As it would go by itself."""
        return StartNoticeRequest(
            notice_id=self.notice_id,
            recipient_id=person_id,
            telling_id=self.telling_id,
            occasion=self.occasion,
            because=self.because,
            detail=self.detail,
            about_id=self.about_id,
            requested_at=timestamp(self.requested_at),
        )


@dataclass(frozen=True, slots=True)
class Digest:
    """The person's newest: the notice that it goes out as, what waits for it, and which of that it lists. Closed: it has no notice."""

    number: int = 0
    notice_id: str = ""
    waiting: tuple[Gathered, ...] = ()
    listed_ids: frozenset[str] = frozenset()

    @property
    def listed(self) -> tuple[Gathered, ...]:
        """What it lists, in the order in which it was asked for."""
        return tuple(one for one in self.waiting if one.notice_id in self.listed_ids)

    def is_open(self, number: int) -> bool:
        """Whether it is this one that is open."""
        return bool(self.notice_id) and self.number == number


digest = Aggregate("digest", initial=Digest())


@digest.decide
def add_to_digest(state: Digest, command: AddToDigestRequest, context: Context) -> list[DigestBegun | NoticeGathered]:
    """It waits for the open digest, or begins the next one; what waits already gives nothing."""
    if any(one.notice_id == command.notice.notice_id for one in state.waiting):
        return []
    begun = [] if state.notice_id else [_begun(command.person_id, state, context)]
    return [*begun, NoticeGathered(person_id=command.person_id, notice=command.notice)]


@digest.decide
def send_digest(state: Digest, command: SendDigestRequest, _context: Context) -> list[DigestListed]:
    """What is listed; the same again, and of one that is closed, gives nothing."""
    if not state.is_open(command.number) or frozenset(command.notice_ids) == state.listed_ids:
        return []
    return [DigestListed(person_id=command.person_id, number=command.number, notice_ids=command.notice_ids)]


@digest.decide
def close_digest(state: Digest, command: CloseDigestRequest, context: Context) -> list[DigestClosed | DigestBegun]:
    """Ends it. Where something came since, the next one begins."""
    if not state.is_open(command.number):
        return []
    closed = DigestClosed(person_id=command.person_id, number=command.number, notice_ids=command.notice_ids)
    after = digest_closed(state, closed)
    return [closed, _begun(command.person_id, after, context)] if after.waiting else [closed]


@digest.evolve
def digest_begun(state: Digest, event: DigestBegun) -> Digest:
    """The next one is open."""
    return replace(state, number=event.number, notice_id=event.notice_id)


@digest.evolve
def notice_gathered(state: Digest, event: NoticeGathered) -> Digest:
    """One more waits."""
    return replace(state, waiting=(*state.waiting, _gathered(event.notice)))


@digest.evolve
def digest_listed(state: Digest, event: DigestListed) -> Digest:
    """The newest list counts."""
    return replace(state, listed_ids=frozenset(event.notice_ids))


@digest.evolve
def digest_closed(state: Digest, event: DigestClosed) -> Digest:
    """Only what came since waits."""
    done = set(event.notice_ids)
    return Digest(number=state.number, waiting=tuple(one for one in state.waiting if one.notice_id not in done))


def _begun(person_id: str, state: Digest, context: Context) -> DigestBegun:
    number = state.number + 1
    return DigestBegun(person_id=person_id, number=number, notice_id=context.derive_id("digest", str(number)))


def _gathered(notice: GatheredNotice) -> Gathered:
    return Gathered(
        notice.notice_id,
        notice.telling_id,
        notice.occasion,
        notice.because,
        notice.detail,
        notice.about_id,
        notice.requested_at.ToDatetime(UTC) if notice.HasField("requested_at") else None,
    )
