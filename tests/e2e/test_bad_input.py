"""Bad input over the wire: an error that says what and what to do, with a stable code, and nothing half-done left behind."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import grpc
import pytest
import pytest_asyncio
from eventkernel.client import CallFailed, Client
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_ASSESSOR, CommandReply, Party, StandardVersion
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    EVIDENCE_KIND_WITNESS_TESTIMONY,
    EVIDENCE_KIND_WORK_PRODUCT,
    Criteria,
)
from mentoring.evidence.v1.evidence_pb2 import (
    GetEvidenceRequest,
    GetEvidenceResponse,
    JudgeEvidenceRequest,
    SubmitEvidenceRequest,
)
from mentoring.evidence.v1.kinds_pb2 import WITNESS_RELATIONSHIP_MENTOR, Testimony
from mentoring.safeguarding.v1.events_pb2 import SEVERITY_SERIOUS
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    ListMyConcernsRequest,
    ListMyConcernsResponse,
    RaiseConcernRequest,
)
from mentoring.sessions.v1.events_pb2 import CANCEL_REASON_OTHER, SESSION_KIND_PASTORAL
from mentoring.sessions.v1.sessions_pb2 import (
    CancelMentorshipRequest,
    ListSessionsRequest,
    ListSessionsResponse,
    PlanSessionRequest,
    StartMentorshipRequest,
)
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
STANDARD = StandardVersion(reference="ST0148", version="1.0")
LEARNER, MENTOR, ASSESSOR = cohort.LEARNERS[0], cohort.MENTORS[0], cohort.ASSESSORS[0]
MENTORSHIP = f"mentorship-{LEARNER}"


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def _mentorships(journey: Journey) -> None:
    await journey.prepare()


def caller(running: Platform, service: str, person_id: str, *roles: str, provider: str = cohort.PROVIDER) -> Client:
    return running.client(service, person_id, list(roles), provider=provider)


async def test_an_unknown_ksb_is_named_with_its_field(running: Platform) -> None:
    failed = await _refused(running, "sessions", MENTOR, "mentor", _session("bad-ksb", ksb_codes=["K1", "K99"]))
    assert (failed.status, failed.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "UNKNOWN_KSB")
    assert "K99" in failed.fields["ksb_codes"]
    assert "K1," not in failed.fields["ksb_codes"]
    await _no_session(running, "bad-ksb")


async def test_an_unknown_ksb_in_evidence_is_named_with_its_field(running: Platform) -> None:
    learner = caller(running, "evidence", LEARNER, "learner")
    await until(_allowed(learner, _evidence("good-ksb", LEARNER)), "leave for the learner in the evidence service")
    failed = await _refused(running, "evidence", LEARNER, "learner", _evidence("bad-ksb", LEARNER, codes=["B9"]))
    assert failed.reason == "UNKNOWN_KSB"
    assert "B9" in failed.fields["ksb_codes"]


async def test_a_session_in_a_cancelled_mentorship_is_refused(running: Platform) -> None:
    plan = cohort.cohort()[23]
    cancel = CancelMentorshipRequest(
        learner_id=plan.learner_id, mentorship_id=plan.mentorship_id, reason=CANCEL_REASON_OTHER
    )
    await caller(running, "sessions", cohort.MANAGER, "provider_manager").call(cancel, CommandReply)
    request = _session("too-late", learner_id=plan.learner_id, mentorship_id=plan.mentorship_id)
    failed = await _refused(running, "sessions", plan.mentor_id, "mentor", request)
    assert (failed.reason, list(failed.fields)) == ("MENTORSHIP_NOT_ACTIVE", ["mentorship_id"])
    listed = await caller(running, "sessions", plan.learner_id, "learner").call(
        ListSessionsRequest(learner_id=plan.learner_id), ListSessionsResponse
    )
    assert list(listed.sessions) == []


async def test_evidence_is_not_judged_by_its_own_author(running: Platform) -> None:
    # This learner's mentor is the assessor too, and may submit as the one and judge as the other.
    started = StartMentorshipRequest(
        learner_id="grace", mentorship_id="grace-1", mentor_id=MENTOR, standard=STANDARD, employer_id="bakery", site_id="riverside",
        parties=[Party(person_id=MENTOR, relationship=PARTY_RELATIONSHIP_ASSESSOR)], boundaries=["We write on working days."],
    )  # fmt: skip
    await caller(running, "sessions", cohort.MANAGER, "provider_manager").call(started, CommandReply)
    both = caller(running, "evidence", MENTOR, "mentor", "assessor")
    submitted = _evidence("own-work", "grace", kind=EVIDENCE_KIND_WITNESS_TESTIMONY)
    submitted.testimony.CopyFrom(Testimony(witness_id=MENTOR, relationship=WITNESS_RELATIONSHIP_MENTOR))
    submitted.statement = "She led the whole inventory by herself."
    await until(_allowed(both, submitted), "leave for the mentor in the evidence service")
    failed = await _refused(running, "evidence", MENTOR, "assessor", _judgement("own-work", "grace"))
    assert failed.reason == "JUDGED_BY_AUTHOR"
    found = await both.call(GetEvidenceRequest(evidence_id="own-work", learner_id="grace"), GetEvidenceResponse)
    assert found.decision == 0


async def test_an_id_that_is_none_is_told_in_words(running: Platform) -> None:
    odd = ListSessionsRequest(learner_id="session/2 ü")
    with pytest.raises(CallFailed) as caught:
        await caller(running, "sessions", MENTOR, "mentor").call(odd, ListSessionsResponse)
    assert caught.value.reason == "REQUEST_INVALID"
    assert "has to be an id: letters, digits and hyphens" in caught.value.fields["learner_id"]


async def test_a_concern_that_says_nothing_names_the_field_and_is_not_kept(running: Platform) -> None:
    request = RaiseConcernRequest(
        concern_id="no-narrative",
        site_id="riverside",
        severity=SEVERITY_SERIOUS,
        person_at_risk_id=LEARNER,
    )
    failed = await _refused(running, "safeguarding", MENTOR, "mentor", request)
    assert (failed.status, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert set(failed.fields) == {"narrative"}
    mine = await caller(running, "safeguarding", cohort.DSL, "dsl").call(
        ListMyConcernsRequest(), ListMyConcernsResponse
    )
    assert [concern.concern_id for concern in mine.concerns] == []


async def test_every_violation_is_told_at_once_by_its_path(running: Platform) -> None:
    request = StartMentorshipRequest(
        learner_id="ada lovelace", mentorship_id="m", mentor_id="", standard=STANDARD, parties=[Party()]
    )
    failed = await _refused(running, "sessions", cohort.MANAGER, "provider_manager", request)
    assert {"learner_id", "mentor_id", "employer_id", "site_id", "boundaries", "parties[0].person_id"} <= set(
        failed.fields
    )


async def test_a_duplicate_mentorship_is_refused(running: Platform) -> None:
    request = StartMentorshipRequest(
        learner_id=LEARNER, mentorship_id="another", mentor_id="mentor-2", standard=STANDARD, employer_id="bakery",
        site_id="riverside", boundaries=["We write on working days."],
    )  # fmt: skip
    failed = await _refused(running, "sessions", cohort.MANAGER, "provider_manager", request)
    assert failed.reason == "DUPLICATE_MENTORSHIP"


async def test_an_unknown_standard_says_what_to_do(running: Platform) -> None:
    request = StartMentorshipRequest(
        learner_id="newcomer", mentorship_id="m-1", mentor_id=MENTOR, standard=StandardVersion(reference="ST9999", version="1.0"),
        employer_id="bakery", site_id="riverside", boundaries=["We write on working days."],
    )  # fmt: skip
    failed = await _refused(running, "sessions", cohort.MANAGER, "provider_manager", request)
    assert failed.reason == "STANDARD_UNKNOWN"
    assert "mport" in failed.text


async def test_another_provider_sees_and_changes_nothing(running: Platform) -> None:
    stranger = caller(running, "sessions", MENTOR, "mentor", provider="southfield")
    with pytest.raises(CallFailed) as caught:
        await stranger.call(ListSessionsRequest(learner_id=LEARNER), ListSessionsResponse)
    assert caught.value.reason == "NOT_ALLOWED"


async def test_no_token_is_told_how_to_send_one(running: Platform) -> None:
    nobody = caller(running, "sessions", MENTOR, "mentor")
    nobody._token = ""
    with pytest.raises(CallFailed) as caught:
        await nobody.call(ListSessionsRequest(learner_id=LEARNER), ListSessionsResponse)
    assert (caught.value.status, caught.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


async def _refused(running: Platform, service: str, person_id: str, role: str, request: Message) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await caller(running, service, person_id, role).call(request, CommandReply)
    return caught.value


def _allowed(client: Client, request: Message) -> Callable[[], Awaitable[bool]]:
    async def allowed() -> bool:
        try:
            await client.call(request, CommandReply)
        except CallFailed as failed:
            if failed.reason != "NOT_ALLOWED":
                raise
            return False
        return True

    return allowed


async def _no_session(running: Platform, session_id: str) -> None:
    listed = await caller(running, "sessions", LEARNER, "learner").call(
        ListSessionsRequest(learner_id=LEARNER), ListSessionsResponse
    )
    assert session_id not in [session.session_id for session in listed.sessions]


def _session(
    session_id: str, *, learner_id: str = LEARNER, mentorship_id: str = MENTORSHIP, ksb_codes: list[str] | None = None
) -> PlanSessionRequest:
    return PlanSessionRequest(
        session_id=session_id, learner_id=learner_id, mentorship_id=mentorship_id, kind=SESSION_KIND_PASTORAL,
        starts_at=_at(2026, 10, 5), duration=Duration(seconds=1800), ksb_codes=ksb_codes or ["K1"],
    )  # fmt: skip


def _evidence(
    evidence_id: str, learner_id: str, *, codes: list[str] | None = None, kind: int = EVIDENCE_KIND_WORK_PRODUCT
) -> SubmitEvidenceRequest:
    return SubmitEvidenceRequest(
        evidence_id=evidence_id, learner_id=learner_id, standard=STANDARD, kind=kind, ksb_codes=codes or ["K1"],  # type: ignore[arg-type]
        title="A piece of work", produced_at=_at(2026, 3, 2),
    )  # fmt: skip


def _judgement(evidence_id: str, learner_id: str) -> JudgeEvidenceRequest:
    criteria = Criteria(validity=True, authenticity=True, currency=True, sufficiency=True, reliability=True)
    return JudgeEvidenceRequest(
        evidence_id=evidence_id,
        learner_id=learner_id,
        decision=DECISION_ACCEPT,
        criteria=criteria,
        feedback="Well done.",
    )


def _at(year: int, month: int, day: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(year, month, day, 9, 0, tzinfo=UTC))
    return stamp
