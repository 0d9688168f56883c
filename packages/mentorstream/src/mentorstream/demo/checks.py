"""Holds what came of the journey against what was asked for. Every outcome is checked; one that differs is named."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from eventkernel.client import CallFailed
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1.evidence_pb2 import (
    GetCohortSummaryRequest,
    GetCohortSummaryResponse,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
)
from mentoring.notifications.v1.events_pb2 import OUTCOME_ACKNOWLEDGED, OUTCOME_SENT, Because, Occasion
from mentoring.notifications.v1.ledger_pb2 import GetMyLedgerResponse
from mentoring.notifications.v1.notifications_pb2 import NoticeSummary
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_ACKNOWLEDGED,
    CONCERN_STATUS_CLOSED,
    AcknowledgeConcernRequest,
    ConcernSummary,
    GetConcernRequest,
    GetConcernResponse,
)
from mentoring.sessions.v1.sessions_pb2 import GetSessionRequest, GetSessionResponse

from mentorstream.demo import cohort, handling, year_checks
from mentorstream.demo.cohort import (
    CODES,
    CONCERNS,
    DEPUTIES,
    DSL,
    MARK,
    NAMING_THE_DSL,
    PROVIDER,
    STANDARD,
    UNANSWERED,
)
from mentorstream.demo.expected import Figures, Told, cohort_figures, ksb_figures, told
from mentorstream.demo.journey import Journey, address_of
from mentorstream.demo.settling import NotInTime, until
from mentorstream.embedded import Received


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that was asked for, whether it came, and where not, what came instead."""

    asked: str
    faults: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it is as asked."""
        return not self.faults


@dataclass
class Found:
    """What the services answered, for checking and for showing."""

    progress: dict[str, GetKsbProgressResponse]
    summary: GetCohortSummaryResponse
    concerns: dict[str, GetConcernResponse]
    notices: list[NoticeSummary]
    mails: tuple[Received, ...]
    year: year_checks.YearFound
    board: list[ConcernSummary]
    ledger: GetMyLedgerResponse


async def look(journey: Journey) -> Found:
    """Asks for everything, once the projections show what the plans say."""
    expected = {plan.learner_id: ksb_figures(plan) for plan in journey.as_lived}
    progress: dict[str, GetKsbProgressResponse] = {}

    async def followed() -> bool:
        answers = await asyncio.gather(*(_progress(journey, learner) for learner in expected))
        progress.update({answer.learner_id: answer for answer in answers})
        return all(figures_of(progress[learner]) == figures for learner, figures in expected.items())

    # Where it does not come, the check says what is different.
    await in_time(until(followed, "the KSB progress of every learner"))
    evidence = journey.platform.client("evidence", cohort.MANAGER, ["provider_manager"], provider=PROVIDER)
    mailbox = journey.platform.infrastructure.mailbox
    return Found(
        progress=progress,
        summary=await evidence.call(GetCohortSummaryRequest(standard=STANDARD), GetCohortSummaryResponse),
        concerns={plan.id: await _concern(journey, plan.id, plan.asked[-1]) for plan in CONCERNS},
        notices=await journey.notices(),
        mails=mailbox.messages if mailbox else (),
        year=await year_checks.look(journey),
        board=await handling.board(journey.platform),
        ledger=await handling.ledger(journey.platform),
    )


async def check(journey: Journey, found: Found) -> list[Outcome]:
    """Every outcome that the demo is about."""
    expected = told(journey.as_lived, {concern_id: asked_in(answer) for concern_id, answer in found.concerns.items()})
    checks = [
        Outcome("all 27 KSBs imported, for every learner", _standard_faults(found)),
        Outcome(f"KSB progress of {len(journey.as_lived)} learners as planned", _progress_faults(journey, found)),
        Outcome("the cohort's summary as planned", _summary_faults(journey, found)),
        Outcome("each concern acknowledged by the right person, past whom it names", _concern_faults(found)),
        Outcome(
            "a concern from its raise to its close, with a reason",
            handling.handling_faults(found.concerns[UNANSWERED.id]),
        ),
        Outcome(
            "the handler's board, by deadline, before the close and after",
            handling.board_faults(journey.board, found.board),
        ),
        Outcome(
            "a learner sees who was told what, and nothing of a concern",
            handling.ledger_faults(found.ledger, journey.as_lived),
        ),
        Outcome(
            f"{expected.total()} notices: to those with a legitimate need, to nobody else, once",
            _notice_faults(expected, found),
        ),
        Outcome("a session's private preparation opens for its mentor alone", await _private(journey)),
        Outcome("nobody else reads or acknowledges a concern", await _shut(journey, found)),
    ]
    checks += [Outcome(asked, faults) for asked, faults in year_checks.faults(journey, found.year)]
    if journey.platform.infrastructure.mailbox is not None:
        checks += [
            Outcome("each notice is one mail, to its recipient, saying why", _mail_faults(found)),
            Outcome("no mail holds a narrative, a record or feedback", _leaks(found)),
        ]
    return checks


def figures_of(answer: GetKsbProgressResponse) -> dict[str, Figures]:
    """A learner's figures as the service answered them."""
    return {
        ksb.code: Figures(ksb.planned, ksb.practised, ksb.practised_minutes, ksb.evidenced, ksb.assessed)
        for ksb in answer.ksbs
    }


