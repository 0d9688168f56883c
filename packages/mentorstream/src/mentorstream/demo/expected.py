"""What must come of the cohort's plans, worked out from the plans and the domain's rules alone: nothing here asks a service."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER
from mentoring.notifications.v1 import events_pb2 as notices

from mentorstream.demo import year_plan
from mentorstream.demo.cohort import CODES, CONCERNS, DEPUTIES, DSL, EMPLOYERS, SENIOR_LEAD, UNANSWERED, LearnerPlan

# Fewer people than this are not told of.
LEAST = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """One KSB of one learner."""

    planned: int = 0
    practised: int = 0
    minutes: int = 0
    evidenced: int = 0
    assessed: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: who is told of what, about which thing, and because of which relationship."""

    recipient_id: str
    occasion: str
    about_id: str
    because: str


def ksb_figures(plan: LearnerPlan) -> dict[str, Figures]:
    """A learner's figures for all codes."""
    return {code: _figures(plan, code) for code in CODES}


def cohort_figures(plans: tuple[LearnerPlan, ...]) -> dict[str, int]:
    """The provider's figures, by the names of the cohort's summary."""
    sessions = [session for plan in plans for session in plan.sessions]
    pieces = [piece for plan in plans for piece in plan.evidence]
    return {
        "learners": len(plans),
        "sessions_planned": len(sessions),
        "sessions_held": sum(session.held for session in sessions),
        "sessions_missed": sum(session.missed is not None for session in sessions),
        "minutes": sum(session.minutes for session in sessions),
        "evidence_submitted": len(pieces),
        "evidence_accepted": sum(piece.decision == DECISION_ACCEPT for piece in pieces),
        "evidence_referred": sum(piece.decision == DECISION_REFER for piece in pieces),
    }


def told(plans: tuple[LearnerPlan, ...], asked: Mapping[str, Sequence[str]] | None = None) -> Counter[Told]:
    """Every notice that must be sent, once each, and no other: the default need-to-know matrix, read by hand.

    `asked` says who was asked to take each concern, where that is known; else it is as planned.
    """
    return Counter([told for plan in plans for told in _about_learner(plan)] + _about_concerns(asked or {}))


def heat_map(plans: tuple[LearnerPlan, ...], confirmed: Collection[str]) -> dict[str, dict[str, int]]:
    """How many learners have come how far with each KSB, as a manager may be told; `confirmed` are the pieces that the IQA confirmed.

    Rounded down to fives, at each employer and over all; and over all no more than the employers' could make up with one at its smallest.
    """
    return {
        code: {
            band: _over_all(Counter(plan.employer for plan in plans if _band(plan, code, confirmed) == band))
            for band in ("planned", "practised", "evidenced", "assessed", "sampled")
        }
        for code in CODES
    }


def _over_all(by_employer: Counter[str]) -> int:
    told = sum(count - count % LEAST for count in by_employer.values())
    allowed = told + (LEAST - 1) * (len(EMPLOYERS) - 1)
    least = min(by_employer.total(), allowed)
    return least - least % LEAST


def _band(plan: LearnerPlan, code: str, confirmed: Collection[str]) -> str:
    figures = _figures(plan, code)
    if any(code in piece.accepted and piece.id in confirmed for piece in plan.evidence):
        return "sampled"
    names = ("assessed", "evidenced", "practised", "planned")
    return next((name for name in names if getattr(figures, name)), "")


def _figures(plan: LearnerPlan, code: str) -> Figures:
    aimed = [session for session in plan.sessions if code in session.ksb_codes]
    activities = [activity for activity in plan.activities if code in activity.ksb_codes]
    held = [session for session in aimed if session.held]
    claimed = [piece for piece in plan.evidence if code in piece.ksb_codes]
    return Figures(
        planned=len(aimed) + len(activities),
        practised=len(held) + len(activities),
        minutes=sum(session.minutes for session in held) + sum(one.reported_minutes for one in activities),
        evidenced=len(claimed),
        assessed=sum(code in piece.accepted for piece in claimed),
    )


