"""From an event of another service to a mail, through the real kernel over a store in memory: who gets it, and what stays unreadable."""

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import derived_id
from eventkernel.testing.scenario import person
from mentoring.common.v1.common_pb2 import Party, PartyRelationship, StandardVersion
from mentoring.notifications.v1.events_pb2 import Outcome
from mentoring.notifications.v1.provider_details_pb2 import SetProviderDetailsRequest
from mentoring.safeguarding.v1.events_pb2 import (
    AssigneeRole,
    ConcernAssigned,
    ConcernCategory,
    ConcernReceived,
    Severity,
)
from mentoring.sessions.v1.events_pb2 import MentorshipStarted, SessionMissed, SessionMoved
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged, PartyDetached
from notifications.reactions.circles import circles
from notifications.reactions.telling import telling

from .flowing import ASSIGNED, PLANNED, STARTED, TENANT, Platform


async def test_a_planned_session_reaches_those_with_a_need_once_each_but_not_who_planned_it(platform: Platform) -> None:
    await platform.register("ada", "mia", "boss", "judge")
    await platform.hear(circles, STARTED)
    await platform.hear(telling, PLANNED)
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert sorted(mail["To"].addresses[0].addr_spec for mail in platform.outbox.mails) == [
        "ada@example.org", "boss@example.org",
    ]  # fmt: skip
    texts = platform.outbox.texts()
    assert "Hello Name of ada" in texts["ada@example.org"]
    assert "because you are the learner.\n" in texts["ada@example.org"]
    assert "/sessions/s-1" not in texts["boss@example.org"]


@pytest.mark.parametrize("said", [True, False], ids=["it says which", "stored before it said which"])
async def test_what_happened_in_one_mentorship_is_not_told_to_the_employer_of_another(
    platform: Platform, said: bool
) -> None:
    await platform.register("ada", "boss-1", "boss-2", "mia-1", "mia-2")
    for number, reference in (("1", "ST0148"), ("2", "ST0001")):
        started = MentorshipStarted(
            learner_id="ada",
            mentorship_id=f"m-{number}",
            mentor_id=f"mia-{number}",
            standard=StandardVersion(reference=reference, version="1.0"),
            parties=[
                Party(person_id=f"boss-{number}", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT)
            ],
        )
        await platform.hear(circles, started, event_id=f"started-{number}")
    missed = SessionMissed(session_id="s-1", learner_id="ada", mentor_id="mia-1", mentorship_id="m-1" if said else "")
    await platform.hear(telling, missed, event_id="missed")
    await platform.send_all("missed")
    assert set(platform.outbox.texts()) == {"ada@example.org", "boss-1@example.org"}


async def test_a_telling_that_comes_before_its_circle_waits_and_is_then_told(platform: Platform) -> None:
    await platform.register("ada", "boss")
    with pytest.raises(NotYet):
        await platform.hear(telling, PLANNED)
    await platform.hear(circles, STARTED)
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"ada@example.org", "boss@example.org"}


JUDGE_ALONE = [Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR)]
DETACHED = PartyDetached(learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=JUDGE_ALONE)
TAKEN_OVER = MentorChanged(
    learner_id="ada", mentorship_id="m-1", mentor_id="max", former_mentor_id="mia", parties=STARTED.parties
)


async def test_whoever_is_detached_is_not_told_what_happens_afterwards(platform: Platform) -> None:
    await platform.register("ada", "boss")
    await platform.hear(circles, STARTED)
    await platform.hear(circles, DETACHED, event_id="detached")
    await platform.hear(telling, PLANNED)
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"ada@example.org"}


async def test_whoever_is_detached_is_not_told_either_what_waited_to_be_sent_meanwhile(platform: Platform) -> None:
    await platform.register("ada", "boss")
    await platform.hear(circles, STARTED)
    await platform.hear(telling, PLANNED)
    await platform.hear(circles, DETACHED, event_id="detached")
    await platform.send_all()
    assert set(platform.outbox.texts()) == {"ada@example.org"}
    assert sorted(await platform.settled()) == [Outcome.OUTCOME_SENT, Outcome.OUTCOME_NEED_ENDED]


async def test_a_change_of_mentor_is_told_to_the_new_one_and_never_to_the_former_one(platform: Platform) -> None:
    await platform.register("ada", "boss", "judge", "mia", "max")
    await platform.hear(circles, STARTED)
    with pytest.raises(NotYet):
        await platform.hear(telling, TAKEN_OVER, event_id="taken over")
    await platform.hear(circles, TAKEN_OVER, event_id="taken over")
    await platform.hear(telling, TAKEN_OVER, event_id="taken over")
    moved = SessionMoved(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="max")
    await platform.hear(telling, moved, event_id="moved")
    await platform.send_all("taken over", "moved")
    assert sorted((mail["To"].addresses[0].addr_spec, mail["Subject"]) for mail in platform.outbox.mails) == [
        ("ada@example.org", "A mentorship has another mentor"),
        ("ada@example.org", "A session was moved"),
        ("boss@example.org", "A mentorship has another mentor"),
        ("boss@example.org", "News about a learner's sessions"),
        ("judge@example.org", "A mentorship has another mentor"),
        ("max@example.org", "A mentorship has another mentor"),
    ]


