"""Learners' circles, and what is told in them, for the tests of telling."""

from datetime import date

from eventkernel.testing.scenario import given
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleMeant,
    CircleRecorded,
    Detail,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest, TellPersonRequest
from notifications.domain.circle import Circle, circle
from notifications.domain.conditions import Conditions

BECAUSE_OF_PARTY = {
    PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT: Because.BECAUSE_EMPLOYER_CONTACT,
    PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR: Because.BECAUSE_ASSESSOR,
    PartyRelationship.PARTY_RELATIONSHIP_PROVIDER_MANAGER: Because.BECAUSE_PROVIDER_MANAGER,
    PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN: Because.BECAUSE_GUARDIAN,
}

UNDER_18 = Conditions(comes_of_age=date(2030, 1, 1))


def party(person_id: str, relationship: PartyRelationship.ValueType) -> Party:
    return Party(person_id=person_id, relationship=relationship)


CIRCLE = CircleRecorded(
    learner_id="ada",
    mentorship_id="m-1",
    mentor_id="mia",
    parties=[
        party("boss", PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        party("judge", PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR),
        party("mum", PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN),
        party("coach", PartyRelationship.PARTY_RELATIONSHIP_COACH),
    ],
    standard_reference="ST0148",
)
PLANNED = TellCircleRequest(
    telling_id="t-1",
    learner_id="ada",
    kind=InformationKind.INFORMATION_KIND_SESSION,
    occasion=Occasion.OCCASION_SESSION_PLANNED,
    about_id="s-1",
    mentorship_id="m-1",
)
ASSIGNED = TellPersonRequest(
    telling_id="t-2",
    person_id="dora",
    occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
    about_id="c-1",
    because=Because.BECAUSE_DSL_ON_DUTY,
    raiser_role="mentor",
    category="child_on_child",
)
REPLACED = TellPersonRequest(
    telling_id="t-3",
    person_id="dora",
    occasion=Occasion.OCCASION_CONTACT_REPLACED,
    about_id="dora",
    because=Because.BECAUSE_OWN_CONTACT,
    registration=1,
)


def surrounded(*events: CircleRecorded) -> Circle:
    return given(circle, *events).state


def changed(request: TellCircleRequest, **fields: object) -> TellCircleRequest:
    found = TellCircleRequest()
    found.CopyFrom(request)
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def told(events: tuple[Message, ...]) -> dict[str, tuple[Because.ValueType, Detail.ValueType]]:
    notices = [event for event in events if isinstance(event, NoticeRequested)]
    about_a_circle = [event for event in events if isinstance(event, CircleMeant)]
    assert len({event.recipient_id for event in notices}) == len(notices) == len(events) - len(about_a_circle)
    return {event.recipient_id: (event.because, event.detail) for event in notices}


ANOTHER_BOSS = party("boss-2", PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
ANOTHER = CircleRecorded(
    learner_id="ada", mentorship_id="m-2", mentor_id="max", parties=[ANOTHER_BOSS], standard_reference="ST0001"
)
JUDGED = TellCircleRequest(
    telling_id="t-5",
    learner_id="ada",
    kind=InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
    occasion=Occasion.OCCASION_EVIDENCE_ACCEPTED,
    about_id="e-1",
    actor_id="judge",
    standard_reference="ST0148",
)
