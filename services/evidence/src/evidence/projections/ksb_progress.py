"""What happened on a learner's way through the KSBs, one document a learner: sessions, activities, pieces of evidence and mentorships, each as it
stands by its id.

A piece that was resubmitted is still one, a decision that was superseded counts no longer, and neither does a piece that was withdrawn.
Nothing is added up here (`progress_figures.py` does): so a correction replaces what it corrects, and the streams of a learner, which come in
no order among each other, give the same document in any.
"""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    Decision,
    EvidenceAccepted,
    EvidenceReferred,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.judging_events_pb2 import EvidenceClaimsChanged, EvidenceResubmitted, EvidenceWithdrawn
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet
from mentoring.evidence.v1.quality_events_pb2 import SampleConfirmed
from mentoring.evidence.v1.review_events_pb2 import ReviewDueSet
from mentoring.evidence.v1.standard_events_pb2 import LearnerMigrated
from mentoring.sessions.v1.events_pb2 import (
    BreakInLearningEnded,
    BreakInLearningStarted,
    MentorshipCancelled,
    MentorshipCompleted,
    MentorshipStarted,
    SessionCancelled,
    SessionHeld,
    SessionMissed,
    SessionMoved,
    SessionPlanned,
)
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    JOB_TIME_OFF_THE_JOB,
    ActivityChanged,
    ActivityPlanned,
    ActivityWithdrawn,
    HoursCorrected,
    HoursReported,
    LearningPlanProposed,
    SessionCounted,
)
from mentoring.sessions.v1.mentorship_events_pb2 import EmployerChanged, MentorChanged, StandardChanged
from mentoring.sessions.v1.session_record_events_pb2 import HeldRecord, SessionCorrected

from evidence.projections.progress_document import (
    Activity,
    Break,
    Claim,
    LearnerProgress,
    Mentorship,
    Piece,
    Report,
    Session,
    Touched,
    Way,
)

ksb_progress = Projection(
    "ksb_progress", version=7, document=LearnerProgress, key="learner_id", indexes=("mentor_ids",)
)


@ksb_progress.on
def started(document: LearnerProgress, event: MentorshipStarted, meta: Metadata) -> None:
    """The learner is one of the standard's from now on, before anything is done."""
    document.mentorships[event.mentorship_id] = Mentorship(
        reference=event.standard.reference,
        version=event.standard.version,
        mentor_id=event.mentor_id,
        employer_id=event.employer_id,
        site_id=event.site_id,
        started_ms=_ms(meta),
    )
    _name_mentors(document)


@ksb_progress.on
def mentor_changed(document: LearnerProgress, event: MentorChanged, _meta: Metadata) -> None:
    """Another mentor has the learner."""
    document.mentorships[event.mentorship_id].mentor_id = event.mentor_id
    _name_mentors(document)


@ksb_progress.on
def employer_changed(document: LearnerProgress, event: EmployerChanged, _meta: Metadata) -> None:
    """The learner is counted with another employer and site."""
    mentorship = document.mentorships[event.mentorship_id]
    mentorship.employer_id, mentorship.site_id = event.employer_id, event.site_id


@ksb_progress.on
def standard_changed(document: LearnerProgress, event: StandardChanged, _meta: Metadata) -> None:
    """The learner is one of another version's from now on."""
    mentorship = document.mentorships[event.mentorship_id]
    mentorship.reference, mentorship.version = event.standard.reference, event.standard.version


@ksb_progress.on
def migrated(document: LearnerProgress, event: LearnerMigrated, _meta: Metadata) -> None:
    """What was done by the version before counts by the other as well, as this mapping says; of those from one version the newest holds."""
    way = Way(
        reference=event.standard.reference,
        version=event.standard.version,
        to_reference=event.to.reference,
        to_version=event.to.version,
        codes={one.code: list(one.to_codes) for one in event.mapping},
    )
    document.ways = [one for one in document.ways if one.source != way.source] + [way]


@ksb_progress.on
def mentorship_cancelled(document: LearnerProgress, event: MentorshipCancelled, _meta: Metadata) -> None:
    """It is over."""
    document.mentorships[event.mentorship_id].active = False
    _name_mentors(document)


@ksb_progress.on
def mentorship_completed(document: LearnerProgress, event: MentorshipCompleted, _meta: Metadata) -> None:
    """It is over."""
    document.mentorships[event.mentorship_id].active = False
    _name_mentors(document)


@ksb_progress.on
def break_started(document: LearnerProgress, event: BreakInLearningStarted, _meta: Metadata) -> None:
    """The clock stops."""
    document.mentorships[event.mentorship_id].breaks.append(Break(first_day=event.first_day))


