"""What the kernel needs of a store. Two adapters keep these promises, in memory and on MongoDB, and one suite checks both."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from eventkernel.messages import (
    Access,
    Act,
    AppendOutcome,
    Asked,
    AskedStream,
    Checkpoint,
    Commit,
    Copies,
    DocumentWrite,
    DueRow,
    Lease,
    ParkedRecord,
    ParkedStream,
    Selection,
    Snapshot,
    WrappedKey,
)


class StoreUnavailable(Exception):
    """The store did not answer, or not in time. Whether what was asked was done is not known: asking again is safe."""


class RevisionConflict(Exception):
    """A document was written by someone else since it was loaded: load again, fold again."""


class DocumentTooLarge(Exception):
    """A document has more bytes than any store keeps (16 MiB, its id and revision included). Writing it again never helps."""


class CommitStore(Protocol):
    """Commits of events. Whatever it acknowledged stays, through a crash of any process."""

    async def append(self, commits: Sequence[Commit]) -> list[AppendOutcome]:
        """Stores each commit by itself and says how each ended, in order; one that fails leaves the others alone.

        The commits of one call belong to different streams. A commit whose id is known is `Repeated`, whatever else is true
        of it; one that shares any version of its stream with another is a `CONFLICT`.
        """
        ...

    async def read(self, tenant: str, stream: str, after: int = 0) -> list[Commit]:
        """The stream's commits with versions above `after`, in order."""
        ...

    async def newer(self, streams: Sequence[tuple[str, str]], after: int) -> dict[tuple[str, str], list[Commit]]:
        """What `read` would give for each of these (tenant, stream) pairs, in one round trip; those with nothing may be left out."""
        ...

    async def find(self, commit_id: str) -> Commit | None:
        """The commit with this id."""
        ...

    async def pending(self, slots: Sequence[int], limit: int, leave_out: frozenset[str] = frozenset()) -> list[Commit]:
        """Up to `limit` commits of these slots that are not yet published, oldest first, so in order within each stream.

        `leave_out` names commits, by id, that are being cleared already.
        """
        ...

    async def clear(self, commit_ids: Sequence[str]) -> None:
        """Marks commits as published. Clearing twice does no harm."""
        ...

    async def count_pending(self) -> tuple[int, datetime | None]:
        """How many commits wait to be published, and the time of the oldest."""
        ...

    async def pending_by_slot(self) -> dict[int, tuple[int, datetime]]:
        """The same for each slot that anything waits in."""
        ...

    async def some_streams(self, after: str, limit: int) -> list[tuple[str, list[Commit], frozenset[str]]]:
        """The next streams behind the key `after` ("" at first), in the order of their keys, each with its commits and which are pending.

        Some of those streams that have about `limit` commits together; none where there are no more.
        """
        ...

    async def one_stream(self, key: str) -> tuple[list[Commit], frozenset[str]]:
        """The commits of the stream with this key, and which are pending; none where there is no such stream."""
        ...

    async def load_snapshot(self, tenant: str, stream: str) -> Snapshot | None:
        """The stream's newest snapshot."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keeps a snapshot, unless a newer one is there. Losing it costs time, never truth."""
        ...


class LeaseStore(Protocol):
    """Leases by name. A lease is a hint about who works: it never protects by itself, fencing does."""

    async def acquire(self, name: str, holder: str, now: datetime, ttl: timedelta) -> bool:
        """Takes or renews the lease; False where another holds it past `now`.

        One that runs longer than two `ttl` counts as free: it was taken by a clock that has been put right since.
        """
        ...

    async def release(self, name: str, holder: str) -> None:
        """Gives the lease back, if this holder has it."""
        ...

    async def holder(self, name: str) -> str | None:
        """Who took it last and has not given it back."""
        ...

    async def held(self, name: str) -> Lease | None:
        """The same, with the time until which it was taken."""
        ...


class DocumentStore(Protocol):
    """The documents of projections. A collection is one version of one read model."""

    async def prepare(self, collection: str, indexes: Sequence[str]) -> None:
        """Makes sure that the collection and its indexes (one field each) are there."""
        ...

    async def load(self, collection: str, ids: Sequence[str]) -> dict[str, tuple[int, dict[str, object]]]:
        """The documents that exist, by id, each with its revision."""
        ...

    async def write(
        self, collection: str, documents: Sequence[DocumentWrite], checkpoints: Sequence[Checkpoint]
    ) -> None:
        """Writes each document once, then the checkpoints, in two round trips at the most. A checkpoint never goes back.

        Raises RevisionConflict where a document is no longer the one that was loaded, or DocumentTooLarge; then some of the others may
        have been written, and no checkpoint has. Raises ValueError for a field that is the store's own: `_id`, `_rev`.
        """
        ...

    async def find(self, collection: str, equal: Mapping[str, object], limit: int) -> list[dict[str, object]]:
        """Documents whose fields equal these, in the order of their ids. A list equals whatever it contains, and a frozenset each of its own."""
        ...

    async def select(self, collection: str, selection: Selection, limit: int) -> list[tuple[str, dict[str, object]]]:
        """Up to `limit` documents of a selection with their ids, in its order."""
        ...

    async def checkpoint(self, collection: str, subscription: str, topic: str, partition: int) -> int | None:
        """The next offset to read, or None before the first. It lies in the collection that it was written with."""
        ...

    async def checkpoints(self, collection: str, subscription: str) -> dict[tuple[str, int], int]:
        """All of a subscription's checkpoints, by topic and partition."""
        ...

    async def page(self, collection: str, after: str, limit: int) -> list[tuple[str, dict[str, object]]]:
        """Up to `limit` documents whose ids come behind `after` ("" at first), in the order of their ids."""
        ...

    async def drop(self, collection: str) -> None:
        """Removes a collection with its checkpoints. Dropping what is not there does no harm."""
        ...


