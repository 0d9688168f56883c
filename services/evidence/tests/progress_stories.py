"""Histories of a learner for tests: streams of events, each event with the moment at which it was recorded."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from eventkernel.messages import Metadata
from evidence.projections.ksb_progress import ksb_progress
from evidence.projections.progress_document import LearnerProgress
from evidence.projections.progress_facts import CONTRACT, ProgressFacts, progress_facts
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    KSB_KIND_KNOWLEDGE,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
    Ksb,
    StandardImported,
)
from mentoring.evidence.v1.judging_events_pb2 import EvidenceClaimsChanged, EvidenceResubmitted, EvidenceWithdrawn
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet
from mentoring.evidence.v1.quality_events_pb2 import SampleConfirmed
from mentoring.evidence.v1.review_events_pb2 import ReviewDueSet
from mentoring.sessions.v1 import events_pb2 as sessions
from mentoring.sessions.v1 import learning_plan_events_pb2 as plans
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, SessionCorrected

LEARNER = "learner-1"
ST0148 = StandardVersion(reference="ST0148", version="1.0")
CODES = ("K1", "K2", "K3", "K4")
STREAMS = {
    "standard-ST0148": [
        StandardImported(
            standard=ST0148,
            ksbs=[Ksb(code=code, kind=KSB_KIND_KNOWLEDGE, statement=f"What {code} says") for code in CODES],
        )
    ]
}
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECRET = Sealed(subject_id=LEARNER, key_version=1, nonce=b"nonce-of-twelve", ciphertext=b"cipher-of-a-text")


class Known(NamedTuple):
    """An event with all that is known of it."""

    event: Message
    meta: Metadata


def known(stream: str, version: int, event: Message, at: datetime) -> Known:
    return Known(event, Metadata(f"{stream}@{version}", CONTRACT.of(event).type, "provider-1", stream, version, at))


def story(stream: str, *events: tuple[Message, datetime]) -> list[Known]:
    """One stream's history."""
    return [known(stream, place, event, at) for place, (event, at) in enumerate(events, 1)]


def live(history: Iterable[Known]) -> LearnerProgress:
    """The read model after these events came in, in this order; stored and loaded in between."""
    document = ksb_progress.new(LEARNER)
    for event, meta in history:
        ksb_progress.folds[type(event)](document, event, meta)
        document = LearnerProgress.model_validate(document.model_dump())
    return document


def facts(history: Iterable[Known]) -> list[ProgressFacts]:
    """The facts after these events came in."""
    documents: dict[str, ProgressFacts] = {}
    for event, meta in history:
        document = documents.setdefault(meta.stream, progress_facts.new(meta.stream))
        progress_facts.folds[type(event)](document, event, meta)
    return [ProgressFacts.model_validate(one.model_dump()) for one in documents.values()]


def started(
    mentorship_id: str = "m1", mentor_id: str = "mentor-1", employer_id: str = "", site_id: str = ""
) -> sessions.MentorshipStarted:
    return sessions.MentorshipStarted(
        learner_id=LEARNER, mentorship_id=mentorship_id, mentor_id=mentor_id, standard=ST0148, employer_id=employer_id,
        site_id=site_id,
    )  # fmt: skip


def planned(session_id: str, *codes: str, at: datetime = BEGAN) -> sessions.SessionPlanned:
    starts = Timestamp()
    starts.FromDatetime(at)
    return sessions.SessionPlanned(
        session_id=session_id,
        learner_id=LEARNER,
        mentorship_id="m1",
        ksb_codes=codes,
        standard=ST0148,
        starts_at=starts,
    )


def held(session_id: str, *codes: str, minutes: int = 60) -> sessions.SessionHeld:
    return sessions.SessionHeld(
        session_id=session_id, learner_id=LEARNER, ksb_codes=codes, duration=Duration(seconds=60 * minutes),
        shared_record=SECRET, standard=ST0148,
    )  # fmt: skip


def submitted(evidence_id: str, *codes: str) -> EvidenceSubmitted:
    return EvidenceSubmitted(
        evidence_id=evidence_id, learner_id=LEARNER, ksb_codes=codes, standard=ST0148, title=SECRET
    )


