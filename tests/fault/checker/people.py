"""I5: at most one notification per event, recipient and channel. I6: every concern is acknowledged or escalated by its deadline."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mentoring.notifications.v1.events_pb2 import (
    OUTCOME_ACKNOWLEDGED,
    OUTCOME_SENT,
    OUTCOME_UNKNOWN,
    NoticeRequested,
    NoticeSettled,
    NoticeStarted,
    Outcome,
)
from mentoring.safeguarding.v1.events_pb2 import ConcernAcknowledged, ConcernAssigned, ConcernClosed, ConcernEscalated
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMerged
from notifications.domain.occasions import is_safeguarding

from tests.fault.checker.evidence import Evidence, Mail
from tests.fault.checker.verdict import Verdict

# How long after its deadline, or after the fault was over, the next person may be asked at the latest.
ASKED_WITHIN = timedelta(seconds=60)


@dataclass
class _Notice:
    recipient_id: str = ""
    event: str = ""
    safeguarding: bool = False
    about_id: str = ""
    about_version: int = 0
    attempts: int = 0
    unknown: int = 0
    outcome: Outcome.ValueType = Outcome.OUTCOME_UNSPECIFIED


def told_at_most_once(evidence: Evidence) -> Verdict:
    """Each notice is one mail; a second only of a safeguarding notice, under the same id, after an outcome recorded as unknown.

    None of an alert about a concern that was taken or closed after it was asked for, and of no other.
    """
    verdict = Verdict("I5")
    notices = _notices(evidence)
    taken = _taken(evidence)
    mails: dict[str, list[Mail]] = defaultdict(list)
    for mail in evidence.mails:
        mails[mail.notice_id].append(mail)
    for notice_id in mails.keys() - notices.keys():
        verdict.hold(False, f"mail came for a notice that nobody requested: {notice_id}")
    for notice_id, notice in notices.items():
        sent = mails[notice_id]
        most = 1 + (notice.unknown if notice.safeguarding else 0)
        verdict.hold(
            len(sent) <= most, f"{notice_id} was sent {len(sent)} times, with {notice.unknown} outcomes unknown"
        )
        verdict.hold(len({mail.message_id for mail in sent}) <= 1, f"{notice_id} was sent under several message ids")
        ended = (OUTCOME_SENT, OUTCOME_ACKNOWLEDGED if notice.safeguarding else OUTCOME_UNKNOWN)
        verdict.hold(
            notice.outcome in ended, f"{notice_id} is {Outcome.Name(notice.outcome)} after {notice.attempts} attempts"
        )
        went_out = bool(sent) or notice.outcome != OUTCOME_SENT
        verdict.hold(went_out, f"{notice_id} is recorded as sent, and no mail came")
        verdict.hold(
            notice.outcome != OUTCOME_ACKNOWLEDGED or taken.get(notice.about_id, 0) > notice.about_version,
            f"{notice_id} was not sent, and nobody has taken {notice.about_id} since version {notice.about_version}",
        )
    for (event, recipient), times in Counter((one.event, one.recipient_id) for one in notices.values()).items():
        verdict.hold(times == 1, f"{recipient} has {times} notices of the event {event}")
    return verdict


def nobody_waits_past_the_deadline(evidence: Evidence, healed: datetime) -> Verdict:
    """Each time somebody is asked, an acknowledgement or the next to be asked comes by the deadline, or soon after the fault.

    What is added while it waits is told at the step that runs, with its deadline: that begins no other.
    """
    verdict = Verdict("I6")
    steps: dict[str, dict[int, ConcernAssigned]] = defaultdict(dict)
    answers: dict[str, list[datetime]] = defaultdict(list)
    for logged in evidence.events("safeguarding"):
        if isinstance(logged.event, ConcernAssigned):
            steps[logged.event.concern_id].setdefault(logged.event.step, logged.event)
        if isinstance(logged.event, ConcernAcknowledged | ConcernEscalated):
            answers[logged.event.concern_id].append(logged.meta.at)
    for concern_id, asked in steps.items():
        for place, assigned in enumerate(asked.values()):
            deadline = assigned.acknowledge_by.ToDatetime(tzinfo=UTC)
            latest = max(deadline, healed) + ASKED_WITHIN
            answered = sorted(answers[concern_id])[place : place + 1]
            # Nothing yet is a violation from the deadline on; the run goes on looking until nothing is violated.
            holds = answered[0] <= latest if answered else evidence.at <= deadline
            verdict.hold(
                holds, f"{concern_id}, step {assigned.step}: asked until {deadline:%T}, {answered or 'no answer'}"
            )
    return verdict


def lateness(evidence: Evidence) -> float:
    """By how many seconds the latest escalation missed its deadline."""
    deadlines: dict[tuple[str, int], datetime] = {}
    latest = 0.0
    for logged in evidence.events("safeguarding"):
        if isinstance(logged.event, ConcernAssigned):
            deadlines[logged.event.concern_id, logged.event.step] = logged.event.acknowledge_by.ToDatetime(tzinfo=UTC)
        if isinstance(logged.event, ConcernEscalated):
            missed = logged.meta.at - deadlines[logged.event.concern_id, logged.event.step]
            latest = max(latest, missed.total_seconds())
    return latest


def unknown_outcomes(evidence: Evidence) -> int:
    """How many attempts ended with nobody knowing."""
    return sum(notice.unknown for notice in _notices(evidence).values())


def _taken(evidence: Evidence) -> dict[str, int]:
    """The newest version at which each concern was taken, closed or merged."""
    return {
        logged.event.concern_id: logged.meta.version
        for logged in sorted(evidence.events("safeguarding"), key=lambda one: one.meta.version)
        if isinstance(logged.event, ConcernAcknowledged | ConcernClosed | ConcernMerged)
    }


def _notices(evidence: Evidence) -> dict[str, _Notice]:
    notices: dict[str, _Notice] = defaultdict(_Notice)
    for logged in evidence.events("notifications"):
        if isinstance(logged.event, NoticeRequested):
            notice = notices[logged.event.notice_id]
            notice.recipient_id, notice.event = logged.event.recipient_id, logged.causation_id
            notice.safeguarding = is_safeguarding(logged.event.occasion)
            notice.about_id, notice.about_version = logged.event.about_id, logged.event.about_version
        if isinstance(logged.event, NoticeStarted):
            notices[logged.event.notice_id].attempts += 1
            # Started and not settled: on its way, whatever came before.
            notices[logged.event.notice_id].outcome = Outcome.OUTCOME_UNSPECIFIED
        if isinstance(logged.event, NoticeSettled):
            notices[logged.event.notice_id].outcome = logged.event.outcome
            notices[logged.event.notice_id].unknown += logged.event.outcome == OUTCOME_UNKNOWN
    return dict(notices)