async def test_a_concern_reaches_its_raiser_and_its_handler_and_nobody_else(platform: Platform) -> None:
    await platform.register("ada", "mia", "boss", "judge", "dora")
    await platform.hear(circles, STARTED)
    received = ConcernReceived(concern_id="c-1", raiser_id="mia", severity=Severity.SEVERITY_IMMEDIATE_DANGER)
    await platform.hear(telling, received, event_id="received")
    await platform.hear(telling, ASSIGNED, event_id="assigned")
    await platform.send_all("received", "assigned")
    texts = platform.outbox.texts()
    assert set(texts) == {"mia@example.org", "dora@example.org"}
    assert "call the emergency services now" in " ".join(texts["mia@example.org"].split())
    assert "Emergency services: 999\n" in texts["mia@example.org"]
    assert "Raised by: mentor\n\nCategory: physical\n" in texts["dora@example.org"]
    assert "Name of" not in "".join(texts.values())


async def test_in_immediate_danger_the_raiser_gets_the_providers_numbers_and_the_handler_does_not(
    platform: Platform,
) -> None:
    await platform.register("mia", "dora")
    numbers = SetProviderDetailsRequest(provider_name="Northfield", dsl_line="01632 960001", emergency_line="112")
    await platform.give(numbers, "numbers", person("sara", "senior_lead"))
    received = ConcernReceived(concern_id="c-1", raiser_id="mia", severity=Severity.SEVERITY_IMMEDIATE_DANGER)
    await platform.hear(telling, received, event_id="received")
    await platform.hear(telling, ASSIGNED, event_id="assigned")
    await platform.send_all("received", "assigned")
    texts = platform.outbox.texts()
    assert (
        "Emergency services: 112\nDesignated safeguarding lead (DSL), Northfield: 01632 960001\n"
        in texts["mia@example.org"]
    )
    assert not any(said in texts["dora@example.org"] for said in ("112", "01632 960001", "Northfield"))


ADDED_TO = ConcernAssigned(
    concern_id="c-1",
    category=ConcernCategory.CONCERN_CATEGORY_PHYSICAL,
    severity=Severity.SEVERITY_SERIOUS,
    raiser_role="anonymous",
    assignee_id="dora",
    assignee_role=AssigneeRole.ASSIGNEE_ROLE_HANDLER,
    step=1,
)


async def test_what_is_added_to_a_concern_reaches_its_handler_once_for_each_addition(platform: Platform) -> None:
    await platform.register("mia", "dora")
    await platform.hear(telling, ASSIGNED, event_id="assigned")
    for event_id in ("added", "added", "added again"):
        await platform.hear(telling, ADDED_TO, event_id=event_id)
    await platform.send_all("assigned", "added", "added again")
    assert [(mail["To"].addresses[0].addr_spec, mail["Subject"]) for mail in platform.outbox.mails] == [
        ("dora@example.org", "A safeguarding concern waits for you"),
        ("dora@example.org", "A safeguarding concern was added to"),
        ("dora@example.org", "A safeguarding concern was added to"),
    ]
    text = platform.outbox.texts()["dora@example.org"]
    assert "/concerns/c-1\n\nRaised by: anonymous\n\nCategory: physical\n" in text
    assert "because you were asked to take the concern, or have taken it." in " ".join(text.split())
    assert "mia" not in text


async def test_names_and_addresses_are_unreadable_in_what_is_stored_and_every_reading_is_logged(
    platform: Platform,
) -> None:
    await platform.register("dora")
    await platform.hear(telling, ASSIGNED)
    await platform.send_all()
    notice_id = platform.outbox.mails[0]["X-Notice-Id"]
    for stream in ("contact-dora", f"telling-{derived_id('telling', 'event-1')}", f"notice-{notice_id}"):
        commits = await platform.store.commits.read(TENANT, stream)
        assert commits
        for commit in commits:
            assert all(b"example.org" not in event.data and b"Name of" not in event.data for event in commit.events)
    readings = await platform.store.access_log.about(TENANT, "dora")
    assert {(entry.stream, entry.field) for entry in readings} == {("contact-dora", "email")}


async def test_a_tellings_events_and_its_notices_share_a_partition(platform: Platform) -> None:
    await platform.register("dora")
    await platform.hear(telling, ASSIGNED)
    await platform.send_all()
    telling_id = derived_id("telling", "event-1")
    streams = (f"telling-{telling_id}", f"notice-{platform.outbox.mails[0]['X-Notice-Id']}")
    keys = {commit.partition_key for stream in streams for commit in await platform.store.commits.read(TENANT, stream)}
    assert len(keys) == 1