def accepted(evidence_id: str, *codes: str, by: str = "assessor-1", number: int = 0) -> EvidenceAccepted:
    return EvidenceAccepted(
        evidence_id=evidence_id, learner_id=LEARNER, ksb_codes=codes, assessor_id=by, standard=ST0148, feedback=SECRET,
        decision=number,
    )  # fmt: skip


def referred(evidence_id: str, *codes: str) -> EvidenceReferred:
    return EvidenceReferred(
        evidence_id=evidence_id, learner_id=LEARNER, ksb_codes=codes, assessor_id="assessor-1", standard=ST0148
    )


def sampled(
    evidence_id: str, *codes: str, decision: int = DECISION_ACCEPT, among: tuple[str, ...] = (), number: int = 0
) -> SampleConfirmed:
    """`among`: of these, the codes alone were accepted; none: an event from before it said which."""
    return SampleConfirmed(
        sample_id=f"sample-{evidence_id}", learner_id=LEARNER, evidence_id=evidence_id, ksb_codes=among or codes,
        accepted_ksb_codes=codes if among else (), decision=decision, standard=ST0148,  # type: ignore[arg-type]
        decision_number=number,
    )  # fmt: skip


def activity(activity_id: str, *codes: str) -> plans.ActivityPlanned:
    return plans.ActivityPlanned(
        learner_id=LEARNER, mentorship_id="m1", activity_id=activity_id, standard=ST0148,
        activity=plans.PlannedActivity(ksb_codes=codes), title=SECRET,
    )  # fmt: skip


def hours(
    report_id: str, activity_id: str, minutes: int, job_time: "plans.JobTime.ValueType" = plans.JOB_TIME_OFF_THE_JOB
) -> plans.HoursReported:
    return plans.HoursReported(
        learner_id=LEARNER, mentorship_id="m1", report_id=report_id, activity_id=activity_id,
        duration=Duration(seconds=60 * minutes), job_time=job_time,
    )  # fmt: skip


def hours_instead(report_id: str, supersedes_id: str, activity_id: str, minutes: int) -> plans.HoursCorrected:
    return plans.HoursCorrected(
        learner_id=LEARNER, mentorship_id="m1", report_id=report_id, supersedes_id=supersedes_id, activity_id=activity_id,
        duration=Duration(seconds=60 * minutes), job_time=plans.JOB_TIME_OFF_THE_JOB,
    )  # fmt: skip


def counted(session_id: str, job_time: "plans.JobTime.ValueType" = plans.JOB_TIME_OFF_THE_JOB) -> plans.SessionCounted:
    return plans.SessionCounted(learner_id=LEARNER, mentorship_id="m1", session_id=session_id, job_time=job_time)


def random_streams(chance: random.Random) -> Mapping[str, Sequence[Known]]:
    """Some streams of one learner, each in its order, all within ninety days and many in the same moment."""
    streams: dict[str, list[Message]] = {"mentorships-learner-1": list(_mentorship(chance))}
    streams["learning-plans-learner-1"] = list(_plan(chance))
    streams["planned-end-learner-1"] = [
        PlannedEndSet(learner_id=LEARNER, standard=ST0148, ends_on=f"2026-{month:02}-01")
        for month in chance.sample(range(3, 12), chance.randrange(3))
    ]
    streams["reviews-learner-1"] = [
        ReviewDueSet(learner_id=LEARNER, mentorship_id="m1", late_at=Timestamp(seconds=second))
        for second in range(1_800_000_000, 1_800_000_000 + chance.randrange(3))
    ]
    for number in range(4):
        streams[f"session-s{number}"] = list(_session(f"s{number}", chance))
        streams[f"evidence-e{number}"] = list(_piece(f"e{number}", chance))
        if chance.random() < 0.6:
            streams[f"sample-x{number}"] = [sampled(f"e{number}", *_some(chance))]
    told = {}
    for name, events in streams.items():
        days = sorted(chance.randrange(90) for _ in events)
        told[name] = story(
            name, *[(event, BEGAN + timedelta(days=day)) for event, day in zip(events, days, strict=True)]
        )
    return told


def interleaved(streams: Mapping[str, Sequence[Known]], chance: random.Random) -> list[Known]:
    """All events in some order in which they may come in: each stream's in its own."""
    left = {name: list(events) for name, events in streams.items() if events}
    history = []
    while left:
        name = chance.choice(sorted(left))
        history.append(left[name].pop(0))
        if not left[name]:
            del left[name]
    return history


