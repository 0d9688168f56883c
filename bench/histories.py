"""Learners' years as events of two topics, in an order that keeps the read model's documents coming and going for as long as it lasts.

A learner has a session a week and a piece of evidence every other week, in three terms. Between two terms as many other learners
have theirs that a projector holds this one's document no longer, and loads it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eventkernel.messages import Commit, StoredEvent, event_id
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_ASSESSOR, Party, Sealed
from mentoring.evidence.v1.events_pb2 import (
    EVIDENCE_KIND_WORK_PRODUCT,
    Criteria,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.sessions.v1.events_pb2 import (
    MISS_REASON_LEARNER_ILL,
    SESSION_KIND_VOCATIONAL,
    TECHNIQUE_GROW,
    MentorshipStarted,
    SessionHeld,
    SessionMissed,
    SessionPlanned,
)

from bench.samples import MENTOR, STANDARD, TENANT

TERMS, WEEKS = 3, 16
# Learners at work at a time: what a flush finds changed is at most so many documents.
AT_WORK = 500
# A term begins so many learners after the one before did.
APART = 900
ASSESSOR = "assessor-1"
# As many as the topics of deploy/kafka have.
PARTITIONS = 8
# One session in ten is missed, one piece of evidence in four is referred back.
_MISSED, _REFERRED = 10, 4
_CODES = [f"K{n}" for n in range(1, 12)] + [f"S{n}" for n in range(1, 12)] + [f"B{n}" for n in range(1, 6)]
_FROM = datetime.now(UTC).replace(microsecond=0)
_AT = Timestamp(seconds=int(_FROM.timestamp()))


@dataclass(frozen=True, slots=True)
class Happening:
    """A commit of one published event, and the service whose topic it comes on."""

    service: str
    commit: Commit


def learner(number: int) -> str:
    """A learner's id."""
    return f"learner-{number:06}"


def events_of(learner_number: int) -> Iterator[Happening]:
    """One learner's whole year."""
    for term in range(TERMS):
        for week in range(WEEKS):
            yield from _week(learner_number, term * WEEKS + week)


def stream(events: int, apart: int = APART) -> Iterator[Happening]:
    """The events of as many learners as it takes, and no more than these."""
    for _, happening in zip(range(events), _endless(apart), strict=False):
        yield happening


def grown_after(apart: int = APART) -> int:
    """How many events come before learners of all three terms are among those at work, and so documents of every size."""
    return sum((1 + visit // apart) * WEEKS * 3 for visit in range((TERMS - 1) * apart))


def _endless(apart: int) -> Iterator[Happening]:
    first = 0
    while True:
        starts = range(first, first + AT_WORK // TERMS)
        at_work = [(start - term * apart, term) for start in starts for term in range(TERMS) if start >= term * apart]
        for week in range(WEEKS):
            for number, term in at_work:
                yield from _week(number, term * WEEKS + week)
        first = starts.stop


def _week(number: int, week: int) -> Iterator[Happening]:
    who, at = learner(number), _FROM + timedelta(milliseconds=week)
    for kind, stream_name, version, event in _events(number, week, who):
        yield _happening(kind, stream_name, version, event, who=who, at=at)


def _events(number: int, week: int, who: str) -> Iterator[tuple[str, str, int, Message]]:
    codes = [_CODES[(number + 5 * week + place) % len(_CODES)] for place in range(3)]
    if week == 0:
        yield "sessions.mentorship-started", f"mentorships-{who}", 1, _started(who)
    session = f"{who}-session-{week + 1}"
    yield "sessions.session-planned", f"session-{session}", 1, _planned(who, session, codes)
    if (number + week) % _MISSED:
        yield "sessions.session-held", f"session-{session}", 2, _held(who, session, codes)
    else:
        yield "sessions.session-missed", f"session-{session}", 2, _missed(who, session)
    if week % 2:
        piece = f"{who}-evidence-{week // 2 + 1}"
        yield "evidence.evidence-submitted", f"evidence-{piece}", 1, _submitted(who, piece, codes[:2])
        accepted = bool((number + week // 2) % _REFERRED)
        kind = "evidence.evidence-accepted" if accepted else "evidence.evidence-referred"
        yield kind, f"evidence-{piece}", 2, _judged(who, piece, codes[:2], accepted=accepted)


def _happening(kind: str, stream_name: str, version: int, event: Message, *, who: str, at: datetime) -> Happening:
    identity = f"{TENANT}/{stream_name}-{version}"
    one = StoredEvent(event_id(identity, 1), f"mentoring.{kind}", version, event.SerializeToString(), published=True)
    commit = Commit(
        id=identity, tenant=TENANT, stream=stream_name, events=(one,), partition_key=who, at=at, actor=MENTOR, published_version=version,
        fingerprint=bytes(32), correlation_id=event_id(identity, 2), traceparent=f"00-{'1' * 32}-{'1' * 16}-00",
    )  # fmt: skip
    return Happening(kind.partition(".")[0], commit)


def _started(who: str) -> Message:
    parties = [Party(person_id=ASSESSOR, relationship=PARTY_RELATIONSHIP_ASSESSOR)]
    return MentorshipStarted(
        learner_id=who, mentorship_id=f"mentorship-{who}", mentor_id=MENTOR, standard=STANDARD, employer_id="bakery", site_id="riverside",
        parties=parties,
    )  # fmt: skip


def _planned(who: str, session: str, codes: list[str]) -> Message:
    return SessionPlanned(
        session_id=session, learner_id=who, mentorship_id=f"mentorship-{who}", mentor_id=MENTOR, kind=SESSION_KIND_VOCATIONAL,
        starts_at=_AT, duration=Duration(seconds=3600), ksb_codes=codes, standard=STANDARD,
    )  # fmt: skip


def _held(who: str, session: str, codes: list[str]) -> Message:
    return SessionHeld(
        session_id=session, learner_id=who, mentor_id=MENTOR, duration=Duration(seconds=3300), ksb_codes=codes, techniques=[TECHNIQUE_GROW],
        shared_record=_sealed(who, 160), standard=STANDARD,
    )  # fmt: skip


def _missed(who: str, session: str) -> Message:
    return SessionMissed(session_id=session, learner_id=who, mentor_id=MENTOR, reason=MISS_REASON_LEARNER_ILL)


def _submitted(who: str, piece: str, codes: list[str]) -> Message:
    return EvidenceSubmitted(
        evidence_id=piece, learner_id=who, author_id=who, standard=STANDARD, kind=EVIDENCE_KIND_WORK_PRODUCT, ksb_codes=codes,
        title=_sealed(who, 48), produced_at=_AT,
    )  # fmt: skip


def _judged(who: str, piece: str, codes: list[str], *, accepted: bool) -> Message:
    return (EvidenceAccepted if accepted else EvidenceReferred)(
        evidence_id=piece, learner_id=who, assessor_id=ASSESSOR, ksb_codes=codes, standard=STANDARD, feedback=_sealed(who, 96),
        criteria=Criteria(validity=True, authenticity=True, currency=True, sufficiency=accepted, reliability=True),
    )  # fmt: skip


def _sealed(who: str, octets: int) -> Sealed:
    return Sealed(subject_id=who, key_version=1, nonce=bytes(12), ciphertext=bytes(octets))
