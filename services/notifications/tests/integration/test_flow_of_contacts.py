"""A contact that another person put in somebody's place: an alert reaches whoever it is for, and who replaced it turns nothing away."""

from datetime import timedelta

import pytest
from eventkernel.access import Denied
from eventkernel.testing.scenario import person
from google.protobuf.duration_pb2 import Duration
from mentoring.notifications.v1.events_pb2 import ContactReplaced, Outcome
from mentoring.notifications.v1.notifications_pb2 import (
    RegisterContactRequest,
    RegisterMyContactRequest,
    SetContactPolicyRequest,
)
from mentoring.safeguarding.v1.events_pb2 import (
    ConcernReceived,
    Severity,
)
from notifications.reactions.circles import circles
from notifications.reactions.telling import telling

from .flowing import ASSIGNED, AT, PLANNED, STARTED, Platform

MOVED = RegisterContactRequest(person_id="dora", name="Dora", email="dora@new.example.org")
MOVED_MYSELF = RegisterMyContactRequest(person_id="dora", name="Dora", email="dora@own.example.org")
PAULA = person("paula", "provider_manager")


async def test_whoever_replaces_another_ones_contact_cannot_turn_a_concern_away(platform: Platform) -> None:
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    await platform.give(MOVED, "moved again", PAULA)
    await platform.hear(telling, ASSIGNED)
    await platform.send_all()
    # Each once: what stood before the first of them, and the newest.
    assert [mail["To"].addresses[0].addr_spec for mail in platform.outbox.mails] == [
        "dora@example.org",
        "dora@new.example.org",
    ]


async def test_a_contact_replaced_after_the_telling_and_before_the_sending_turns_nothing_away(
    platform: Platform,
) -> None:
    await platform.register("dora")
    await platform.hear(telling, ASSIGNED)
    await platform.give(MOVED, "moved", PAULA)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"dora@example.org"}


async def test_another_ones_contact_stands_alone_when_its_time_is_over(platform: Platform) -> None:
    await platform.register("dora")
    await platform.give(
        SetContactPolicyRequest(both_for=Duration(seconds=86400)), "policy", person("sam", "senior_lead")
    )
    await platform.give(MOVED, "moved", PAULA)
    platform.now = AT + timedelta(days=1)
    await platform.hear(telling, ASSIGNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"dora@new.example.org"}


async def test_what_a_person_registered_themself_is_written_to_alone_from_then_on(platform: Platform) -> None:
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    await platform.give(MOVED_MYSELF, "mine", person("dora", "dsl"))
    await platform.hear(telling, ASSIGNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"dora@own.example.org"}


async def test_whoever_replaced_a_raisers_contact_does_not_hear_that_they_raised_a_concern(platform: Platform) -> None:
    """It may be about whoever replaced it."""
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    received = ConcernReceived(concern_id="c-1", raiser_id="dora", severity=Severity.SEVERITY_SERIOUS)
    await platform.hear(telling, received)
    platform.now = AT + timedelta(days=15)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"dora@example.org"}


async def test_an_alert_asked_for_while_the_old_contact_stood_reaches_it_however_late_it_is_sent(
    platform: Platform,
) -> None:
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    platform.now = AT + timedelta(days=14) - timedelta(minutes=1)
    await platform.hear(telling, ASSIGNED)
    platform.now += timedelta(minutes=2)
    await platform.send_all()
    texts = platform.outbox.texts()
    assert set(texts) == {"dora@example.org", "dora@new.example.org"}
    assert "Category: physical" in texts["dora@example.org"]
    assert "Category" not in texts["dora@new.example.org"]


async def test_who_ends_the_trial_of_a_contact_by_registering_their_own_is_told_there_alone(
    platform: Platform,
) -> None:
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    await platform.hear(telling, ASSIGNED)
    await platform.give(MOVED_MYSELF, "mine", person("dora", "dsl"))
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"dora@own.example.org"}
    listed = await platform.settled()
    assert sorted(listed) == [Outcome.OUTCOME_SENT, Outcome.OUTCOME_NOT_NEEDED]


async def test_nobody_registers_as_somebody_else(platform: Platform) -> None:
    with pytest.raises(Denied):
        await platform.give(MOVED_MYSELF, "not mine", PAULA)


async def test_a_replaced_contact_is_told_so_where_it_was(platform: Platform) -> None:
    await platform.register("dora")
    await platform.give(MOVED, "moved", PAULA)
    await platform.hear(telling, ContactReplaced(person_id="dora", replaced=1))
    await platform.send_all()
    ((address, text),) = platform.outbox.texts().items()
    assert address == "dora@example.org"
    assert "new.example.org" not in text
    assert "whose contact it was" in text


async def test_a_session_is_told_to_the_newest_registration_alone(platform: Platform) -> None:
    await platform.register("ada", "boss")
    moved = RegisterContactRequest(person_id="boss", name="Boss", email="boss@new.example.org")
    await platform.give(moved, "moved", PAULA)
    await platform.hear(circles, STARTED)
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"ada@example.org", "boss@new.example.org"}