def asked_in(answer: GetConcernResponse) -> tuple[str, ...]:
    """Who was asked to take a concern, in order."""
    return tuple(entry.assignee_id for entry in answer.chronology if entry.what.endswith("concern-assigned"))


def _standard_faults(found: Found) -> tuple[str, ...]:
    return tuple(
        f"{learner}: {[ksb.code for ksb in answer.ksbs]}" for learner, answer in found.progress.items()
        if tuple(ksb.code for ksb in answer.ksbs) != CODES or not all(ksb.statement for ksb in answer.ksbs)
    )  # fmt: skip


def _progress_faults(journey: Journey, found: Found) -> tuple[str, ...]:
    return tuple(
        f"{plan.learner_id} {code}: expected {figures}, found {figures_of(found.progress[plan.learner_id]).get(code)}"
        for plan in journey.as_lived
        for code, figures in ksb_figures(plan).items()
        if figures_of(found.progress[plan.learner_id]).get(code) != figures
    )


def _summary_faults(journey: Journey, found: Found) -> tuple[str, ...]:
    return tuple(
        f"{name}: expected {figure}, found {getattr(found.summary, name)}"
        for name, figure in cohort_figures(journey.as_lived).items()
        if getattr(found.summary, name) != figure
    )


def _concern_faults(found: Found) -> tuple[str, ...]:
    faults = []
    for plan in CONCERNS:
        answer = found.concerns[plan.id]
        has_it = tuple(entry.actor_id for entry in answer.chronology if entry.what.endswith("concern-acknowledged"))
        wanted = CONCERN_STATUS_CLOSED if plan is UNANSWERED else CONCERN_STATUS_ACKNOWLEDGED
        if answer.concern.status != wanted or has_it != (plan.asked[-1],):
            faults.append(f"{plan.id}: expected {plan.asked[-1]} to acknowledge it, found {has_it}")
        # On a slow machine a deadline may pass once more before the deputy answers: then the next was asked too, in order.
        asked, ladder = asked_in(answer), plan.ladder
        if asked[: len(plan.asked)] != plan.asked or asked != ladder[: len(asked)]:
            faults.append(f"{plan.id}: expected {', '.join(plan.asked)} to be asked, found {', '.join(asked)}")
        if answer.narrative != plan.narrative:
            faults.append(f"{plan.id}: its handler does not read what was written")
    return tuple(faults)


def _notice_faults(expected: Counter[Told], found: Found) -> tuple[str, ...]:
    sent = Counter(
        Told(
            notice.recipient_id,
            Occasion.Name(notice.occasion).removeprefix("OCCASION_"),
            found.year.places.get(notice.about_id, notice.about_id),
            Because.Name(notice.because).removeprefix("BECAUSE_"),
        )
        for notice in found.notices
        # Whoever took a concern before its alert went out is not alerted any more.
        if notice.outcome in (OUTCOME_SENT, OUTCOME_ACKNOWLEDGED)
    )
    return tuple(
        [f"not told: {one}" for one in (expected - sent)]
        + [f"told without need, or twice: {one}" for one in (sent - expected)]
    )


