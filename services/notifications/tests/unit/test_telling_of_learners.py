"""What happened to a learner: whom the default matrix tells of each occasion, and whom their own part."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import protovalidate
import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata, derived_id
from eventkernel.testing.scenario import NOON, given
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship, Sealed, StandardVersion
from mentoring.evidence.v1 import assessment_events_pb2 as assessments
from mentoring.evidence.v1 import judging_events_pb2 as judging
from mentoring.evidence.v1 import quality_events_pb2 as quality
from mentoring.evidence.v1 import review_events_pb2 as reviews
from mentoring.evidence.v1.progress_events_pb2 import PlannedEndSet
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded, Detail, NoticeRequested, Occasion
from mentoring.notifications.v1.notifications_pb2 import Part, StartNoticeRequest, TellCircleRequest, TellPersonRequest
from mentoring.sessions.v1 import action_plan_events_pb2 as actions
from mentoring.sessions.v1 import learning_plan_events_pb2 as plans
from mentoring.sessions.v1.session_record_events_pb2 import SessionCorrected
from mentoring.sessions.v1.skill_events_pb2 import SkillLapsed, SkillLapsing
from notifications.default_matrix import default_matrix
from notifications.domain.circle import Circle, circle
from notifications.domain.conditions import Conditions
from notifications.domain.occasions import OPEN_TO_MANAGERS, PARTS_IN_A_CIRCLE, TOLD_TO_A_CIRCLE
from notifications.domain.telling import telling as aggregate
from notifications.reactions.telling import telling

META = Metadata(
    event_id="event-1", type="", tenant="provider-1", stream="", version=1, at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
)
UNDER_18 = Conditions(comes_of_age=date(2030, 1, 1))
RELATED = PartyRelationship
PEOPLE = {
    "boss": RELATED.PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    "judge": RELATED.PARTY_RELATIONSHIP_ASSESSOR,
    "chief": RELATED.PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    "mum": RELATED.PARTY_RELATIONSHIP_GUARDIAN,
    "coach": RELATED.PARTY_RELATIONSHIP_COACH,
}
ENDED = CircleRecorded(learner_id="ada", mentorship_id="m-1", ended=True)
SECRET = Sealed(ciphertext=b"x")
STANDARD = StandardVersion(reference="ST0148", version="1.0")
# What the matrix of docs/DOMAIN.md says of each row, by hand.
PROGRESS = {"ada": "FULL", "mia": "FULL", "judge": "FULL", "boss": "FULL", "chief": "FULL", "mum": "OUTLINE"}
JUDGED = {"ada": "FULL", "mia": "FULL", "judge": "FULL", "boss": "OUTLINE"}
ACTION = {"mia": "FULL", "chief": "OUTLINE"}
ACTS: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "action_id": "s-1.1"}
PLAN: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "plan_version": 2}
PIECE: dict[str, Any] = {"learner_id": "ada", "evidence_id": "e-1", "standard": STANDARD}
SAMPLE: dict[str, Any] = {"learner_id": "ada", "evidence_id": "e-1", "sample_id": "x-1", "assessor_id": "judge"}
REVIEW: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "mentor_id": "mia", "review_id": "r-1"}
DUE: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "mentor_id": "mia"}
ASKED: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "assessment_id": "a-1"}


def recorded(*left: str) -> CircleRecorded:
    parties = [Party(person_id=name, relationship=PEOPLE[name]) for name in PEOPLE if name not in left]
    return CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=parties, standard_reference="ST0148"
    )


def surrounded(*events: CircleRecorded) -> Circle:
    return given(circle, *(events or (recorded(),))).state


def follows(event: Message) -> list[TellCircleRequest]:
    found = [one for one in telling.policies[type(event)](event, META) if isinstance(one, TellCircleRequest)]
    for one in found:
        protovalidate.validate(one)
    return found


def notices(request: TellCircleRequest, around: Circle) -> list[NoticeRequested]:
    events = given(aggregate).beside(around, default_matrix(), UNDER_18).when(request).events
    return [event for event in events if isinstance(event, NoticeRequested)]


def told(event: Message, around: Circle | None = None) -> dict[str, str]:
    found = [one for request in follows(event) for one in notices(request, around or surrounded())]
    assert len({one.recipient_id for one in found}) == len(found)
    return {one.recipient_id: Detail.Name(one.detail).removeprefix("DETAIL_") for one in found}


def without(people: dict[str, str], *names: str) -> dict[str, str]:
    return {name: detail for name, detail in people.items() if name not in names}


def only(people: dict[str, str], *names: str) -> dict[str, str]:
    return {name: people[name] for name in names}


EXPECTED = [
    (SessionCorrected(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="mia", explanation=SECRET), "SESSION_RECORD_CORRECTED", "s-1", {"ada": "FULL"}),
    (SessionCorrected(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="mia", corrected_by="other"), "SESSION_RECORD_CORRECTED", "s-1", {"ada": "FULL", "mia": "FULL"}),
    (actions.ActionAgreed(**ACTS, owner_id="boss", text=SECRET), "ACTION_ASSIGNED", "s-1.1", ACTION | {"boss": "FULL"}),
    (actions.ActionAgreed(**ACTS, owner_id="boss", shared_with_learner=True), "ACTION_ASSIGNED", "s-1.1", ACTION | {"boss": "FULL", "ada": "FULL"}),
    (actions.ActionAgreed(**ACTS, owner_id="ada", shared_with_learner=True), "ACTION_ASSIGNED", "s-1.1", ACTION | {"ada": "FULL"}),
    (actions.ActionAgreed(**ACTS, owner_id="mia"), "ACTION_ASSIGNED", "s-1.1", ACTION),
    (actions.ActionAgreed(**ACTS, owner_id="chief"), "ACTION_ASSIGNED", "s-1.1", ACTION | {"chief": "FULL"}),
    (actions.ActionAgreed(**ACTS, owner_id="coach", contributor_ids=["judge"]), "ACTION_ASSIGNED", "s-1.1", ACTION | {"coach": "FULL"}),
    (actions.ActionReassigned(**ACTS, owner_id="judge", former_owner_id="boss"), "ACTION_ASSIGNED", "s-1.1", ACTION | {"judge": "FULL"}),
    (actions.ActionReopened(**ACTS, owner_id="boss", reason=SECRET), "ACTION_ASSIGNED", "s-1.1", ACTION | {"boss": "FULL"}),
    (actions.ActionOverdue(**ACTS, owner_id="boss"), "ACTION_OVERDUE", "s-1.1", ACTION | {"boss": "FULL"}),
    (actions.ActionOverdue(**ACTS, owner_id="judge", shared_with_learner=True), "ACTION_OVERDUE", "s-1.1", ACTION | {"judge": "FULL", "ada": "FULL"}),
    (plans.LearningPlanProposed(**PLAN), "LEARNING_PLAN_PROPOSED", "m-1", only(PROGRESS, "ada", "boss", "judge", "chief")),
    (plans.LearningPlanObjectedTo(**PLAN, person_id="boss", reason=SECRET), "LEARNING_PLAN_OBJECTED_TO", "m-1", {"mia": "FULL"}),
    (plans.LearningPlanAgreed(**PLAN), "LEARNING_PLAN_AGREED", "m-1", only(PROGRESS, "ada", "mia")),
    (judging.EvidenceDecisionSuperseded(**PIECE, assessor_id="judge", reason=SECRET), "EVIDENCE_DECISION_SUPERSEDED", "e-1", without(JUDGED, "judge")),
    (judging.EvidenceResubmitted(**PIECE, author_id="ada", title=SECRET), "EVIDENCE_RESUBMITTED", "e-1", without(JUDGED, "ada")),
    (judging.EvidenceWithdrawn(**PIECE, author_id="mia", reason=SECRET), "EVIDENCE_WITHDRAWN", "e-1", without(JUDGED, "mia")),
    (PlannedEndSet(learner_id="ada", standard=STANDARD, ends_on="2027-03-02"), "PLANNED_END_SET", "ST0148", without(PROGRESS, "mia")),
    (quality.SampleActionRequired(**SAMPLE, iqa_id="iqa", standard=STANDARD, feedback=SECRET, action=SECRET), "SAMPLE_ACTION_REQUIRED", "x-1", {"judge": "FULL"}),
    (quality.SampleActionOverdue(**SAMPLE), "SAMPLE_ACTION_OVERDUE", "x-1", {"judge": "FULL"}),
    (quality.SampleActionClosed(**SAMPLE, iqa_id="iqa", feedback=SECRET), "SAMPLE_ACTION_CLOSED", "x-1", {"judge": "FULL"}),
    (reviews.ReviewDueSet(**DUE, standing=reviews.REVIEW_STANDING_DUE, due_on="2026-06-02"), "REVIEW_DUE", "m-1", PROGRESS),
    (reviews.ReviewScheduled(**REVIEW), "REVIEW_SCHEDULED", "r-1", PROGRESS),
    (reviews.ReviewCancelled(**REVIEW, reason=reviews.REVIEW_CANCEL_REASON_WORK_PRESSURE), "REVIEW_CANCELLED", "r-1", PROGRESS),
    (reviews.ReviewHeld(**REVIEW, recorded_by="chief"), "REVIEW_TO_SIGN", "r-1", only(PROGRESS, "ada", "mia", "boss")),
    (reviews.ReviewRevised(**REVIEW, recorded_by="mia"), "REVIEW_TO_SIGN", "r-1", only(PROGRESS, "ada", "boss", "chief")),
    (reviews.ReviewCompleted(**REVIEW), "REVIEW_COMPLETED", "r-1", PROGRESS),
    (reviews.ReviewLate(**DUE), "REVIEW_LATE", "m-1", PROGRESS),
    (reviews.SignaturesLate(**REVIEW, missing=[reviews.SIGNATORY_LEARNER]), "SIGNATURES_LATE", "r-1", PROGRESS),
    (assessments.AssessmentRequested(**ASKED, mentor_id="mia", asked_id="coach", note=SECRET), "ASSESSMENT_ASKED", "a-1", {"coach": "FULL"}),
    (assessments.AssessmentWithdrawn(**ASKED, asked_id="judge", reason=SECRET), "ASSESSMENT_CALLED_OFF", "a-1", {"judge": "FULL"}),
    (assessments.AssessmentAccepted(**ASKED, asked_id="judge"), "ASSESSMENT_ACCEPTED", "a-1", {"mia": "FULL"}),
    (assessments.AssessmentDeclined(**ASKED, asked_id="judge", reason=SECRET), "ASSESSMENT_DECLINED", "a-1", {"mia": "FULL"}),
    (assessments.AssessmentScheduled(**ASKED, asked_id="judge"), "ASSESSMENT_SCHEDULED", "a-1", {"ada": "FULL", "mia": "FULL"}),
    (assessments.AssessmentChased(**ASKED, mentor_id="mia", asked_id="coach"), "ASSESSMENT_CHASED", "a-1", {"coach": "FULL", "mia": "FULL"}),
    (assessments.AssessmentDecided(**ASKED, assessor_id="coach", feedback=SECRET), "ASSESSMENT_DECIDED", "a-1", only(JUDGED, "ada", "mia", "judge")),
]  # fmt: skip


@pytest.mark.parametrize(("event", "occasion", "about_id", "people"), EXPECTED)
def test_each_is_told_to_those_whom_the_matrix_and_their_part_tell_and_to_nobody_else(
    event: Message, occasion: str, about_id: str, people: dict[str, str]
) -> None:
    (request,) = follows(event)
    assert (Occasion.Name(request.occasion), request.about_id) == (f"OCCASION_{occasion}", about_id)
    assert request.telling_id == derived_id("telling", "event-1")
    assert told(event) == people


def test_every_new_occasion_of_a_circle_has_an_event_that_brings_it() -> None:
    brought = {Occasion.Value(f"OCCASION_{occasion}") for _, occasion, _, _ in EXPECTED}
    # Those of issues are in a file of their own.
    assert brought == {one for one in OPEN_TO_MANAGERS if one > Occasion.OCCASION_MENTOR_CHANGED}


@pytest.mark.parametrize("standing", [reviews.REVIEW_STANDING_ON_BREAK, reviews.REVIEW_STANDING_ENDED])
def test_that_no_review_is_due_is_told_to_nobody(standing: reviews.ReviewStanding.ValueType) -> None:
    assert follows(reviews.ReviewDueSet(**DUE, standing=standing)) == []


def test_an_assessment_that_goes_to_another_is_told_to_both_each_what_is_theirs() -> None:
    event = assessments.AssessmentRedirected(**ASKED, mentor_id="mia", asked_id="coach", former_asked_id="judge")
    asked, former = follows(event)
    assert asked.telling_id != former.telling_id
    by_occasion = {
        Occasion.Name(request.occasion): [one.recipient_id for one in notices(request, surrounded())]
        for request in (asked, former)
    }
    assert by_occasion == {"OCCASION_ASSESSMENT_ASKED": ["coach"], "OCCASION_ASSESSMENT_CALLED_OFF": ["judge"]}


@pytest.mark.parametrize(
    ("event", "occasion"),
    [
        (SkillLapsing(mentor_id="mia", skill_id="first-aid", valid_until="2026-03-31"), "SKILL_LAPSING"),
        (SkillLapsed(mentor_id="mia", skill_id="first-aid", valid_until="2026-03-31"), "SKILL_LAPSED"),
    ],
)
def test_a_skills_last_day_is_told_to_the_mentor_alone(event: Message, occasion: str) -> None:
    assert list(telling.policies[type(event)](event, META)) == [
        TellPersonRequest(
            telling_id=derived_id("telling", "event-1"),
            person_id="mia",
            occasion=Occasion.Value(f"OCCASION_{occasion}"),
            about_id="first-aid",
            because=Because.BECAUSE_OWN_SKILL,
        )
    ]


def test_the_part_is_given_as_the_reason_where_the_relationship_tells_as_much() -> None:
    (request,) = follows(actions.ActionAgreed(**ACTS, owner_id="mia", shared_with_learner=True))
    assert {one.recipient_id: Because.Name(one.because) for one in notices(request, surrounded())} == {
        "mia": "BECAUSE_OWNS_THE_ACTION",
        "ada": "BECAUSE_ACTION_IS_SHARED",
        "chief": "BECAUSE_PROVIDER_MANAGER",
    }


PARTS = [
    (actions.ActionAgreed(**ACTS, owner_id="boss"), "boss"),
    (actions.ActionOverdue(**ACTS, owner_id="coach"), "coach"),
    (quality.SampleActionRequired(**SAMPLE, iqa_id="iqa", standard=STANDARD), "judge"),
    (quality.SampleActionOverdue(**SAMPLE), "judge"),
    (assessments.AssessmentRequested(**ASKED, mentor_id="mia", asked_id="coach"), "coach"),
    (assessments.AssessmentChased(**ASKED, mentor_id="mia", asked_id="judge"), "judge"),
]


@pytest.mark.parametrize(("event", "person_id"), PARTS)
def test_whoever_was_detached_is_told_nothing_by_their_part(event: Message, person_id: str) -> None:
    assert person_id in told(event)
    assert person_id not in told(event, surrounded(recorded(), recorded(person_id)))


@pytest.mark.parametrize(("event", "person_id"), PARTS)
def test_nobody_is_told_by_their_part_once_the_mentorship_has_ended(event: Message, person_id: str) -> None:
    assert told(event, surrounded(recorded(), ENDED)) == {}
    del person_id


def test_the_learner_is_still_told_of_their_own_action_when_the_mentorship_has_ended() -> None:
    overdue = actions.ActionOverdue(**ACTS, owner_id="boss", shared_with_learner=True)
    assert told(overdue, surrounded(recorded(), ENDED)) == {"ada": "FULL"}


@pytest.mark.parametrize(("event", "person_id"), PARTS)
def test_a_party_not_heard_of_yet_is_waited_for(event: Message, person_id: str) -> None:
    """The sessions service has said it, and this service reads that beside what it tells: else the notice would be lost."""
    (request,) = follows(event)
    early = given(aggregate).beside(surrounded(recorded(person_id)), default_matrix(), UNDER_18).when(request)
    assert isinstance(early.then_refused("PARTY_NOT_HEARD_OF"), NotYet)
    came = surrounded(recorded(person_id), recorded())
    assert person_id in told(event, came)


@pytest.mark.parametrize(("event", "person_id"), PARTS)
def test_a_part_in_one_mentorship_or_standard_tells_nothing_to_a_party_of_another(
    event: Message, person_id: str
) -> None:
    elsewhere = CircleRecorded(
        learner_id="ada", mentorship_id="m-2", mentor_id="max", standard_reference="ST0001",
        parties=[Party(person_id=person_id, relationship=PEOPLE[person_id])],
    )  # fmt: skip
    around = surrounded(recorded(), recorded(person_id), elsewhere)
    # An event that names neither mentorship nor standard is any's whose assessor it was.
    assert (person_id in told(event, around)) is isinstance(event, quality.SampleActionOverdue)


def test_before_a_part_is_sent_it_is_asked_whether_its_person_is_still_attached() -> None:
    event = assessments.AssessmentChased(**ASKED, mentor_id="mia", asked_id="coach")
    (request,) = follows(event)
    state = given(aggregate).beside(surrounded(), default_matrix(), UNDER_18).when(request).after().state
    notice = StartNoticeRequest(
        recipient_id="coach", because=Because.BECAUSE_ASKED_TO_ASSESS, detail=Detail.DETAIL_FULL
    )
    for around, needed in (
        (surrounded(), True),
        (surrounded(recorded(), recorded("coach")), False),
        (surrounded(recorded(), ENDED), False),
    ):
        assert state.is_still_needed(notice, around, default_matrix(), UNDER_18, NOON) is needed


def _parts_beside(occasion: Occasion.ValueType) -> Iterable[Because.ValueType]:
    return sorted(set(Because.values()) - {Because.BECAUSE_UNSPECIFIED} - PARTS_IN_A_CIRCLE.get(occasion, frozenset()))


@pytest.mark.parametrize("occasion", sorted(TOLD_TO_A_CIRCLE))
def test_a_part_that_an_occasion_does_not_have_is_refused(occasion: Occasion.ValueType) -> None:
    """Or a circle could be told around the matrix."""
    for because in _parts_beside(occasion):
        request = TellCircleRequest(
            telling_id="t-1", learner_id="ada", kind=InformationKind.INFORMATION_KIND_ACTION, occasion=occasion, about_id="x-1", mentorship_id="m-1",
            parts=[Part(person_id="boss", because=because)],
        )  # fmt: skip
        given(aggregate).beside(surrounded(), default_matrix(), UNDER_18).when(request).then_refused("PART_NOT_TOLD")