def _about_learner(plan: LearnerPlan) -> list[Told]:
    learner = (plan.learner_id, "LEARNER")
    mentor = (plan.mentor_id, "MENTOR")
    assessor = (plan.assessor_id, "ASSESSOR")
    employer = (plan.contact_id, "EMPLOYER_CONTACT")
    guardian = [(plan.guardian_id, "GUARDIAN")] if plan.guardian_id else []
    found = _each("MENTORSHIP_STARTED", plan.mentorship_id, learner, mentor, assessor, employer, *guardian)
    # A mentorship that starts has a day by which its first review is due.
    found += _each("REVIEW_DUE", plan.mentorship_id, learner, mentor, assessor, employer, *guardian)
    for session in plan.sessions:
        # The mentor plans, holds and misses: nobody is told of their own act.
        found += _each("SESSION_PLANNED", session.id, learner, employer, *guardian)
        if session.held:
            found += _each("SESSION_RECORD_SHARED", session.id, learner)
        if session.missed is not None:
            found += _each("SESSION_MISSED", session.id, learner, employer, *guardian)
    for piece in plan.evidence:
        for judging in piece.judged:
            if judging.accepted:
                found += _each("EVIDENCE_ACCEPTED", piece.id, learner, mentor, employer)
            if judging.referred:
                found += _each("EVIDENCE_REFERRED", piece.id, learner, mentor, employer)
    return found + (_about_year(plan) if year_plan.GUIDED in plan.sessions else [])


def _about_year(plan: LearnerPlan) -> list[Told]:
    """What the one learner's year adds: each is told by a row of the matrix, or by a part of their own."""
    learner, mentor = (plan.learner_id, "LEARNER"), (plan.mentor_id, "MENTOR")
    assessor, employer = (plan.assessor_id, "ASSESSOR"), (plan.contact_id, "EMPLOYER_CONTACT")
    all_of_them = [learner, mentor, assessor, employer]
    all_of_them += [(plan.guardian_id, "GUARDIAN")] if plan.guardian_id else []
    action = f"{year_plan.GUIDED.id}.{{}}".format
    return [
        *_each("LEARNING_PLAN_PROPOSED", plan.mentorship_id, learner, assessor, employer),
        *_each("LEARNING_PLAN_AGREED", plan.mentorship_id, learner, mentor),
        *_each("ACTION_ASSIGNED", action(1), (plan.learner_id, "OWNS_THE_ACTION"), mentor),
        *_each("ACTION_ASSIGNED", action(2), (plan.contact_id, "OWNS_THE_ACTION"), (plan.learner_id, "ACTION_IS_SHARED"), mentor),
        *_each("EVIDENCE_RESUBMITTED", year_plan.IN_PART.id, mentor, assessor, employer),
        *_each("EVIDENCE_DECISION_SUPERSEDED", year_plan.SUPERSEDED.id, learner, mentor, employer),
        *_each("ASSESSMENT_ASKED", year_plan.ASSESSMENT, (plan.assessor_id, "ASKED_TO_ASSESS")),
        *_each("ASSESSMENT_ACCEPTED", year_plan.ASSESSMENT, mentor),
        *_each("ASSESSMENT_SCHEDULED", year_plan.ASSESSMENT, learner, mentor),
        *_each("ASSESSMENT_DECIDED", year_plan.ASSESSMENT, learner, mentor),
        *_each("REVIEW_SCHEDULED", year_plan.REVIEW, *all_of_them),
        # The mentor recorded it. The next one is due from then.
        *_each("REVIEW_TO_SIGN", year_plan.REVIEW, learner, employer),
        *_each("REVIEW_DUE", plan.mentorship_id, *all_of_them),
        *_each("REVIEW_COMPLETED", year_plan.REVIEW, *all_of_them),
    ]  # fmt: skip


def _about_concerns(asked_by_concern: Mapping[str, Sequence[str]]) -> list[Told]:
    because = {DSL: "DSL_ON_DUTY", SENIOR_LEAD: "SENIOR_LEAD_LAST_RESORT"}
    because |= dict.fromkeys(DEPUTIES, "DEPUTY_DSL_NEXT_ON_THE_LADDER")
    # The deputy who took it gave the other one something to do.
    found = _each("CONCERN_TASK_GIVEN", UNANSWERED.id, (DEPUTIES[1], "HAS_A_TASK_OF_THE_CONCERN"))
    for concern in CONCERNS:
        if concern.raiser_id != concern.person_at_risk_id:
            # Who raises a concern about themselves is told by the reply: a published event would tell who is at risk.
            found += _each("CONCERN_RECEIVED", concern.id, (concern.raiser_id, "RAISED_THE_CONCERN"))
        found += [
            told
            for asked in asked_by_concern.get(concern.id, concern.asked)
            for told in _each("CONCERN_ASSIGNED", concern.id, (asked, because[asked]))
        ]
    return found


def _each(occasion: str, about_id: str, *people: tuple[str, str]) -> list[Told]:
    # The contract's names are looked up, so that a word that it does not have is an error here.
    notices.Occasion.Value(f"OCCASION_{occasion}")
    return [
        Told(person, occasion, about_id, because)
        for person, because in people
        if notices.Because.Value(f"BECAUSE_{because}")
    ]
