"""What a person's file is made of: concerns as far as they go, each by the hash of its events. What was sent is so known for good.

Events are hashed as they are stored, their texts sealed: nothing is opened, and the hash still holds once the person's key is destroyed.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.transfer_events_pb2 import FilePart

from safeguarding.domain.concern import concern, stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.file_transfer import FileTransferState
from safeguarding.domain.routing import is_among
from safeguarding.projections.every import every
from safeguarding.projections.handled_concerns import handled_concerns, handled_now

LEAD = "senior_lead"


async def handled_with(person_id: str, read: Reader) -> list[Concern]:
    """The concerns that the caller handles and this person is in, by their ids."""
    return [one for one in await handled_now(read) if is_among(person_id, one.in_it_ids)]


async def file_of(transfer: FileTransferState, read: Reader) -> list[Concern]:
    """The concerns that the caller sends, by their ids: those that they handle; for a senior lead also those of whoever saw to it before,
    who may be in one of them by now, or gone.
    """
    found = await handled_with(transfer.person_id, read)
    if LEAD in read.principal.roles:
        given = await given_to_each(transfer.seen_to_by_ids, read)
        found += [one for each in given.values() for one in each if is_among(transfer.person_id, one.in_it_ids)]
    return [one for _, one in sorted({one.concern_id: one for one in found}.items())]


async def given_to(handler_id: str, read: Reader) -> list[Concern]:
    """Every concern that was ever given to this person, and what is merged with one, as it is now, by their ids."""
    found = await every(handled_concerns, read, assignee_id=handler_id)
    given = await _states({one.concern_id for one in found}, read)
    merged = {other.concern_id for one in given for other in one.merged}
    leading = {one.leading.concern_id for one in given if one.leading is not None}
    return await _states({one.concern_id for one in given} | merged | leading, read)


async def given_to_each(handler_ids: Iterable[str], read: Reader) -> Mapping[str, Sequence[Concern]]:
    """The same of each of these people."""
    ids = sorted(set(handler_ids))
    return dict(zip(ids, await asyncio.gather(*(given_to(one, read) for one in ids)), strict=True))


def is_in_file(me: str, transfer: FileTransferState, given: Mapping[str, Sequence[Concern]]) -> bool:
    """Whether somebody is in one of the concerns that a file is made of, handled still or handled once, by whoever sees or saw to it, or
    that it would be made of if they saw to it themselves.

    Args:
        given: every concern that was given to each of those.
    """
    concerns = [one for person_id in transfer.seen_to_by_ids | {me} for one in given[person_id]]
    return any(is_among(me, one.excluded_ids) for one in concerns if is_among(transfer.person_id, one.excluded_ids))


async def may_see_to(person_id: str, transfer: FileTransferState, read: Reader) -> bool:
    """Whether somebody is in no concern of the file: whoever is learns nothing of its transfer."""
    return not is_in_file(person_id, transfer, await given_to_each(transfer.seen_to_by_ids | {person_id}, read))


async def parts_of(concern_ids: Iterable[str], read: Reader) -> list[FilePart]:
    """These concerns as far as they go now."""
    histories = await asyncio.gather(*(read.history(stream_of(one)) for one in sorted(concern_ids)))
    return [part(one) for one in histories if one]


async def part_until(concern_id: str, version: int, read: Reader) -> FilePart:
    """This concern up to this version, or as far as it goes."""
    return part([item for item in await read.history(stream_of(concern_id)) if item.meta.version <= version])


def part(history: Sequence[Recorded]) -> FilePart:
    """So much of a concern, by the hash of its events."""
    meta = history[-1].meta
    return FilePart(
        concern_id=meta.stream.removeprefix(f"{concern.name}-"), version=meta.version, sha256=hashes(history)[-1]
    )


def hashes(history: Iterable[Recorded]) -> list[bytes]:
    """The hash of the events up to each of them, that one included: whoever changes an event changes its hash and all that follow."""
    digest, found = hashlib.sha256(), list[bytes]()
    for item in history:
        data = item.event.SerializeToString(deterministic=True)
        digest.update(f"{item.meta.event_id}\n{item.meta.type}\n{len(data)}\n".encode() + data)
        found.append(digest.digest())
    return found


def whole(parts: Iterable[FilePart]) -> bytes:
    """The hash of all parts together."""
    lines = sorted(f"{one.concern_id} {one.version} {one.sha256.hex()}\n" for one in parts)
    return hashlib.sha256("".join(lines).encode()).digest()


async def _states(concern_ids: Iterable[str], read: Reader) -> list[Concern]:
    return list(await asyncio.gather(*(read.state(concern, stream_of(one)) for one in sorted(concern_ids))))