def _mail_faults(found: Found) -> tuple[str, ...]:
    notices = {notice.notice_id: notice for notice in found.notices}
    ids = Counter(str(mail.message["X-Notice-Id"]) for mail in found.mails)
    faults = [
        f"{count} mails for notice {notice_id}"
        for notice_id, count in ids.items()
        if count != 1 or notice_id not in notices
    ]
    due = {notice_id for notice_id, notice in notices.items() if notice.outcome != OUTCOME_ACKNOWLEDGED}
    faults += [f"no mail for notice {notice_id}" for notice_id in due - ids.keys()]
    for mail in found.mails:
        notice = notices.get(str(mail.message["X-Notice-Id"]))
        if notice is not None and list(mail.recipients) != [address_of(notice.recipient_id)]:
            faults.append(f"notice {notice.notice_id} for {notice.recipient_id} went to {mail.recipients}")
        if "because" not in text_of(mail.message):
            faults.append(f"a mail to {mail.recipients} does not say why its recipient is told")
    return tuple(faults)


def _leaks(found: Found) -> tuple[str, ...]:
    return tuple(
        f"a mail to {mail.recipients} holds confidential text"
        for mail in found.mails
        if MARK in mail.message.as_string() + "".join(_parts_of(mail.message))
    )


async def _private(journey: Journey) -> tuple[str, ...]:
    plan = journey.learners[0]
    request = GetSessionRequest(session_id=journey.traced, learner_id=plan.learner_id)
    mentor = journey.platform.client("sessions", plan.mentor_id, ["mentor"], provider=PROVIDER)
    learner = journey.platform.client("sessions", plan.learner_id, ["learner"], provider=PROVIDER)
    theirs = await mentor.call(request, GetSessionResponse)
    own = await learner.call(request, GetSessionResponse)
    faults = []
    if MARK not in theirs.private_preparation:
        faults.append("the mentor does not read the preparation")
    if own.private_preparation or MARK not in own.shared_record:
        faults.append("the learner reads the preparation, or does not read the shared record")
    return tuple(faults)


async def _shut(journey: Journey, found: Found) -> tuple[str, ...]:
    faults = []
    # On a slow machine a deadline may pass once more, and then the second deputy is a handler too.
    handlers = asked_in(found.concerns[NAMING_THE_DSL.id])
    for person_id, roles in (
        (DSL, ["dsl"]),
        ("mentor-2", ["mentor"]),
        (cohort.MANAGER, ["provider_manager"]),
        (DEPUTIES[1], ["deputy_dsl"]),
    ):
        if person_id in handlers:
            continue
        client = journey.platform.client("safeguarding", person_id, roles, provider=PROVIDER)
        for request, answer in (
            (GetConcernRequest(concern_id=NAMING_THE_DSL.id), GetConcernResponse),
            (AcknowledgeConcernRequest(concern_id=NAMING_THE_DSL.id), CommandReply),
        ):
            try:
                await client.call(request, answer)
            except CallFailed as failed:
                if failed.reason == "NOT_ALLOWED":
                    continue
            faults.append(f"{person_id} was not refused {type(request).__name__}")
    return tuple(faults)


def text_of(message: EmailMessage) -> str:
    """The body that a person reads."""
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _parts_of(message: EmailMessage) -> Iterator[str]:
    """What each form says, as it is decoded: a line's end in the middle of a word would hide it."""
    return (str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text")


async def _progress(journey: Journey, learner_id: str) -> GetKsbProgressResponse:
    manager = journey.platform.client("evidence", cohort.MANAGER, ["provider_manager"], provider=PROVIDER)
    return await manager.call(GetKsbProgressRequest(learner_id=learner_id, standard=STANDARD), GetKsbProgressResponse)


async def _concern(journey: Journey, concern_id: str, handler: str) -> GetConcernResponse:
    client = journey.platform.client("safeguarding", handler, ["deputy_dsl"], provider=PROVIDER)
    return await client.call(GetConcernRequest(concern_id=concern_id), GetConcernResponse)


async def in_time(waiting: Awaitable[None]) -> None:
    """Waits, and lets what did not come be named by the check that misses it."""
    try:
        await waiting
    except NotInTime:
        return