class DueStore(Protocol):
    """Rows that fall due. Each is claimed with a lease, so that a dead claimant's row is claimed again."""

    async def schedule(self, rows: Sequence[DueRow]) -> None:
        """Keeps rows; one whose id is known (open or finished) is left as it is."""
        ...

    async def claim(self, now: datetime, lease: timedelta, *, urgent: bool = False) -> DueRow | None:
        """The oldest row that is due and not leased, now leased, with `attempts` one higher; no two claimants get the same.

        It is one of the urgent rows, or one of the others: neither is looked through for the other, however many there are.
        A lease that runs longer than two of `lease` counts as none: it was taken by a clock that has been put right since.
        """
        ...

    async def finish(self, row: DueRow) -> None:
        """The row is done, unless it was claimed again since this claim of it. Its id stays known."""
        ...

    async def postpone(self, row: DueRow, due: datetime) -> None:
        """Gives the row back, to be claimed at `due`, unless it was claimed again since this claim of it."""
        ...

    async def reopen(self, row_id: str, attempts: int) -> bool:
        """Opens a row again that was finished at this attempt; any other is left as it is.

        False while this attempt may still finish it: to be asked again. True: it is open, or a later attempt took it over.
        """
        ...

    async def count_overdue(self, now: datetime) -> int:
        """How many open rows are past their time."""
        ...


class ParkedStore(Protocol):
    """What could not be handled, kept until an operator mends it."""

    async def park(self, records: Sequence[ParkedRecord]) -> None:
        """Keeps records; one that is parked already is left as it is."""
        ...

    async def count(self) -> dict[str, int]:
        """How many records are parked, by subscription; those with none are left out."""
        ...

    async def streams(self, subscription: str) -> dict[ParkedStream, tuple[int, int]]:
        """The streams that have anything parked, each with the partition and offset of its first record."""
        ...

    async def list(
        self,
        subscription: str | None = None,
        *,
        topic: str | None = None,
        tenant: str | None = None,
        stream: str | None = None,
        limit: int = 0,
    ) -> list[ParkedRecord]:
        """Parked records with all they hold, by subscription, topic, partition and offset; at most `limit` where one is given."""
        ...

    async def ask(self, ids: Iterable[str], asked: Asked) -> int:
        """Notes what an operator asked, one record after the other, on those that nothing is asked for yet; on how many."""
        ...

    async def asked(self) -> frozenset[str]:
        """The subscriptions that have any record with something asked."""
        ...

    async def asked_streams(self, subscription: str) -> Sequence[AskedStream]:
        """The streams with any record for which something is asked, in the order of the first of them."""
        ...

    async def settle(self, record_id: str, act_id: str) -> bool:
        """Removes a record, if this act is still what is asked for it. False where it is not."""
        ...

    async def park_again(self, record: ParkedRecord, act_id: str = "") -> None:
        """Replaces the record by one that nothing is asked for; keeps it where it is new, and leaves one of a later attempt.

        With an act's id: only where that act is still what is asked for it.
        """
        ...

    async def withdraw(self, subscription: str, stream: ParkedStream, acts: Iterable[str]) -> None:
        """Takes back what these acts asked for records of a stream; what any other asked stands."""
        ...

    async def drop(self, subscription: str) -> None:
        """Removes all records of a subscription that is no more."""
        ...


class KeyStore(Protocol):
    """Wrapped data keys by tenant and subject."""

    async def keys(self, tenant: str, subject_id: str) -> list[WrappedKey]:
        """All versions, oldest first; destroyed ones with nothing in them."""
        ...

    async def add(self, tenant: str, key: WrappedKey) -> WrappedKey:
        """Keeps a key, and returns the one that stands under its version: another's, where that one was first."""
        ...

    async def destroy(self, tenant: str, subject_id: str) -> int:
        """Empties every version for ever; how many held a key before."""
        ...


class AccessLog(Protocol):
    """Who read what that was sealed. An entry is durable before the reader gets an answer."""

    async def record(self, entries: Sequence[Access]) -> None:
        """Keeps entries."""
        ...

    async def about(self, tenant: str, subject_id: str) -> list[Access]:
        """Who has read what about this person, oldest first."""
        ...


class ActLog(Protocol):
    """What operators did. Nothing in it is ever changed."""

    async def record(self, act: Act) -> None:
        """Keeps an act, durably."""
        ...

    async def newest(self, tenant: str | None, limit: int) -> list[Act]:
        """The newest acts of a tenant's operators, or of all, the newest first."""
        ...


class CopyStore(Protocol):
    """Which copy of each read model serves, and which are fed beside it."""

    async def load(self, read_model: str) -> Copies:
        """How it stands; the first copy alone where nothing was ever changed."""
        ...

    async def change(self, read_model: str, copies: Copies) -> bool:
        """Replaces what has the revision below; False where somebody else did."""
        ...


class Store(Protocol):
    """One service's database: all of the above."""

    commits: CommitStore
    leases: LeaseStore
    documents: DocumentStore
    due: DueStore
    parked: ParkedStore
    keys: KeyStore
    access_log: AccessLog
    acts: ActLog
    copies: CopyStore

    async def start(self) -> None:
        """Makes the indexes; raises where the store cannot be reached."""
        ...

    async def time(self) -> datetime:
        """What time it is by the store, the one clock that all replicas of a service share."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
