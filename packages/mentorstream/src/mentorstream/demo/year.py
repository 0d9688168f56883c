"""Takes one learner and one small group through more of a working year, as the people whose acts they are.

Everything may be given again: what needs a time that is to come, or what the platform answered, is looked up first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from eventkernel.client import CallFailed, Client
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.evidence.v1 import assessment_pb2 as assessments
from mentoring.evidence.v1 import review_events_pb2 as review_events
from mentoring.evidence.v1 import review_pb2 as reviews
from mentoring.evidence.v1 import review_views_pb2 as review_views
from mentoring.evidence.v1.artefacts_pb2 import BeginUploadRequest, UploadArtefactRequest, UploadArtefactResponse
from mentoring.evidence.v1.assessment_events_pb2 import (
    ASSESSMENT_OUTCOME_MET,
    ASSESSMENT_OUTCOME_NOT_YET,
    ASSESSMENT_PURPOSE_SUMMATIVE,
    KsbOutcome,
)
from mentoring.evidence.v1.events_pb2 import DECISION_ACCEPT, DECISION_REFER, EVIDENCE_KIND_WORK_PRODUCT, Criteria
from mentoring.evidence.v1.evidence_pb2 import ImportStandardRequest, SubmitEvidenceRequest
from mentoring.evidence.v1.judging_pb2 import (
    ClaimJudgement,
    CriteriaFeedback,
    JudgeClaimsRequest,
    ResubmitEvidenceRequest,
    SupersedeDecisionRequest,
)
from mentoring.sessions.v1 import group_session_pb2 as groups
from mentoring.sessions.v1 import learning_plan_pb2 as plans
from mentoring.sessions.v1.events_pb2 import MISS_REASON_LEARNER_ILL, SESSION_KIND_VOCATIONAL, TECHNIQUE_GROW
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_PROVIDER,
    ACTIVITY_SETTING_WORK,
    JOB_TIME_OFF_THE_JOB,
    JOB_TIME_ON_THE_JOB,
    PlannedActivity,
)
from mentoring.sessions.v1.session_parts_pb2 import ADVICE_KIND_VOCATIONAL, ActionToAgree, Advice, GuideFollowed
from mentoring.sessions.v1.session_record_pb2 import AddLearnerViewRequest
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_PLANNED, HoldSessionRequest, PlanSessionRequest

from mentorstream.demo import cohort, year_plan
from mentorstream.demo.cohort import MARK, PROVIDER, STANDARD, EvidencePlan, Judging, LearnerPlan
from mentorstream.demo.settling import stamp, until
from mentorstream.demo.year_sampling import Sampling

if TYPE_CHECKING:
    from mentorstream.demo.journey import Journey

AGENDA = (f"What the workshop was like {MARK}", "What to try next")
VIEW = f"I knew more than I thought {MARK}"
_DONE_ON = "2026-03-02"
_HOUR = Duration(seconds=3600)
_ALL_MET = Criteria(validity=True, authenticity=True, currency=True, sufficiency=True, reliability=True)
_NOT_ENOUGH = Criteria(validity=True, authenticity=True, currency=True, reliability=True)
# An appointment has to be to come when it is made, and to have begun when it is over.
_SOON = timedelta(seconds=2)


@dataclass
class Year:
    """The year of the first learner and of a group of their mentor's, on a running platform."""

    journey: "Journey"

    @property
    def plan(self) -> LearnerPlan:
        """The learner whose year it is."""
        return self.journey.learners[0]

    @property
    def ids(self) -> dict[str, Any]:
        """What names the learner and the mentorship in requests."""
        return {"learner_id": self.plan.learner_id, "mentorship_id": self.plan.mentorship_id}

    async def live(self) -> None:
        """All of it, side by side where one does not need the other."""
        await self.journey.side_by_side(
            [
                self._agree_learning_plan(),
                self._meet_group(),
                self._hold_guided_session(),
                self._decide_in_part(),
                self._supersede(),
                self._assess(),
                self._import_next_version(),
            ]
        )
        await self.journey.side_by_side([self._review(), Sampling(self.journey).sample()])

    def client(self, service: str, person_id: str, role: str) -> Client:
        """A caller as this person."""
        return self.journey.platform.client(service, person_id, [role], provider=PROVIDER)

    async def _give(self, service: str, person_id: str, role: str, request: Message) -> None:
        await self.journey.give(service, person_id, [role], request)

    async def _mentor(self, service: str, request: Message) -> None:
        await self._give(service, self.plan.mentor_id, "mentor", request)

    async def _learner(self, service: str, request: Message) -> None:
        await self._give(service, self.plan.learner_id, "learner", request)

    async def _assessor(self, request: Message) -> None:
        await self._give("evidence", self.plan.assessor_id, "assessor", request)

    async def _agree_learning_plan(self) -> None:
        for one in year_plan.ACTIVITIES:
            activity = PlannedActivity(
                ksb_codes=one.ksb_codes,
                setting=ACTIVITY_SETTING_PROVIDER if one.off_the_job else ACTIVITY_SETTING_WORK,
                site_id="" if one.off_the_job else self.plan.site,
                job_time=JOB_TIME_OFF_THE_JOB if one.off_the_job else JOB_TIME_ON_THE_JOB,
                planned=Duration(seconds=60 * one.planned_minutes),
                from_day="2026-03-01",
                to_day="2026-12-18",
            )
            planned = plans.PlanActivityRequest(**self.ids, activity_id=one.id, activity=activity, title=f"Work {MARK}")
            await self._mentor("sessions", planned)
        await self._mentor("sessions", plans.ProposeLearningPlanRequest(**self.ids))
        read = plans.GetLearningPlanRequest(**self.ids, plan_version=1)
        mentor = self.client("sessions", self.plan.mentor_id, "mentor")
        found = await mentor.call(read, plans.GetLearningPlanResponse)
        agreed = plans.AgreeToLearningPlanRequest(**self.ids, plan_version=1, content_hash=found.content_hash)
        await self._learner("sessions", agreed)
        await self._give("sessions", self.plan.contact_id, "employer_contact", agreed)
        await self._give("sessions", self.plan.assessor_id, "assessor", agreed)
        for one in year_plan.ACTIVITIES:
            reported = plans.ReportHoursRequest(
                **self.ids, report_id=f"{one.id}-report", activity_id=one.id, done_on=_DONE_ON,
                duration=Duration(seconds=60 * one.reported_minutes),
            )  # fmt: skip
            await (self._mentor if one.reported_by_mentor else self._learner)("sessions", reported)

    async def _meet_group(self) -> None:
        learners = [
            groups.GroupLearner(learner_id=plan.learner_id, mentorship_id=plan.mentorship_id)
            for plan in self.journey.learners
            if plan.learner_id in year_plan.THERE + year_plan.AWAY
        ]
        planned = groups.PlanGroupSessionRequest(
            group_id=year_plan.GROUP, learners=learners, kind=SESSION_KIND_VOCATIONAL,
            starts_at=stamp(datetime(2026, 10, 12, 9, 0, tzinfo=UTC)), duration=_HOUR, ksb_codes=year_plan.GROUP_CODES,
        )  # fmt: skip
        await self._mentor("sessions", planned)

        async def there() -> bool:
            return all(place.status >= SESSION_STATUS_PLANNED for place in (await self.group()).places)

        await until(there, "a session of each learner of the group")
        held = groups.HoldGroupSessionRequest(
            group_id=year_plan.GROUP, duration=Duration(seconds=60 * year_plan.GROUP_MINUTES),
            ksb_codes=year_plan.GROUP_CODES, techniques=[TECHNIQUE_GROW], shared_record=f"We compared two ways. {MARK}",
            absences=[groups.GroupAbsence(learner_id=one, reason=MISS_REASON_LEARNER_ILL) for one in year_plan.AWAY],
        )  # fmt: skip
        await self._mentor("sessions", held)

    async def group(self) -> groups.GetGroupSessionResponse:
        """The group's session as its mentor sees it."""
        mentor = self.client("sessions", self.plan.mentor_id, "mentor")
        asked = groups.GetGroupSessionRequest(group_id=year_plan.GROUP)
        return await mentor.call(asked, groups.GetGroupSessionResponse)

    async def _hold_guided_session(self) -> None:
        session = year_plan.GUIDED
        ids: dict[str, Any] = {"session_id": session.id, "learner_id": self.plan.learner_id}
        planned = PlanSessionRequest(
            **ids, mentorship_id=self.plan.mentorship_id, kind=SESSION_KIND_VOCATIONAL, duration=_HOUR, agenda=AGENDA,
            starts_at=stamp(datetime(2026, 10, 19, 9, 0, tzinfo=UTC)), ksb_codes=session.ksb_codes,
        )  # fmt: skip
        await self._mentor("sessions", planned)
        held = HoldSessionRequest(
            **ids, duration=Duration(seconds=60 * session.minutes), ksb_codes=session.ksb_codes,
            techniques=session.techniques, shared_record=f"You know what to try. {MARK}",
            guide=GuideFollowed(guide_id=year_plan.GUIDE, version=1, step_ids=year_plan.GUIDE_STEPS),
            advice=[Advice(kind=ADVICE_KIND_VOCATIONAL, text=f"Watch how the others begin. {MARK}")],
            agreed_actions=[
                ActionToAgree(owner_id=owner, due_on=self.due_on, text=f"Try it once. {MARK}") for owner in self.owners
            ],
        )  # fmt: skip
        await self._mentor("sessions", held)
        await self._learner("sessions", AddLearnerViewRequest(**ids, learner_view=VIEW))

    @property
    def owners(self) -> tuple[str, ...]:
        """Who does what was agreed in the guided session, in the record's order."""
        return self.plan.learner_id, self.plan.contact_id

    @property
    def due_on(self) -> str:
        """By when things are to be done: four weeks after the day of the journey."""
        return (self.journey.today + timedelta(weeks=4)).isoformat()

    async def _decide_in_part(self) -> None:
        piece = year_plan.IN_PART
        await self._submit(piece)
        await self._upload(piece)
        first, second = piece.judgings
        await self._assessor(self._judged(piece, 1, first))
        again = ResubmitEvidenceRequest(
            evidence_id=piece.id, learner_id=self.plan.learner_id, standard=STANDARD, attempt=2,
            ksb_codes=second.accepted, title=f"The same, done again {MARK}", changes=f"I did it twice more {MARK}",
            produced_at=stamp(cohort.PRODUCED),
        )  # fmt: skip
        await self._learner("evidence", again)
        await self._assessor(self._judged(piece, 2, second))

    async def _supersede(self) -> None:
        piece = year_plan.SUPERSEDED
        await self._submit(piece)
        await self._assessor(self._judged(piece, 1, piece.judgings[0]))
        instead = SupersedeDecisionRequest(
            evidence_id=piece.id, learner_id=self.plan.learner_id, decision=1, judgements=_said(piece.judgings[1]),
            reason=f"I had overlooked the second page {MARK}",
        )  # fmt: skip
        await self._assessor(instead)

    async def _submit(self, piece: EvidencePlan) -> None:
        submitted = SubmitEvidenceRequest(
            evidence_id=piece.id, learner_id=self.plan.learner_id, standard=STANDARD, kind=EVIDENCE_KIND_WORK_PRODUCT,
            ksb_codes=piece.ksb_codes, title=f"A piece of work {MARK}", produced_at=stamp(cohort.PRODUCED),
        )  # fmt: skip
        await self._learner("evidence", submitted)

    def _judged(self, piece: EvidencePlan, attempt: int, judging: Judging) -> JudgeClaimsRequest:
        return JudgeClaimsRequest(
            evidence_id=piece.id, learner_id=self.plan.learner_id, attempt=attempt, judgements=_said(judging)
        )

    async def _upload(self, piece: EvidencePlan) -> None:
        ids = {"evidence_id": piece.id, "learner_id": self.plan.learner_id, "artefact_id": year_plan.ARTEFACT}
        content = year_plan.ARTEFACT_BYTES
        begun = BeginUploadRequest(
            **ids, file_name=f"{MARK}.txt", media_type="text/plain", size=len(content), sha256=sha256(content).digest()
        )
        await self._learner("evidence", begun)
        learner = self.client("evidence", self.plan.learner_id, "learner")

        async def parts() -> AsyncIterator[Message]:
            for offset in range(0, len(content), 65536):
                yield UploadArtefactRequest(**ids, offset=offset, content=content[offset : offset + 65536])

        async def sent() -> bool:
            return (await learner.upload(parts(), UploadArtefactRequest, UploadArtefactResponse)).attached

        await until(sent, "the artefact attached")

    async def _assess(self) -> None:
        ids = {**self.ids, "assessment_id": year_plan.ASSESSMENT}
        asked = assessments.RequestAssessmentRequest(
            **ids, asked_id=self.plan.assessor_id, purpose=ASSESSMENT_PURPOSE_SUMMATIVE,
            ksb_codes=year_plan.MET + year_plan.NOT_YET, wished_by=self.due_on, note=f"Please look at both {MARK}",
        )  # fmt: skip
        await self._mentor("evidence", asked)
        await self._assessor(assessments.AcceptAssessmentRequest(**ids))
        mentor = self.client("evidence", self.plan.mentor_id, "mentor")
        known = await mentor.call(assessments.GetAssessmentRequest(**ids), assessments.GetAssessmentResponse)
        if known.assessment.outcomes:
            return
        await self._appoint(
            self._assessor,
            lambda starts_at: assessments.ScheduleAssessmentRequest(**ids, starts_at=starts_at, duration=_HOUR),
        )
        outcomes = [KsbOutcome(ksb_code=code, outcome=ASSESSMENT_OUTCOME_MET) for code in year_plan.MET]
        outcomes += [KsbOutcome(ksb_code=code, outcome=ASSESSMENT_OUTCOME_NOT_YET) for code in year_plan.NOT_YET]
        decided = assessments.DecideAssessmentRequest(**ids, outcomes=outcomes, feedback=f"One more time alone {MARK}")
        await self._assessor(decided)

    async def _review(self) -> None:
        ids = {**self.ids, "review_id": year_plan.REVIEW}
        mentor = self.client("evidence", self.plan.mentor_id, "mentor")
        listed = await mentor.call(review_views.ListReviewsRequest(**self.ids), review_views.ListReviewsResponse)
        if not any(one.content_hash for one in listed.reviews):
            await self._appoint(
                lambda request: self._mentor("evidence", request),
                lambda starts_at: reviews.ScheduleReviewRequest(**ids, starts_at=starts_at, duration=_HOUR),
            )
            asked = review_views.GetReviewProgressRequest(**self.ids)
            figures = await mentor.call(asked, review_views.GetReviewProgressResponse)
            goal = review_views.ReviewGoal(
                goal_id="goal-1", text=f"Show it alone {MARK}", ksb_codes=year_plan.NOT_YET, due_on=self.due_on
            )
            content = review_views.ReviewContent(
                progress=figures.progress, discussion=f"It goes well {MARK}", goals=[goal], respectful_language=True
            )
            await self._mentor("evidence", reviews.HoldReviewRequest(**ids, content=content))
        shown = await mentor.call(review_views.GetReviewRequest(**ids), review_views.GetReviewResponse)
        for person_id, role, signatory in self.signatories:
            signed = reviews.SignReviewRequest(**ids, signatory=signatory, content_hash=shown.review.content_hash)
            await self._give("evidence", person_id, role, signed)

    @property
    def signatories(self) -> tuple[tuple[str, str, review_events.Signatory.ValueType], ...]:
        """The three who sign a review: who, in which role, for whom."""
        return (
            (self.plan.learner_id, "learner", review_events.SIGNATORY_LEARNER),
            (self.plan.mentor_id, "mentor", review_events.SIGNATORY_PROVIDER),
            (self.plan.contact_id, "employer_contact", review_events.SIGNATORY_EMPLOYER),
        )

    @staticmethod
    async def _appoint(give: Callable[[Message], Awaitable[None]], made: Callable[[Timestamp], Message]) -> None:
        """Makes an appointment for a moment later, and waits until it has begun."""
        starts_at = datetime.now(UTC)

        async def given() -> bool:
            nonlocal starts_at
            starts_at = datetime.now(UTC) + _SOON
            try:
                await give(made(stamp(starts_at)))
            except CallFailed as failed:
                # On a slow machine the moment passes before it is decided on.
                if failed.reason != "NOT_TO_COME":
                    raise
                return False
            return True

        await until(given, "an appointment")
        await asyncio.sleep(max(0.0, (starts_at - datetime.now(UTC)).total_seconds()))

    async def _import_next_version(self) -> None:
        ahead = ImportStandardRequest()
        ahead.CopyFrom(self.journey.standard)
        ahead.standard.CopyFrom(year_plan.NEXT_VERSION)
        kept = {code for codes in year_plan.BECOMES.values() for code in codes}
        del ahead.ksbs[:]
        ahead.ksbs.extend(ksb for ksb in self.journey.standard.ksbs if ksb.code in kept)
        await self._give("evidence", cohort.MANAGER, "provider_manager", ahead)


def _said(judging: Judging) -> list[ClaimJudgement]:
    found = []
    if judging.accepted:
        found.append(
            ClaimJudgement(
                ksb_codes=judging.accepted, decision=DECISION_ACCEPT, criteria=_ALL_MET, feedback=f"Well shown {MARK}"
            )
        )
    if judging.referred:
        found.append(
            ClaimJudgement(
                ksb_codes=judging.referred, decision=DECISION_REFER, criteria=_NOT_ENOUGH, feedback=f"Look again {MARK}",
                criteria_feedback=CriteriaFeedback(sufficiency=f"Once more, alone {MARK}"),
            )
        )  # fmt: skip
    return found
