"""Whoever may be a party of a mentorship can be told: what sessions takes, notifications takes as well."""

import protovalidate
import pytest
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Party, PartyRelationship, StandardVersion
from mentoring.notifications.v1.notifications_pb2 import RecordCircleRequest
from mentoring.sessions.v1.sessions_pb2 import StartMentorshipRequest

MOST = 50


def parties(count: int) -> list[Party]:
    assessor = PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR
    return [Party(person_id=f"assessor-{number}", relationship=assessor) for number in range(count)]


def start(count: int) -> StartMentorshipRequest:
    return StartMentorshipRequest(
        learner_id="ada", mentorship_id="m-1", mentor_id="mia", employer_id="works", site_id="leeds",
        standard=StandardVersion(reference="ST0148", version="1.0"), parties=parties(count), boundaries=["in working hours"],
    )  # fmt: skip


def record(count: int) -> RecordCircleRequest:
    return RecordCircleRequest(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=parties(count))


@pytest.mark.parametrize("request_", [start(MOST), record(MOST)], ids=["started", "heard of"])
def test_fifty_parties_are_taken(request_: Message) -> None:
    protovalidate.validate(request_)


@pytest.mark.parametrize("request_", [start(MOST + 1), record(MOST + 1)], ids=["started", "heard of"])
def test_one_more_is_refused_and_the_field_is_named(request_: Message) -> None:
    with pytest.raises(protovalidate.ValidationError) as refused:
        protovalidate.validate(request_)
    (violation,) = refused.value.violations
    assert "parties" in str(violation.proto.field)
    assert violation.proto.rule_id == "repeated.max_items"