@ksb_progress.on
def break_ended(document: LearnerProgress, event: BreakInLearningEnded, _meta: Metadata) -> None:
    """The clock goes on."""
    document.mentorships[event.mentorship_id].breaks[-1].returned_on = event.returned_on


@ksb_progress.on
def plan_proposed(document: LearnerProgress, event: LearningPlanProposed, _meta: Metadata) -> None:
    """What the sessions service holds the mentorship's off-the-job hours against."""
    document.minimum_seconds[event.mentorship_id] = event.minimum_off_the_job.ToSeconds()


@ksb_progress.on
def review_due(document: LearnerProgress, event: ReviewDueSet, _meta: Metadata) -> None:
    """When the next review is due, as it stands from now on."""
    late_at = event.late_at if event.HasField("late_at") else None
    document.reviews_late_ms[event.mentorship_id] = late_at.ToMilliseconds() if late_at else 0


@ksb_progress.on
def planned(document: LearnerProgress, event: SessionPlanned, _meta: Metadata) -> None:
    """A session ahead that aims at KSBs."""
    document.sessions[event.session_id] = Session(
        reference=event.standard.reference,
        version=event.standard.version,
        aims=list(event.ksb_codes),
        starts_ms=event.starts_at.ToMilliseconds(),
    )


@ksb_progress.on
def moved(document: LearnerProgress, event: SessionMoved, _meta: Metadata) -> None:
    """It begins at another time."""
    document.sessions[event.session_id].starts_ms = event.starts_at.ToMilliseconds()


@ksb_progress.on
def practised(document: LearnerProgress, event: SessionHeld, meta: Metadata) -> None:
    """A session held that touched KSBs, planned for or not."""
    _hold(document.sessions[event.session_id], event, event.standard, meta)


@ksb_progress.on
def corrected(document: LearnerProgress, event: SessionCorrected, meta: Metadata) -> None:
    """What stands counts in place of what stood. A KSB that was named before keeps its time."""
    session = document.sessions[event.session_id]
    if event.HasField("held"):
        _hold(session, event.held, event.standard, meta)
    else:
        session.missed, session.held, session.seconds, session.touched = True, False, 0, {}
        session.record_reference = session.record_version = ""


@ksb_progress.on
def missed(document: LearnerProgress, event: SessionMissed, _meta: Metadata) -> None:
    """A session that did not take place touched nothing."""
    document.sessions[event.session_id].missed = True


@ksb_progress.on
def cancelled(document: LearnerProgress, event: SessionCancelled, _meta: Metadata) -> None:
    """A session that was called off counts as if it had never been planned."""
    del document.sessions[event.session_id]


@ksb_progress.on
def session_counted(document: LearnerProgress, event: SessionCounted, _meta: Metadata) -> None:
    """What was said last of the session holds, whether or not the session is known yet."""
    document.counted_off_the_job[event.session_id] = event.job_time == JOB_TIME_OFF_THE_JOB


@ksb_progress.on
def activity_planned(document: LearnerProgress, event: ActivityPlanned, _meta: Metadata) -> None:
    """An activity aims at KSBs."""
    _plan(document, event)


@ksb_progress.on
def activity_changed(document: LearnerProgress, event: ActivityChanged, _meta: Metadata) -> None:
    """It aims at these from now on."""
    _plan(document, event)


@ksb_progress.on
def activity_withdrawn(document: LearnerProgress, event: ActivityWithdrawn, _meta: Metadata) -> None:
    """It is planned no more. What was done on it stays done."""
    document.activities[event.activity_id].withdrawn = True


@ksb_progress.on
def reported(document: LearnerProgress, event: HoursReported, meta: Metadata) -> None:
    """Time was spent on an activity."""
    _report(document, event, meta)


@ksb_progress.on
def report_corrected(document: LearnerProgress, event: HoursCorrected, meta: Metadata) -> None:
    """One report takes the place of another."""
    del document.reports[event.supersedes_id]
    _report(document, event, meta)


@ksb_progress.on
def evidenced(document: LearnerProgress, event: EvidenceSubmitted, meta: Metadata) -> None:
    """A piece claimed."""
    piece = Piece(reference=event.standard.reference, version=event.standard.version)
    piece.claims = {code: Claim(touched_ms=_ms(meta)) for code in event.ksb_codes}
    document.pieces[event.evidence_id] = piece


@ksb_progress.on
def evidenced_again(document: LearnerProgress, event: EvidenceResubmitted, meta: Metadata) -> None:
    """The same piece, with claims that wait."""
    _claim(document, event, meta)


