"""A session that is moved and one that is cancelled, over sockets: what is answered, counted and told of them."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from eventkernel.client import CallFailed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import INFORMATION_KIND_CONCERN, INFORMATION_KIND_SESSION, CommandReply, Page
from mentoring.evidence.v1.evidence_pb2 import NEXT_STEP_PLAN, GetKsbProgressRequest, GetKsbProgressResponse
from mentoring.notifications.v1.events_pb2 import DETAIL_FULL, DETAIL_OUTLINE, OUTCOME_SENT, Occasion
from mentoring.notifications.v1.explaining_pb2 import ExplainNeedToKnowRequest, ExplainNeedToKnowResponse
from mentoring.notifications.v1.inbox_pb2 import (
    FollowMyInboxRequest,
    FollowMyInboxResponse,
    GetMyInboxRequest,
    GetMyInboxResponse,
    MarkNoticeReadRequest,
)
from mentoring.notifications.v1.ledger_pb2 import (
    GetLedgerRequest,
    GetLedgerResponse,
    GetMyLedgerRequest,
    GetMyLedgerResponse,
)
from mentoring.notifications.v1.notifications_pb2 import ListNoticesRequest, ListNoticesResponse
from mentoring.sessions.v1.events_pb2 import (
    MOVE_REASON_LEARNER_ASKED,
    REASON_OWNER_EMPLOYER,
    SESSION_CANCEL_REASON_WORK_PRESSURE,
    SESSION_KIND_VOCATIONAL,
)
from mentoring.sessions.v1.sessions_pb2 import (
    SESSION_STATUS_CANCELLED,
    SESSION_STATUS_PLANNED,
    CancelSessionRequest,
    HoldSessionRequest,
    ListSessionsRequest,
    ListSessionsResponse,
    MoveSessionRequest,
    PlanSessionRequest,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
# The one learner of the first few who has a guardian.
PLAN = cohort.cohort()[4]
MOVED, CANCELLED = "session-moved", "session-cancelled"
HOUR = Duration(seconds=3600)


def at(day: int) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(datetime(2026, 9, day, 9, tzinfo=UTC))
    return found


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey) -> None:
    await journey.prepare()
    ids = {"learner_id": PLAN.learner_id}
    acts: list[Message] = [
        PlanSessionRequest(
            **ids, session_id=session, mentorship_id=PLAN.mentorship_id, kind=SESSION_KIND_VOCATIONAL,
            starts_at=at(7), duration=HOUR, ksb_codes=codes,
        )
        for session, codes in ((MOVED, ["K1"]), (CANCELLED, ["K1", "S1"]))
    ]  # fmt: skip
    acts += [
        MoveSessionRequest(**ids, session_id=MOVED, starts_at=at(9), duration=HOUR, reason=MOVE_REASON_LEARNER_ASKED),
        CancelSessionRequest(
            **ids, session_id=CANCELLED, reason=SESSION_CANCEL_REASON_WORK_PRESSURE, reason_owner=REASON_OWNER_EMPLOYER
        ),
    ]
    for act in acts:
        await journey.give("sessions", PLAN.mentor_id, ["mentor"], act)


async def test_the_learner_reads_when_it_is_now_and_why_the_other_is_not(running: Platform) -> None:
    learner = running.client("sessions", PLAN.learner_id, ["learner"], provider=cohort.PROVIDER)

    async def shown() -> bool:
        answer = await learner.call(ListSessionsRequest(learner_id=PLAN.learner_id), ListSessionsResponse)
        return {
            (one.session_id, one.status, one.starts_at.ToDatetime().day, one.cancel_reason, one.cancel_reason_owner)
            for one in answer.sessions
        } == {
            (MOVED, SESSION_STATUS_PLANNED, 9, 0, 0),
            (CANCELLED, SESSION_STATUS_CANCELLED, 7, SESSION_CANCEL_REASON_WORK_PRESSURE, REASON_OWNER_EMPLOYER),
        }

    await until(shown, "the moved session and the cancelled one")


async def test_progress_counts_the_moved_session_and_not_the_cancelled_one(running: Platform) -> None:
    learner = running.client("evidence", PLAN.learner_id, ["learner"], provider=cohort.PROVIDER)
    asked = GetKsbProgressRequest(learner_id=PLAN.learner_id, standard=cohort.STANDARD)

    async def counted() -> bool:
        ksbs = {one.code: one for one in (await learner.call(asked, GetKsbProgressResponse)).ksbs}
        return (ksbs["K1"].planned, ksbs["S1"].planned, ksbs["S1"].next_step) == (1, 0, NEXT_STEP_PLAN)

    await until(counted, "one session planned for K1 and none for S1")


async def test_a_cancelled_session_is_not_held(running: Platform) -> None:
    mentor = running.client("sessions", PLAN.mentor_id, ["mentor"], provider=cohort.PROVIDER)
    hold = HoldSessionRequest(session_id=CANCELLED, learner_id=PLAN.learner_id, duration=HOUR, shared_record="We met.")
    with pytest.raises(CallFailed) as caught:
        await mentor.call(hold, CommandReply)
    assert caught.value.reason == "SESSION_NOT_PLANNED"
    assert "plan a new one" in caught.value.fields["session_id"]


async def test_the_people_of_the_mentorship_are_told_as_the_matrix_says_and_nobody_else(running: Platform) -> None:
    manager = running.client("notifications", cohort.MANAGER, ["provider_manager"], provider=cohort.PROVIDER)
    # The mentor did it, and is not told of their own act.
    people = {(PLAN.learner_id, DETAIL_FULL), (PLAN.contact_id, DETAIL_OUTLINE), (PLAN.guardian_id, DETAIL_OUTLINE)}

    async def told(session: str, occasion: Occasion.ValueType) -> bool:
        listed = await manager.call(ListNoticesRequest(limit=1000), ListNoticesResponse)
        mine = [one for one in listed.notices if (one.about_id, one.occasion) == (session, occasion)]
        assert {(one.recipient_id, one.detail) for one in mine} <= people
        return len(mine) == len(people) and all(one.outcome == OUTCOME_SENT for one in mine)

    await until(lambda: told(MOVED, Occasion.OCCASION_SESSION_MOVED), "the mails about the moved session")
    await until(lambda: told(CANCELLED, Occasion.OCCASION_SESSION_CANCELLED), "the mails about the cancelled session")


async def test_the_learner_reads_in_their_ledger_who_was_told_and_by_which_rule(running: Platform) -> None:
    learner = running.client("notifications", PLAN.learner_id, ["learner"], provider=cohort.PROVIDER)
    rules = {
        (PLAN.learner_id, "session/learner"),
        (PLAN.contact_id, "session/employer-contact"),
        (PLAN.guardian_id, "session/guardian/under-18"),
    }

    async def entered() -> bool:
        ledger = await learner.call(GetMyLedgerRequest(page=Page(size=500)), GetMyLedgerResponse)
        moved = [one for one in ledger.entries if one.occasion == Occasion.OCCASION_SESSION_MOVED]
        return [{(told.recipient_id, told.rule) for told in one.told} for one in moved] == [rules]

    await until(entered, "the moved session in the ledger")
    somebody_else = GetLedgerRequest(learner_id=PLAN.learner_id)
    with pytest.raises(CallFailed) as caught:
        await learner.call(somebody_else, GetLedgerResponse)
    assert caught.value.status.name == "PERMISSION_DENIED"


async def test_a_manager_is_explained_whom_the_policy_tells_and_of_a_concern_nothing(running: Platform) -> None:
    manager = running.client("notifications", cohort.MANAGER, ["provider_manager"], provider=cohort.PROVIDER)
    asked = ExplainNeedToKnowRequest(learner_id=PLAN.learner_id, kind=INFORMATION_KIND_SESSION)
    answer = await manager.call(asked, ExplainNeedToKnowResponse)
    assert {one.person_id: one.applied.rule for one in answer.people} == {
        PLAN.learner_id: "session/learner",
        PLAN.mentor_id: "session/mentor",
        PLAN.contact_id: "session/employer-contact",
        PLAN.guardian_id: "session/guardian/under-18",
        PLAN.assessor_id: "",
    }
    concern = ExplainNeedToKnowRequest(learner_id=PLAN.learner_id, kind=INFORMATION_KIND_CONCERN)
    answer = await manager.call(concern, ExplainNeedToKnowResponse)
    assert answer == ExplainNeedToKnowResponse(told_to_handlers_alone=True)


async def test_the_learner_follows_their_inbox_and_marks_what_they_have_read(running: Platform) -> None:
    learner = running.client("notifications", PLAN.learner_id, ["learner"], provider=cohort.PROVIDER)
    since = Timestamp()
    since.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    following = learner.stream(FollowMyInboxRequest(since=since), FollowMyInboxResponse, seconds=60)
    async for part in following:
        if part.entry.occasion == Occasion.OCCASION_SESSION_MOVED and not part.entry.read:
            moved = part.entry
            assert moved.subject == "A session was moved"
            await learner.call(MarkNoticeReadRequest(notice_id=moved.notice_id), CommandReply)
        if part.entry.read:
            assert part.entry.notice_id == moved.notice_id
            break
    unread = await learner.call(GetMyInboxRequest(unread=True), GetMyInboxResponse)
    assert moved.notice_id not in {one.notice_id for one in unread.entries}
    assert unread.unread == len(unread.entries)
    everything = await learner.call(GetMyInboxRequest(), GetMyInboxResponse)
    assert {one.notice_id for one in everything.entries} == {one.notice_id for one in unread.entries} | {
        moved.notice_id
    }
