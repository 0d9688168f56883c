"""What follows from an event by a reaction, for its tests."""

from datetime import UTC, datetime
from typing import Any

import protovalidate
from eventkernel.messages import Metadata, derived_id
from eventkernel.reaction import Later, Reaction
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship, StandardVersion
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.notifications_pb2 import (
    TellCircleRequest,
)

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TELLING_ID = derived_id("telling", "event-1")
ST0148 = StandardVersion(reference="ST0148", version="1.0")
AROUND: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1"}
JUDGE = Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR)
BOSS = Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)


def follows(reaction: Reaction, event: Message) -> list[Message | Later]:
    meta = Metadata(event_id="event-1", type="", tenant="provider-1", stream="", version=1, at=AT)
    found = list(reaction.policies[type(event)](event, meta))
    assert found == list(reaction.policies[type(event)](event, meta))
    for one in found:
        protovalidate.validate(one.request if isinstance(one, Later) else one)
    return found


def tell(
    kind: InformationKind.ValueType,
    occasion: Occasion.ValueType,
    about_id: str,
    mentorship_id: str = "",
    *,
    actor_id: str = "mia",
    standard_reference: str = "",
    mentor_id: str = "",
) -> TellCircleRequest:
    return TellCircleRequest(
        telling_id=TELLING_ID,
        learner_id="ada",
        kind=kind,
        occasion=occasion,
        about_id=about_id,
        actor_id=actor_id,
        mentorship_id=mentorship_id,
        standard_reference=standard_reference,
        mentor_id=mentor_id or ("mia" if about_id == "s-1" else ""),
    )
