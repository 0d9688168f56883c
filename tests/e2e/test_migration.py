"""A learner goes on by another standard, first by mistake by the wrong one, over sockets: who follows, what counts where, who still reads."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from eventkernel.client import CallFailed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.evidence.v1.events_pb2 import EVIDENCE_KIND_WORK_PRODUCT, KSB_KIND_KNOWLEDGE, Ksb
from mentoring.evidence.v1.evidence_pb2 import (
    CarriedPiece,
    GetKsbProgressRequest,
    GetKsbProgressResponse,
    ImportStandardRequest,
    KsbProgress,
    SubmitEvidenceRequest,
)
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping
from mentoring.evidence.v1.standard_pb2 import MapStandardRequest, MigrateLearnerRequest
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_TECHNICAL
from mentoring.sessions.v1.mentorship_pb2 import GetMentorshipRequest, GetMentorshipResponse
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
PLAN = cohort.cohort()[6]
BEFORE = cohort.STANDARD
WRONG, RIGHT = (StandardVersion(reference=reference, version="1.0") for reference in ("ST9001", "ST9002"))
SESSION, PIECE, HOUR = "session-migrated", "piece-migrated", Duration(seconds=3600)
IDS: dict[str, Any] = {"session_id": SESSION, "learner_id": PLAN.learner_id}


def at(year: int) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(datetime(year, 3, 2, 9, tzinfo=UTC))
    return found


def imports(standard: StandardVersion) -> ImportStandardRequest:
    """A standard that nobody has ever set."""
    ksbs = [Ksb(code=f"K{n}", kind=KSB_KIND_KNOWLEDGE, statement=f"What is known, {n}") for n in (1, 2)]
    return ImportStandardRequest(standard=standard, title="Made up", level=4, ksbs=ksbs)


def maps(to: StandardVersion, **codes: str) -> MapStandardRequest:
    """All of the standard before is dropped but these."""
    mapping = [KsbMapping(code=code, to_codes=[codes[code]] if code in codes else []) for code in cohort.CODES]
    return MapStandardRequest(standard=BEFORE, to=to, mapping=mapping)


async def standard_of_the_mentorship(running: Platform) -> StandardVersion:
    mentor = running.client("sessions", PLAN.mentor_id, ["mentor"], provider=cohort.PROVIDER)
    asked = GetMentorshipRequest(learner_id=PLAN.learner_id, mentorship_id=PLAN.mentorship_id)
    return (await mentor.call(asked, GetMentorshipResponse)).mentorship.standard


async def progress(running: Platform, on: StandardVersion) -> dict[str, KsbProgress]:
    """As the mentor reads it."""
    mentor = running.client("evidence", PLAN.mentor_id, ["mentor"], provider=cohort.PROVIDER)
    asked = GetKsbProgressRequest(learner_id=PLAN.learner_id, standard=on)
    return {one.code: one for one in (await mentor.call(asked, GetKsbProgressResponse)).ksbs}


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _acts(journey: Journey, running: Platform) -> None:
    await journey.prepare()

    async def manages(*requests: Message) -> None:
        for request in requests:
            await journey.give("evidence", cohort.MANAGER, ["provider_manager"], request)

    planned = PlanSessionRequest(
        **IDS, mentorship_id=PLAN.mentorship_id, kind=SESSION_KIND_TECHNICAL, starts_at=at(2031), duration=HOUR, ksb_codes=["K1"]
    )  # fmt: skip
    await journey.give("sessions", PLAN.mentor_id, ["mentor"], planned)
    submitted = SubmitEvidenceRequest(
        evidence_id=PIECE, learner_id=PLAN.learner_id, standard=BEFORE, kind=EVIDENCE_KIND_WORK_PRODUCT, ksb_codes=["K1"],
        title=f"A piece of work {cohort.MARK}", produced_at=at(2026),
    )  # fmt: skip
    await journey.give("evidence", PLAN.learner_id, ["learner"], submitted)
    await manages(imports(WRONG), imports(RIGHT), maps(WRONG, K1="K1"), maps(RIGHT, K1="K2"))
    for to in (WRONG, RIGHT):
        await manages(MigrateLearnerRequest(learner_id=PLAN.learner_id, standard=BEFORE, to=to))

        async def followed(to: StandardVersion = to) -> bool:
            return await standard_of_the_mentorship(running) == to

        await until(followed, f"the mentorship on {to.reference}")
    held = HoldSessionRequest(
        **IDS, duration=HOUR, ksb_codes=["K1"], shared_record=f"{cohort.MARK} went on by the new standard"
    )
    await journey.give("sessions", PLAN.mentor_id, ["mentor"], held)

    async def heard() -> bool:
        try:
            now = await progress(running, RIGHT)
        except CallFailed:  # the evidence service has not heard yet that the mentor went along
            return False
        # The two come by two topics, in no order among each other.
        return bool(now["K1"].practised and now["K2"].evidenced)

    await until(heard, "the session that was held and the piece, read by the mentor on the other standard")


async def test_what_was_planned_and_claimed_before_counts_by_the_mapping_and_what_was_held_after_by_itself(
    running: Platform,
) -> None:
    now = await progress(running, RIGHT)
    assert [(now[code].planned, now[code].practised, now[code].evidenced) for code in ("K1", "K2")] == [
        (0, 1, 0),
        (1, 0, 1),
    ]
    assert list(now["K2"].carried) == [CarriedPiece(evidence_id=PIECE, standard=BEFORE, code="K1")]


async def test_where_the_learner_was_by_mistake_nothing_counts_and_where_they_were_before_all_stays(
    running: Platform,
) -> None:
    assert not any(one.planned or one.evidenced or one.practised for one in (await progress(running, WRONG)).values())
    before = (await progress(running, BEFORE))["K1"]
    assert (before.planned, before.practised, before.evidenced) == (1, 0, 1)
