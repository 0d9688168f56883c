"""From an event of another service to a mail, through the real kernel over a store in memory: who gets it, and what stays unreadable."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import NotYet
from eventkernel.commands import Order
from eventkernel.due import Attempt
from eventkernel.messages import DueRow, Metadata, Principal, derived_id
from eventkernel.node import Node
from eventkernel.reaction import Later, Reaction
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import person
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Party, PartyRelationship, StandardVersion
from mentoring.notifications.v1.events_pb2 import CircleMeant, ContactReplaced, NoticeRequested, NoticeSettled, Outcome
from mentoring.notifications.v1.notifications_pb2 import (
    RegisterContactRequest,
    RegisterMyContactRequest,
    SetContactPolicyRequest,
    StartNoticeRequest,
)
from mentoring.notifications.v1.provider_details_pb2 import SetProviderDetailsRequest
from mentoring.safeguarding.v1.events_pb2 import (
    AssigneeRole,
    ConcernAssigned,
    ConcernCategory,
    ConcernReceived,
    Severity,
)
from mentoring.sessions.v1.events_pb2 import MentorshipStarted, SessionMissed, SessionMoved, SessionPlanned
from mentoring.sessions.v1.mentorship_events_pb2 import MentorChanged, PartyDetached
from notifications.reactions.circles import circles
from notifications.reactions.sending import sending
from notifications.reactions.telling import telling
from notifications.service import build

TENANT = "provider-1"
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STARTED = MentorshipStarted(
    learner_id="ada",
    mentorship_id="m-1",
    mentor_id="mia",
    parties=[
        Party(person_id="boss", relationship=PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT),
        Party(person_id="judge", relationship=PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR),
    ],
)
PLANNED = SessionPlanned(session_id="s-1", learner_id="ada", mentorship_id="m-1", mentor_id="mia")
ASSIGNED = ConcernAssigned(
    concern_id="c-1",
    category=ConcernCategory.CONCERN_CATEGORY_PHYSICAL,
    severity=Severity.SEVERITY_SERIOUS,
    raiser_role="mentor",
    assignee_id="dora",
    assignee_role=AssigneeRole.ASSIGNEE_ROLE_DSL_ON_DUTY,
)


class Outbox:
    """A mailer that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        self.mails.append(message)

    def texts(self) -> dict[str, str]:
        return {mail["To"].addresses[0].addr_spec: text_of(mail) for mail in self.mails}


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class Platform:
    """The service without Kafka: events are handed to its reactions, and what they ask for is done at once."""

    def __init__(self, folder: Path) -> None:
        self.now = AT
        self.outbox = Outbox()
        self.store = MemoryStore()
        self.service = build(mailer=self.outbox)
        settings = Settings(
            kafka_bootstrap="unused:9092", mongodb_uri="unused", key_file=folder / "key", jwks_file=folder / "jwks"
        )
        self.node = Node(self.service, settings, self.store, clock=lambda: self.now)

    async def give(self, request: Message, key: str, principal: Principal) -> CommandReply:
        return await self.node.commands.give(Order(request, principal, key))

    async def register(self, *people: str) -> None:
        for one in people:
            request = RegisterContactRequest(person_id=one, name=f"Name of {one}", email=f"{one}@example.org")
            await self.give(request, f"register-{one}", person("paula", "provider_manager"))

    async def hear(self, reaction: Reaction, event: Message, *, event_id: str = "event-1", actor: str = "mia") -> None:
        meta = Metadata(event_id=event_id, type="", tenant=TENANT, stream="s", version=1, at=AT, actor=actor)
        for index, reply in enumerate(reaction.policies[type(event)](event, meta)):
            assert not isinstance(reply, Later)
            key = derived_id(reaction.name, event_id, str(index))
            await self.give(reply, key, Principal.system(TENANT))

    async def send_all(self, *event_ids: str) -> None:
        """Runs the due rows of all notices that these events led to, twice each, as after a lost answer."""
        reader = self.node.reader(Principal.system(TENANT))
        for event_id in event_ids or ("event-1",):
            for item in await reader.history(f"telling-{derived_id('telling', event_id)}"):
                if isinstance(item.event, CircleMeant):
                    continue
                (later,) = sending.policies[type(item.event)](item.event, item.meta)
                assert isinstance(later, Later)
                for attempt in (1, 2):
                    row = DueRow(item.meta.event_id, TENANT, AT, "", b"", attempts=attempt)
                    doing = Attempt(row, self.node.commands, self.node.reader, self.now)
                    await self.service.effects[StartNoticeRequest](later.request, doing)

    async def settled(self, event_id: str = "event-1") -> list[Outcome.ValueType]:
        """How the attempts for this event's notices ended."""
        reader = self.node.reader(Principal.system(TENANT))
        told = [item.event for item in await reader.history(f"telling-{derived_id('telling', event_id)}")]
        notices = [event for event in told if isinstance(event, NoticeRequested)]
        past = [item.event for one in notices for item in await reader.history(f"notice-{one.notice_id}")]
        return [event.outcome for event in past if isinstance(event, NoticeSettled)]


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


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