def _some(chance: random.Random) -> list[str]:
    return sorted(chance.sample(CODES, chance.randint(1, len(CODES))))


def _mentorship(chance: random.Random) -> Iterator[Message]:
    yield started()
    for day in range(1, chance.randint(1, 4)):
        yield sessions.BreakInLearningStarted(
            learner_id=LEARNER, mentorship_id="m1", first_day=f"2026-02-0{day}", reason=SECRET
        )
        yield sessions.BreakInLearningEnded(learner_id=LEARNER, mentorship_id="m1", returned_on=f"2026-02-0{day + 1}")
    if chance.random() < 0.3:
        yield MentorChanged(learner_id=LEARNER, mentorship_id="m1", mentor_id="mentor-2")
        yield EmployerChanged(learner_id=LEARNER, mentorship_id="m1", mentor_id="mentor-2", employer_id="employer-2")
    if chance.random() < 0.3:
        yield sessions.MentorshipCompleted(learner_id=LEARNER, mentorship_id="m1")


def _plan(chance: random.Random) -> Iterator[Message]:
    yield activity("a1", *_some(chance))
    yield hours("r1", "a1", chance.randint(1, 90))
    if chance.random() < 0.5:
        yield plans.ActivityChanged(
            learner_id=LEARNER,
            activity_id="a1",
            standard=ST0148,
            activity=plans.PlannedActivity(ksb_codes=_some(chance)),
        )
    if chance.random() < 0.5:
        yield hours_instead("r2", "r1", "a1", chance.randint(0, 90))
    if chance.random() < 0.5:
        yield plans.ActivityWithdrawn(learner_id=LEARNER, activity_id="a1")
    yield counted("s1", chance.choice([plans.JOB_TIME_OFF_THE_JOB, plans.JOB_TIME_ON_THE_JOB]))
    yield plans.LearningPlanProposed(
        learner_id=LEARNER, mentorship_id="m1", minimum_off_the_job=Duration(seconds=chance.randint(1, 9) * 3600)
    )


def _session(session_id: str, chance: random.Random) -> Iterator[Message]:
    yield planned(session_id, *_some(chance))
    if chance.random() < 0.3:
        yield sessions.SessionMoved(
            session_id=session_id, learner_id=LEARNER, starts_at=Timestamp(seconds=1_800_000_000)
        )
    ends = chance.randrange(4)
    if ends == 0:
        yield sessions.SessionCancelled(session_id=session_id, learner_id=LEARNER)
        return
    if ends == 1:
        yield sessions.SessionMissed(session_id=session_id, learner_id=LEARNER)
    if ends == 2:
        yield held(session_id, *_some(chance), minutes=chance.randint(5, 90))
    if ends in (1, 2) and chance.random() < 0.6:
        corrected = SessionCorrected(session_id=session_id, learner_id=LEARNER, standard=ST0148)
        if chance.random() < 0.5:
            corrected.missed.SetInParent()
        else:
            corrected.held.CopyFrom(
                HeldRecord(duration=Duration(seconds=600), ksb_codes=_some(chance), shared_record=SECRET)
            )
        yield corrected


def _piece(evidence_id: str, chance: random.Random) -> Iterator[Message]:
    codes = _some(chance)
    yield submitted(evidence_id, *codes)
    judged = chance.randrange(3)
    if chance.random() < 0.3:
        codes = _some(chance)
        yield EvidenceClaimsChanged(evidence_id=evidence_id, learner_id=LEARNER, standard=ST0148, ksb_codes=codes)
    if judged == 1:
        yield accepted(evidence_id, *codes, by=f"assessor-{chance.randrange(3)}")
    if judged == 2:
        yield referred(evidence_id, *codes)
        if chance.random() < 0.5:
            yield EvidenceResubmitted(
                evidence_id=evidence_id, learner_id=LEARNER, standard=ST0148, ksb_codes=codes[:1],
                withdrawn_ksb_codes=codes[1:], title=SECRET,
            )  # fmt: skip
    if chance.random() < 0.2:
        yield EvidenceWithdrawn(evidence_id=evidence_id, learner_id=LEARNER, standard=ST0148, reason=SECRET)
