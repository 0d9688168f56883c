"""A condition that is lost between asking for a notice and sending it, through the real kernel over a store in memory."""

from datetime import timedelta
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.testing.scenario import person
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, Detail, NeedToKnowRule, Outcome
from mentoring.notifications.v1.need_to_know_pb2 import (
    GiveAgreementRequest,
    SetLearnerComesOfAgeRequest,
    WithdrawAgreementRequest,
)
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest
from mentoring.sessions.v1.events_pb2 import MentorshipStarted
from notifications.reactions.circles import circles
from notifications.reactions.telling import telling

from .flowing import PLANNED, Platform

SESSION, EMPLOYER = InformationKind.INFORMATION_KIND_SESSION, Because.BECAUSE_EMPLOYER_CONTACT
STARTED = MentorshipStarted(
    learner_id="ada",
    mentorship_id="m-1",
    mentor_id="mia",
    parties=[
        Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        Party(person_id="mum", relationship=PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN),
    ],
)
ONLY_IF_AGREED = SetNeedToKnowRequest(
    rules=[
        NeedToKnowRule(kind=SESSION, because=EMPLOYER, detail=Detail.DETAIL_OUTLINE, conditions=[Condition.CONDITION_LEARNER_AGREES]),
        NeedToKnowRule(kind=SESSION, because=Because.BECAUSE_GUARDIAN, detail=Detail.DETAIL_OUTLINE),
    ]
)  # fmt: skip
AGREE = GiveAgreementRequest(learner_id="ada", kind=SESSION, because=EMPLOYER)
WITHDRAW = WithdrawAgreementRequest(learner_id="ada", kind=SESSION, because=EMPLOYER)
TOMORROW = SetLearnerComesOfAgeRequest(learner_id="ada", comes_of_age_on="2026-03-04")
ADA, MANAGER = person("ada", "learner"), person("paula", "provider_manager")


@pytest.fixture
async def platform(tmp_path: Path) -> Platform:
    found = Platform(tmp_path)
    await found.register("boss", "mum")
    await found.hear(circles, STARTED)
    await found.give(ONLY_IF_AGREED, "matrix", MANAGER)
    return found


async def test_what_the_learner_agrees_to_is_sent(platform: Platform) -> None:
    await platform.give(AGREE, "agree", ADA)
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"boss@example.org"}


async def test_an_agreement_that_is_withdrawn_before_it_is_sent_stops_it(platform: Platform) -> None:
    await platform.give(AGREE, "agree", ADA)
    await platform.hear(telling, PLANNED)
    await platform.give(WITHDRAW, "withdraw", ADA)
    await platform.send_all()
    assert platform.outbox.mails == []
    assert await platform.settled() == [Outcome.OUTCOME_NEED_ENDED]


async def test_a_guardian_is_told_of_a_child(platform: Platform) -> None:
    await platform.give(TOMORROW, "age", MANAGER)
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"mum@example.org"}


async def test_a_birthday_that_passes_before_it_is_sent_stops_it(platform: Platform) -> None:
    await platform.give(TOMORROW, "age", MANAGER)
    await platform.hear(telling, PLANNED)
    platform.now += timedelta(days=2)
    await platform.send_all()
    assert platform.outbox.mails == []
    assert await platform.settled() == [Outcome.OUTCOME_NEED_ENDED]


@pytest.mark.parametrize("request_", [AGREE, WITHDRAW])
async def test_nobody_agrees_for_somebody_else(
    platform: Platform, request_: GiveAgreementRequest | WithdrawAgreementRequest
) -> None:
    with pytest.raises(Denied):
        await platform.give(request_, "not mine", person("bob", "learner"))
