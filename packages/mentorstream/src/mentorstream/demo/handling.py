"""What becomes of the concern that was left unanswered: handled by the deputy who took it, from the triage to its close with a reason."""

from datetime import UTC, date, datetime, time, timedelta

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import Because, Occasion
from mentoring.notifications.v1.ledger_pb2 import GetMyLedgerRequest, GetMyLedgerResponse
from mentoring.safeguarding.v1.events_pb2 import (
    ACTION_KIND_CONSULTATION,
    ACTION_KIND_DECISION,
    CONCERN_CATEGORY_DOMESTIC_ABUSE,
    SEVERITY_SERIOUS,
)
from mentoring.safeguarding.v1.handling_events_pb2 import REFERRAL_ANSWER_TAKEN_ON, REFERRED_TO_LOCAL_AUTHORITY
from mentoring.safeguarding.v1.handling_pb2 import AnswerReferralRequest, ReferConcernRequest, TriageConcernRequest
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import FinishTaskRequest, GiveTaskRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_CLOSED,
    CloseConcernRequest,
    ConcernSummary,
    GetConcernResponse,
    ListMyConcernsRequest,
    ListMyConcernsResponse,
    RecordActionRequest,
)

from mentorstream.demo.cohort import DEPUTIES, MARK, NAMING_THE_DSL, PROVIDER, UNANSWERED, LearnerPlan
from mentorstream.demo.expected import told
from mentorstream.demo.settling import stamp
from mentorstream.platform import Platform

HANDLER, COLLEAGUE = DEPUTIES
_TASK, _REFERRAL = "ask-the-college-nurse", "front-door"
# Each kind of event of the scene in its order, with who is to have done it. What follows by itself is left out.
HAPPENED = (
    ("concern-raised", UNANSWERED.raiser_id), ("concern-escalated", "system"), ("concern-acknowledged", HANDLER),
    ("concern-triaged", HANDLER), ("concern-action-recorded", HANDLER), ("concern-task-given", HANDLER),
    ("concern-referral-made", HANDLER), ("concern-task-done", COLLEAGUE), ("concern-referral-answered", HANDLER),
    ("concern-action-recorded", HANDLER), ("concern-closed", HANDLER),
)  # fmt: skip


def before_the_board(today: date) -> tuple[tuple[str, Message], ...]:
    """Until others are to do something: who does it, and what."""
    by_then = stamp(datetime.combine(today + timedelta(days=2), time(12), UTC))
    return (
        (HANDLER, TriageConcernRequest(concern_id=UNANSWERED.id, site_id=UNANSWERED.site, category=CONCERN_CATEGORY_DOMESTIC_ABUSE, severity=SEVERITY_SERIOUS)),
        (HANDLER, RecordActionRequest(concern_id=UNANSWERED.id, kind=ACTION_KIND_CONSULTATION, text=f"Asked the local authority for advice. {MARK}")),
        (HANDLER, GiveTaskRequest(concern_id=UNANSWERED.id, site_id=UNANSWERED.site, task_id=_TASK, assignee_id=COLLEAGUE, text=f"See the nurse. {MARK}", due_at=by_then)),
        (HANDLER, ReferConcernRequest(concern_id=UNANSWERED.id, referral_id=_REFERRAL, body=REFERRED_TO_LOCAL_AUTHORITY, text=f"Sent to the front door. {MARK}")),
    )  # fmt: skip


def until_the_close() -> tuple[tuple[str, Message], ...]:
    """What comes of that, and the outcome."""
    return (
        (COLLEAGUE, FinishTaskRequest(concern_id=UNANSWERED.id, task_id=_TASK, text=f"The nurse has seen her. {MARK}")),
        (HANDLER, AnswerReferralRequest(concern_id=UNANSWERED.id, referral_id=_REFERRAL, answer=REFERRAL_ANSWER_TAKEN_ON, text=f"A social worker has it. {MARK}")),
        (HANDLER, RecordActionRequest(concern_id=UNANSWERED.id, kind=ACTION_KIND_DECISION, text=f"She stays with her aunt. {MARK}")),
        (HANDLER, CloseConcernRequest(concern_id=UNANSWERED.id, reason=f"She is safe, and the authority has it. {MARK}")),
    )  # fmt: skip


async def board(platform: Platform) -> list[ConcernSummary]:
    """What the handler has that is not closed, by deadline."""
    client = platform.client("safeguarding", HANDLER, ["deputy_dsl"], provider=PROVIDER)
    found = await client.call(ListMyConcernsRequest(page=Page(size=500)), ListMyConcernsResponse)
    return [one for one in found.concerns if one.status != CONCERN_STATUS_CLOSED]


async def ledger(platform: Platform) -> GetMyLedgerResponse:
    """Who was told what about the learner at risk, as they see it."""
    client = platform.client("notifications", UNANSWERED.person_at_risk_id, ["learner"], provider=PROVIDER)
    return await client.call(GetMyLedgerRequest(page=Page(size=500)), GetMyLedgerResponse)


def handling_faults(found: GetConcernResponse) -> tuple[str, ...]:
    """What differs in the concern's way from its raise to its close."""
    happened = iter([(entry.what.rpartition(".")[2], entry.actor_id) for entry in found.chronology])
    # Each is looked for behind the one before.
    faults = [f"{what} by {who} is not where it belongs" for what, who in HAPPENED if (what, who) not in happened]
    if found.concern.status != CONCERN_STATUS_CLOSED or found.due:
        faults.append("it is not closed, or something is still due")
    wanted = [
        str(getattr(request, "text", "")) or str(getattr(request, "reason", "")) for _, request in until_the_close()
    ]
    written = [entry.text for entry in found.chronology]
    faults += [f"its handler does not read: {text}" for text in wanted if text not in written]
    return tuple(faults)


def board_faults(before: list[ConcernSummary], after: list[ConcernSummary]) -> tuple[str, ...]:
    """What differs in the handler's board: before the close both are on it, and what is due of the one; after it, the other alone."""
    faults = [
        f"{when}: expected {sorted(expected)} on the board, found {sorted(one.concern_id for one in shown)}"
        for when, shown, expected in (
            ("before the close", before, {UNANSWERED.id, NAMING_THE_DSL.id}),
            ("after it", after, {NAMING_THE_DSL.id}),
        )
        if {one.concern_id for one in shown} != expected
    ]
    if any(one.concern_id == UNANSWERED.id and (not one.due or one.held_by_id != HANDLER) for one in before):
        faults.append(f"{UNANSWERED.id}: nothing is due of it, or {HANDLER} has it not")
    times = [one.due_at.seconds for one in before]
    return (*faults, *(["the board is not by deadline"] if times != sorted(times) else []))


def ledger_faults(found: GetMyLedgerResponse, learners: tuple[LearnerPlan, ...]) -> tuple[str, ...]:
    """What differs in the learner's ledger from what everybody was to be told of them; of a concern there is nothing in it."""
    mine = tuple(plan for plan in learners if plan.learner_id == UNANSWERED.person_at_risk_id)
    expected = {
        (one.recipient_id, one.occasion, one.about_id, one.because)
        for one in told(mine)
        if "CONCERN" not in one.occasion
    }
    shown = {
        (
            notice.recipient_id, Occasion.Name(entry.occasion).removeprefix("OCCASION_"), entry.about_id,
            Because.Name(notice.because).removeprefix("BECAUSE_"),
        )
        for entry in found.entries
        for notice in entry.told
    }  # fmt: skip
    return (
        *(f"not in the ledger: {one}" for one in sorted(expected - shown)),
        *(f"in the ledger, and not expected: {one}" for one in sorted(shown - expected)),
    )
