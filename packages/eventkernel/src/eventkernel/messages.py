"""What travels through the kernel: commits of events, what is known about each, and who acted. All of it immutable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from google.protobuf.message import Message

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a person of one tenant, with roles in lower case (`mentor`), or the platform itself."""

    tenant: str
    person_id: str
    roles: frozenset[str] = frozenset()

    @classmethod
    def system(cls, tenant: str) -> "Principal":
        """The platform, for reactions and deadlines. No token can claim it."""
        return cls(tenant=tenant, person_id=SYSTEM, roles=frozenset({SYSTEM}))


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is stored, and published: its protobuf bytes, never decoded and encoded again."""

    id: str
    type: str
    version: int
    data: bytes
    published: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """What one command stored in one stream, all or nothing. It is its own outbox: pending until it is on the topic.

    `id` is tenant and idempotency key. `at` never goes back within a stream, whatever a process's clock does.
    `published_version` is the version of the stream's newest published event, this commit included; 0 where there is none.
    `fingerprint` tells a repeated request from another one under the same key.
    """

    id: str
    tenant: str
    stream: str
    events: tuple[StoredEvent, ...]
    partition_key: str
    at: datetime
    actor: str
    published_version: int
    fingerprint: bytes = b""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""

    @property
    def first_version(self) -> int:
        """The version of the first event; a stream's first is 1."""
        return self.events[0].version

    @property
    def version(self) -> int:
        """The stream's version after this commit."""
        return self.events[-1].version

    @property
    def pending(self) -> bool:
        """Whether it holds anything for the relay to publish."""
        return any(event.published for event in self.events)


class Metadata(NamedTuple):
    """What a projection or a reaction may know about an event beside its content. One is made for every record.

    `actor` is known within the stream's own service alone: no record on the bus tells who acted.
    """

    event_id: str
    type: str
    tenant: str
    stream: str
    version: int
    at: datetime
    actor: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its metadata."""

    event: Message
    meta: Metadata


class Appended(Enum):
    """How the append of one commit ended, where it was not a repeat."""

    STORED = "stored"
    # Another commit took one of its versions: load, decide again.
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Repeated:
    """The idempotency key was used before: the commit that was stored then."""

    commit: Commit


AppendOutcome = Appended | Repeated


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stream's state at a version, as JSON bytes, for one shape of the state."""

    tenant: str
    stream: str
    version: int
    shape: str
    state: bytes
    head: Commit


@dataclass(frozen=True, slots=True)
class DueRow:
    """A command that is to be given at a time, once. `attempts` counts the claims so far, this one included.

    `urgent`: no row that is not urgent may hold it up.
    """

    id: str
    tenant: str
    due: datetime
    request_type: str
    request: bytes
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    attempts: int = 0
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """One document of a projection as it is to stand. `revision` is the one it was loaded with; 0: it is new."""

    id: str
    revision: int
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents of a collection are asked for, and in which order: by one field, then by their ids.

    A field equals a value, or, of a frozenset, any. `since` and `before` bound the field they are ordered by; a document
    without a value there comes first, or last where it is `descending`. `after` is the place that was reached: the field's
    value and the id.
    """

    equal: Mapping[str, object]
    order: str
    descending: bool = False
    since: object = None
    before: object = None
    after: tuple[object, str] | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a subscription has come in one partition: the next offset to read."""

    subscription: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator asked for a parked record: to be replayed, or to be discarded.

    `onwards` asks it for whatever follows in the stream as well, also for what comes later.
    """

    act_id: str
    discard: bool = False
    onwards: bool = False


class ParkedStream(NamedTuple):
    """A stream that has records parked. Its name is its service's own affair, so the topic tells those of the same name apart."""

    topic: str
    tenant: str
    stream: str


class AskedStream(NamedTuple):
    """A stream with records for which something is asked: by which acts, and the partition of the first of them."""

    stream: ParkedStream
    partition: int
    acts: frozenset[str]


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that could not be handled, or that follows one in the same stream. Kept whole, to be replayed in order."""

    subscription: str
    tenant: str
    stream: str
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    reason: str
    attempts: int
    at: datetime
    asked: Asked | None = None

    @property
    def id(self) -> str:
        """The same however often the record is delivered."""
        return f"{self.subscription}/{self.topic}/{self.partition}/{self.offset}"

    @property
    def of_stream(self) -> ParkedStream:
        """The stream that it is of."""
        return ParkedStream(self.topic, self.tenant, self.stream)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One data key of one subject, wrapped by the key-encryption key. `wrapped` is empty once it is destroyed."""

    subject_id: str
    version: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Access:
    """One reading of sealed content, recorded before it is answered."""

    tenant: str
    actor: str
    subject_id: str
    stream: str
    event_id: str
    field: str
    at: datetime
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What an operator did, and why: kept for ever, and recorded before it is done.

    `about` says in words what it was done to; `records` names the parked records.
    """

    id: str
    tenant: str
    actor: str
    action: str
    about: str
    reason: str
    at: datetime
    records: tuple[str, ...] = ()
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who took a lease last, and until when."""

    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies of one read model, by number: queries read the serving one; the others are fed beside it.

    A number is used once. `retired` copies are fed no more and wait to be dropped. `revision` counts the changes of this record itself.
    """

    serving: int = 0
    building: int | None = None
    previous: int | None = None
    highest: int = 0
    retired: tuple[int, ...] = ()
    changed_at: datetime | None = None
    revision: int = 0

    @property
    def fed(self) -> tuple[int, ...]:
        """The copies that events go to."""
        return tuple(copy for copy in (self.serving, self.building, self.previous) if copy is not None)


def event_id(origin: str, index: int) -> str:
    """The id of a commit's event, the same whenever the command is repeated. `origin` names topic and commit."""
    return derived_id(origin, str(index))


def derived_id(*parts: str) -> str:
    """An id that follows from what it is made of, so that doing a thing again makes nothing new."""
    return str(uuid5(NAMESPACE_URL, "\n".join(parts)))


def newest_published(events: Iterable[StoredEvent], before: int) -> int:
    """The version of the newest published event among these, else what it was before."""
    return max((event.version for event in events if event.published), default=before)
