"""The words that the tests of this service share: people, concerns, and a driver that plays any history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from eventkernel.aggregate import Context, NotYet, Refusal
from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.safeguarding.v1 import attachment_events_pb2 as attachment_events
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling_events
from mentoring.safeguarding.v1 import handling_pb2 as handling
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.passing_on_pb2 import PassOnRequest
from mentoring.safeguarding.v1.passing_on_tasks_pb2 import FinishTaskRequest, GiveTaskRequest
from safeguarding.domain.attachment import attachment_id_of
from safeguarding.domain.attachment_policy import AttachmentPolicyState, attachment_policy
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.duty_set import Duty, duty
from safeguarding.domain.policy import RoutingPolicy, policy
from safeguarding.domain.rota import Rota, rota_set

DSL, DEPUTY, SECOND_DEPUTY, LEAD = "person-dsl", "person-deputy-a", "person-deputy-b", "person-lead"
LEARNER, MENTOR, STRANGER = "person-learner", "person-mentor", "person-stranger"
NO_ROTA = Rota()


def a_rota(dsl_id: str, *deputy_ids: str, lead_id: str = LEAD, after: Rota = NO_ROTA) -> Rota:
    """The rota as set, `after` the one that stood before."""
    event = events.RotaSet(site_id="site-1", dsl_id=dsl_id, deputy_ids=deputy_ids, senior_lead_id=lead_id)
    return rota_set(after, event)


ROTA = a_rota(DSL, DEPUTY, SECOND_DEPUTY)
POLICY: RoutingPolicy = policy.initial
HOUR = timedelta(hours=1)
ALLEGATION = events.CONCERN_CATEGORY_STAFF_ALLEGATION
NARRATIVE = "the-narrative: he hides the bruises on his arm"

mentor = person(MENTOR, "mentor")
dsl = person(DSL, "dsl")
deputy = person(DEPUTY, "deputy_dsl")
lead = person(LEAD, "senior_lead")
platform = Principal.system("provider-1")


def a_concern(
    *,
    about: str = LEARNER,
    naming: Sequence[str] = (),
    category: events.ConcernCategory.ValueType = events.CONCERN_CATEGORY_PHYSICAL,
    severity: events.Severity.ValueType = events.SEVERITY_SERIOUS,
    narrative: str = NARRATIVE,
    anonymous: bool = False,
    concern_id: str = "concern-1",
) -> calls.RaiseConcernRequest:
    return calls.RaiseConcernRequest(
        concern_id=concern_id,
        site_id="site-1",
        category=category,
        severity=severity,
        person_at_risk_id=about,
        named_person_ids=naming,
        narrative=narrative,
        anonymous=anonymous,
    )


def escalation_of(step: int, *, site_id: str = "site-1") -> calls.EscalateConcernRequest:
    return calls.EscalateConcernRequest(concern_id="concern-1", site_id=site_id, step=step)


acknowledgement = calls.AcknowledgeConcernRequest(concern_id="concern-1")
addition = calls.AddToConcernRequest(concern_id="concern-1", text="the-addition: he asked me to stay")
closure = calls.CloseConcernRequest(concern_id="concern-1", reason="the-reason: he is safe with his aunt")


reopening = handling.ReopenConcernRequest(concern_id="concern-1", reason="the-reopening: his aunt called")


def a_referral(
    body: handling_events.ReferredTo.ValueType = handling_events.REFERRED_TO_LOCAL_AUTHORITY, referral_id: str = "r-1"
) -> handling.ReferConcernRequest:
    return handling.ReferConcernRequest(
        concern_id="concern-1", referral_id=referral_id, body=body, text="the-referral: sent to the front door"
    )


def an_answer(
    answer: handling_events.ReferralAnswer.ValueType = handling_events.REFERRAL_ANSWER_TAKEN_ON,
    referral_id: str = "r-1",
) -> handling.AnswerReferralRequest:
    return handling.AnswerReferralRequest(
        concern_id="concern-1", referral_id=referral_id, answer=answer, text="the-answer: a social worker is coming"
    )


def a_link(
    person_id: str,
    note: str = "",
    part: handling_events.PartInConcern.ValueType = handling_events.PART_IN_CONCERN_WITNESS,
) -> handling.LinkPersonRequest:
    return handling.LinkPersonRequest(concern_id="concern-1", person_id=person_id, part=part, note=note)


def a_passing_on(receiver_id: str, *, site_id: str = "site-1") -> PassOnRequest:
    return PassOnRequest(
        concern_id="concern-1", site_id=site_id, receiver_id=receiver_id, reason="the-passing: I am away from Friday on"
    )


def a_task(
    assignee_id: str, task_id: str = "t-1", *, within: timedelta = timedelta(days=2), site_id: str = "site-1"
) -> GiveTaskRequest:
    return GiveTaskRequest(
        concern_id="concern-1", site_id=site_id, task_id=task_id, assignee_id=assignee_id, kind=events.ACTION_KIND_ACTION,
        text="the-task: ring his aunt", due_at=timestamp(NOON + within),
    )  # fmt: skip


def finishing(task_id: str = "t-1") -> FinishTaskRequest:
    return FinishTaskRequest(concern_id="concern-1", task_id=task_id, text="the-outcome: she will call back")


def an_addition(*named: str) -> calls.AddToConcernRequest:
    return calls.AddToConcernRequest(concern_id="concern-1", text=addition.text, named_person_ids=named)


def a_file(upload_id: str = "upload-1", **changes: Any) -> attachments.BeginAttachmentRequest:
    announced = {"media_type": "application/pdf", "size": 1000, "sha256": b"\x07" * 32, "file_name": "the-file.pdf"}
    return attachments.BeginAttachmentRequest(concern_id="concern-1", upload_id=upload_id, **{**announced, **changes})


def file_came(author_id: str = MENTOR, upload_id: str = "upload-1") -> attachments.AttachToConcernRequest:
    attachment_id = attachment_id_of("concern-1", author_id, upload_id)
    return attachments.AttachToConcernRequest(concern_id="concern-1", attachment_id=attachment_id)


def file_failed(
    author_id: str = MENTOR,
    upload_id: str = "upload-1",
    ending: attachment_events.AttachmentEnding.ValueType = attachment_events.ATTACHMENT_ENDING_WRONG_HASH,
) -> attachments.EndAttachmentRequest:
    attachment_id = attachment_id_of("concern-1", author_id, upload_id)
    return attachments.EndAttachmentRequest(concern_id="concern-1", attachment_id=attachment_id, ending=ending)


def due_comes(due_id: str, *, site_id: str = "site-1") -> handling.MeetConcernDueRequest:
    return handling.MeetConcernDueRequest(concern_id="concern-1", site_id=site_id, due_id=due_id)


def an_action(
    referred_to: events.ReferralBody.ValueType = events.REFERRAL_BODY_UNSPECIFIED,
) -> calls.RecordActionRequest:
    return calls.RecordActionRequest(
        concern_id="concern-1", text="the-action: spoke with his aunt", referred_to=referred_to
    )


def timestamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


@dataclass
class Tale:
    """One concern and what has happened to it: a command that is refused leaves everything as it was."""

    rota: Rota = ROTA
    duty: Duty = duty.initial
    policy: RoutingPolicy = POLICY
    files: AttachmentPolicyState = attachment_policy.initial
    now: datetime = NOON
    state: Concern = concern.initial
    other: Concern = concern.initial
    happened: list[Message] = field(default_factory=list)

    def give(self, command: Message, by: Principal) -> Sequence[Message]:
        """What it decides, now also part of the past; raises Refusal."""
        context = Context(
            principal=by,
            now=self.now,
            command_id="command-1",
            loaded={
                Rota: self.rota,
                Duty: self.duty,
                RoutingPolicy: self.policy,
                AttachmentPolicyState: self.files,
                Concern: self.other,
            },
        )
        decided = concern.decisions[type(command)](self.state, command, context)
        self.state = concern.fold(self.state, decided)
        self.happened += decided
        return decided

    def give_or_not(self, command: Message, by: Principal) -> Sequence[Message]:
        """As `give`; a refusal gives nothing."""
        try:
            return self.give(command, by)
        except Refusal:
            return []

    def miss_the_deadline(self) -> Sequence[Message]:
        """Time passes to the deadline, and the platform's alarm rings."""
        assert self.state.acknowledge_by is not None
        self.now = max(self.now, self.state.acknowledge_by)
        return self.give(escalation_of(self.state.step), platform)

    def miss_what_is_due(self, due_id: str) -> Sequence[Message]:
        """Time passes until it is due, and the platform's alarm rings."""
        due = self.state.find_due(due_id)
        assert due is not None
        self.now = max(self.now, due.at)
        return self.give(due_comes(due_id), platform)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def raised(command: calls.RaiseConcernRequest | None = None, *, rota: Rota = ROTA, by: Principal = mentor) -> Tale:
    """A concern that has just been raised."""
    tale = Tale(rota=rota)
    tale.give(command or a_concern(), by)
    return tale


def acknowledged(by: Principal = dsl) -> Tale:
    tale = raised()
    tale.give(acknowledgement, by)
    return tale


def refusal_of(tale: Tale, command: Message, by: Principal) -> Refusal:
    """The refusal; fails where it is accepted, or only put off."""
    try:
        decided = tale.give(command, by)
    except NotYet as early:
        raise AssertionError(f"put off, not refused: {early.code}") from early
    except Refusal as refusal:
        return refusal
    raise AssertionError(f"accepted: {decided}")


def assignment(tale: Tale) -> events.ConcernAssigned:
    newest = tale.happened[-1]
    assert isinstance(newest, events.ConcernAssigned)
    return newest
