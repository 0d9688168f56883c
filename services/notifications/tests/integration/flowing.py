"""The notifications service with a mail server, as what other services publish flows through it."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from eventkernel.commands import Order
from eventkernel.due import Attempt
from eventkernel.messages import DueRow, Metadata, Principal, derived_id
from eventkernel.node import Node
from eventkernel.reaction import Later, Reaction
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Party, PartyRelationship
from mentoring.notifications.v1.events_pb2 import CircleMeant, NoticeRequested, NoticeSettled, Outcome
from mentoring.notifications.v1.notifications_pb2 import (
    RegisterContactRequest,
    StartNoticeRequest,
)
from mentoring.safeguarding.v1.events_pb2 import (
    AssigneeRole,
    ConcernAssigned,
    ConcernCategory,
    Severity,
)
from mentoring.sessions.v1.events_pb2 import MentorshipStarted, SessionPlanned
from notifications.reactions.sending import sending
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
