"""A mentorship with a support team, and a learning plan in it, as tests tell of them."""

from typing import Any

from eventkernel.testing.scenario import Given, given, person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    Party,
    StandardVersion,
)
from mentoring.sessions.v1.events_pb2 import MentorshipCancelled, MentorshipStarted
from mentoring.sessions.v1.learning_plan_events_pb2 import (
    ACTIVITY_SETTING_WORK,
    JOB_TIME_OFF_THE_JOB,
    PlannedActivity,
)
from mentoring.sessions.v1.learning_plan_pb2 import PlanActivityRequest, ReportHoursRequest
from sessions.domain.learning_plan import learning_plans
from sessions.domain.learning_plan_state import LearningPlans
from sessions.domain.mentoring_policy import MentoringPolicy
from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships

IDS: dict[str, Any] = {"learner_id": "learner-1", "mentorship_id": "mentorship-1"}
STANDARD = StandardVersion(reference="ST0148", version="1.0")
LEARNER, MENTOR = person("learner-1", "learner"), person("mentor-1", "mentor")
EMPLOYER, ASSESSOR = person("emma", "employer_contact"), person("ada", "assessor")
MANAGER, COACH = person("paula", "provider_manager"), person("carl", "coach")
STRANGER = person("mentor-2", "mentor", "learner", "employer_contact", "assessor", "coach")
PARTIES = {
    "emma": PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    "ada": PARTY_RELATIONSHIP_ASSESSOR,
    "paula": PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    "carl": PARTY_RELATIONSHIP_COACH,
}
CANCELLED = MentorshipCancelled(**IDS)


def started(*people: str, **changed: Any) -> MentorshipStarted:
    """The mentorship, with these of the support team as its parties; with all of them where none are named."""
    parties = [Party(person_id=one, relationship=PARTIES[one]) for one in people or PARTIES]
    fields = {**IDS, "mentor_id": "mentor-1", "standard": STANDARD, "employer_id": "employer-1", "site_id": "site-1"}
    return MentorshipStarted(**{**fields, "parties": parties, "ksb_codes": ["K1", "K2", "S1"], **changed})


def mentored(*events: Message) -> Mentorships:
    """What is known of the learner's mentorships after these events."""
    return given(mentorships, *(events or (started(),))).state


def activity(**changed: Any) -> PlannedActivity:
    fields: dict[str, Any] = {
        "ksb_codes": ["K1"],
        "setting": ACTIVITY_SETTING_WORK,
        "site_id": "site-1",
        "job_time": JOB_TIME_OFF_THE_JOB,
        "planned": hours(10),
        "from_day": "2026-03-01",
        "to_day": "2026-03-31",
    }
    return PlannedActivity(**{**fields, **changed})


def plan(activity_id: str = "bread", title: str = "Bread", context: str = "", **changed: Any) -> PlanActivityRequest:
    return PlanActivityRequest(
        **IDS, activity_id=activity_id, activity=activity(**changed), title=title, context=context
    )


def report(report_id: str = "report-1", **changed: Any) -> ReportHoursRequest:
    fields: dict[str, Any] = {"activity_id": "bread", "done_on": "2026-03-02", "duration": hours(2)}
    return ReportHoursRequest(**{**IDS, "report_id": report_id, **fields, **changed})


def a_plan(*commands: Message, beside: tuple[object, ...] = ()) -> Given[LearningPlans]:
    """A plan after these commands of the mentor."""
    past = given(learning_plans).beside(*(beside or (mentored(), MentoringPolicy())))
    for command in commands:
        past = past.when(command, by=MENTOR).after()
    return past


def hours(count: float) -> Duration:
    return Duration(seconds=int(count * 3600))