@ksb_progress.on
def claims_changed(document: LearnerProgress, event: EvidenceClaimsChanged, meta: Metadata) -> None:
    """The same piece, with other claims that wait."""
    _claim(document, event, meta)


@ksb_progress.on
def withdrawn(document: LearnerProgress, event: EvidenceWithdrawn, _meta: Metadata) -> None:
    """A piece that is claimed no longer."""
    del document.pieces[event.evidence_id]


@ksb_progress.on
def accepted(document: LearnerProgress, event: EvidenceAccepted, meta: Metadata) -> None:
    """Claims that count, and who said so: instead of what was decided on them before, where that was superseded."""
    _decide(document, event, DECISION_ACCEPT, meta)


@ksb_progress.on
def referred(document: LearnerProgress, event: EvidenceReferred, meta: Metadata) -> None:
    """Claims that do not count."""
    _decide(document, event, DECISION_REFER, meta)


@ksb_progress.on
def confirmed(document: LearnerProgress, event: SampleConfirmed, _meta: Metadata) -> None:
    """The IQA confirms what the assessor accepted; one that was superseded stays confirmed, and counts no more."""
    # Events from before decisions had numbers name no codes that were accepted: then it was all of them, or none.
    accepted = event.accepted_ksb_codes or (event.ksb_codes if event.decision == DECISION_ACCEPT else ())
    for code in accepted:
        known = document.confirmed.setdefault(event.evidence_id, {}).setdefault(code, [])
        known[:] = sorted({*known, event.decision_number or 1})


@ksb_progress.on
def end_planned(document: LearnerProgress, event: PlannedEndSet, _meta: Metadata) -> None:
    """The newest plan holds."""
    document.planned_ends[f"{event.standard.reference} {event.standard.version}"] = event.ends_on


def _name_mentors(document: LearnerProgress) -> None:
    document.mentor_ids = sorted({one.mentor_id for one in document.mentorships.values() if one.active})


def _hold(session: Session, record: SessionHeld | HeldRecord, by: StandardVersion, meta: Metadata) -> None:
    """A KSB has the minutes that the record shares out, or the whole length where it shares out none. Its codes are of the version `by`."""
    whole, minutes = record.duration.ToSeconds(), {one.ksb_code: one.minutes for one in record.ksb_minutes}
    before = session.touched
    session.missed, session.held, session.seconds = False, True, whole
    session.record_reference, session.record_version = by.reference, by.version
    session.touched = {
        code: Touched(
            seconds=minutes.get(code, 0) * 60 if minutes else whole,
            ms=before[code].ms if code in before else _ms(meta),
        )
        for code in record.ksb_codes
    }


def _plan(document: LearnerProgress, event: ActivityPlanned | ActivityChanged) -> None:
    document.activities[event.activity_id] = Activity(
        reference=event.standard.reference,
        version=event.standard.version,
        ksb_codes=list(event.activity.ksb_codes),
    )


def _report(document: LearnerProgress, event: HoursReported | HoursCorrected, meta: Metadata) -> None:
    """A report on an activity is of the same stream as the activity. One that says that nothing was done is none."""
    activity = document.activities[event.activity_id]
    document.reports[event.report_id] = Report(
        activity_id=event.activity_id,
        reference=activity.reference,
        version=activity.version,
        ksb_codes=activity.ksb_codes,
        seconds=event.duration.ToSeconds(),
        off_the_job=event.job_time == JOB_TIME_OFF_THE_JOB,
        ms=_ms(meta),
    )


def _claim(document: LearnerProgress, event: EvidenceResubmitted | EvidenceClaimsChanged, meta: Metadata) -> None:
    claims = document.pieces[event.evidence_id].claims
    for code in event.ksb_codes:
        claims[code] = Claim(touched_ms=_ms(meta))
    for code in event.withdrawn_ksb_codes:
        claims.pop(code, None)


def _decide(
    document: LearnerProgress,
    event: EvidenceAccepted | EvidenceReferred,
    decision: Decision.ValueType,
    meta: Metadata,
) -> None:
    claims = document.pieces[event.evidence_id].claims
    for code in event.ksb_codes:
        claims[code] = Claim(
            decision=decision,
            decided_by=event.assessor_id,
            decided_ms=_ms(meta),
            # Events from before decisions had numbers: there was one.
            number=event.decision or 1,
            touched_ms=_ms(meta),
        )


def _ms(meta: Metadata) -> int:
    return int(meta.at.timestamp() * 1000)
