"""What a service would have stored of some events: a learner's ledger, and the notices; and the events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import protovalidate
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Page, Party, PartyRelationship, StandardVersion
from mentoring.evidence.v1 import assessment_events_pb2 as assessments
from mentoring.evidence.v1 import quality_events_pb2 as quality
from mentoring.evidence.v1.events_pb2 import EvidenceAccepted
from mentoring.notifications.v1.events_pb2 import (
    CircleRecorded,
    NeedToKnowSet,
    NoticeRequested,
    NoticeSettled,
    Outcome,
)
from mentoring.notifications.v1.ledger_events_pb2 import EnteredInLedger
from mentoring.notifications.v1.ledger_pb2 import (
    EnterInLedgerRequest,
    GetLedgerRequest,
    GetLedgerResponse,
    GetMyLedgerRequest,
    GetMyLedgerResponse,
)
from mentoring.safeguarding.v1.events_pb2 import AssigneeRole, ConcernAssigned, ConcernReceived
from mentoring.sessions.v1 import action_plan_events_pb2 as actions
from mentoring.sessions.v1.events_pb2 import SessionPlanned
from notifications.default_matrix import default_matrix
from notifications.domain.circle import circle
from notifications.domain.conditions import Conditions
from notifications.domain.contact import Contact
from notifications.domain.ledger import ledger
from notifications.domain.need_to_know import need_to_know
from notifications.domain.telling import telling
from notifications.projections.ledger import ledger_queries
from notifications.projections.notices import NoticeDocument, notices
from notifications.reactions.ledger import ledger as entering
from notifications.reactions.telling import telling as telling_policies

KIND = InformationKind
LEARNER, MANAGER = person("ada", "learner"), person("mo", "provider_manager")
MATRIX = need_to_know(default_matrix())
QUERIES = {query.__name__: query for query in ledger_queries(MATRIX)}
UNDER_18 = Conditions(comes_of_age=date(2030, 1, 1))


@dataclass
class House:
    """What a service would have stored of some events: the learner's ledger, and the notices."""

    entries: list[EnteredInLedger] = field(default_factory=list)
    notices: dict[str, NoticeDocument] = field(default_factory=dict)
    policy: tuple[NeedToKnowSet, ...] = ()

    def happens(self, event: Message, at: datetime = NOON, event_id: str = "event-1") -> None:
        meta = Metadata(event_id=event_id, type="", tenant="provider-1", stream="", version=1, at=at)
        for request in telling_policies.policies[type(event)](event, meta):
            assert not isinstance(request, Later)
            self._tell(request, meta)
        enter = entering.policies.get(type(event))
        for request in enter(event, meta) if enter else ():
            assert isinstance(request, EnterInLedgerRequest)
            protovalidate.validate(request)
            self.entries += given(ledger).when(request).events  # type: ignore[arg-type]

    def settle(self, recipient_id: str, outcome: Outcome.ValueType) -> None:
        for document in self.notices.values():
            if document.recipient_id == recipient_id:
                event = NoticeSettled(
                    notice_id=document.notice_id, attempt=1, recipient_id=recipient_id, outcome=outcome
                )
                notices.folds[NoticeSettled](document, event, _meta(NOON))

    async def mine(self, page: Page | None = None) -> GetMyLedgerResponse:
        answer = await QUERIES["get_my_ledger"](GetMyLedgerRequest(page=page), self._reader(LEARNER))
        assert isinstance(answer, GetMyLedgerResponse)
        return answer

    async def all(self, page: Page | None = None) -> GetLedgerResponse:
        answer = await QUERIES["get_ledger"](GetLedgerRequest(learner_id="ada", page=page), self._reader(MANAGER))
        assert isinstance(answer, GetLedgerResponse)
        return answer

    def _reader(self, principal: Any) -> LaidDown:
        streams: dict[str, Sequence[Message]] = {"ledger-ada": self.entries, "need-to-know": self.policy}
        return LaidDown(principal, streams, list(self.notices.values()))

    def _tell(self, request: Message, meta: Metadata) -> None:
        matrix = given(MATRIX, *self.policy).state
        beside = given(telling).beside(AROUND, matrix, UNDER_18, Contact())
        for event in beside.when(request, command_id=f"{meta.event_id}-{type(request).__name__}").events:
            if isinstance(event, NoticeRequested):
                document = notices.new(event.notice_id)
                notices.folds[NoticeRequested](document, event, meta)
                self.notices[event.notice_id] = document


def _meta(at: datetime) -> Metadata:
    return Metadata(event_id="e", type="", tenant="provider-1", stream="", version=1, at=at)


RELATED = PartyRelationship
AROUND = given(
    circle,
    CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="mia", standard_reference="ST0148",
        parties=[
            Party(person_id="boss", relationship=RELATED.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
            Party(person_id="judge", relationship=RELATED.PARTY_RELATIONSHIP_ASSESSOR),
            Party(person_id="chief", relationship=RELATED.PARTY_RELATIONSHIP_PROVIDER_MANAGER),
            Party(person_id="mum", relationship=RELATED.PARTY_RELATIONSHIP_GUARDIAN),
            Party(person_id="coach", relationship=RELATED.PARTY_RELATIONSHIP_COACH),
        ],
    ),
).state  # fmt: skip
STANDARD = StandardVersion(reference="ST0148", version="1.0")
PLANNED = SessionPlanned(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="mia")
JUDGED = EvidenceAccepted(evidence_id="e-1", learner_id="ada", assessor_id="judge", standard=STANDARD)
ASKED = assessments.AssessmentRequested(
    learner_id="ada", mentorship_id="m-1", assessment_id="a-1", mentor_id="mia", asked_id="coach"
)
SAMPLED = quality.SampleActionRequired(
    learner_id="ada", evidence_id="e-1", sample_id="x-1", assessor_id="judge", iqa_id="iqa", standard=STANDARD
)
UNSHARED = actions.ActionAgreed(learner_id="ada", mentorship_id="m-1", action_id="s-1.1", owner_id="boss")
SHARED = actions.ActionAgreed(
    learner_id="ada", mentorship_id="m-1", action_id="s-1.2", owner_id="boss", shared_with_learner=True
)
CONCERNS = [
    ConcernAssigned(concern_id="c-1", raiser_role="mentor", assignee_id="dora", assignee_role=AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY),
    ConcernReceived(concern_id="c-1", raiser_id="mia"),
    ConcernReceived(concern_id="c-2", raiser_id="ada"),
]  # fmt: skip
HAPPENINGS: list[Message] = [PLANNED, JUDGED, ASKED, SAMPLED, UNSHARED, SHARED]
