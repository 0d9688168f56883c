"""What the concerns of a handler say of one person, and who read what of a concern. Every opening of a text is in the access log."""

import asyncio
from collections.abc import Sequence
from itertools import chain

from eventkernel.messages import Access, Recorded
from eventkernel.paging import cut, list_name
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.handling_events_pb2 import PART_IN_CONCERN_AT_RISK, PartInConcern
from mentoring.safeguarding.v1.oversight_pb2 import (
    ConcernRead,
    GetPersonChronologyRequest,
    GetPersonChronologyResponse,
    ListConcernReadsRequest,
    ListConcernReadsResponse,
    PersonEntry,
)

from safeguarding.concern_file import sealed_fields
from safeguarding.domain.concern import stream_of
from safeguarding.domain.concern_state import Concern
from safeguarding.domain.routing import is_among
from safeguarding.projections.handled_concerns import handled_now

_Said = tuple[Recorded, str, Concern]


async def get_person_chronology(request: GetPersonChronologyRequest, read: Reader) -> GetPersonChronologyResponse:
    """What is sealed with the person's key in concerns that the caller handles and the person is in. Empty where there is none."""
    mine = [one for one in await handled_now(read) if is_among(request.person_id, one.in_it_ids)]
    said = chain.from_iterable(await asyncio.gather(*(_of_person(one, request.person_id, read) for one in mine)))
    shown, cursor = cut(said, request.page, key=_place, of=list_name("person", request.person_id))
    texts = await read.open([(item, field) for item, field, _ in shown])
    entries = [
        PersonEntry(
            concern_id=state.concern_id,
            part=_part(state, request.person_id),
            what=item.meta.type,
            actor_id=item.meta.actor,
            text=text,
        )
        for (item, _, state), text in zip(shown, texts, strict=True)
    ]
    for entry, (item, _, _) in zip(entries, shown, strict=True):
        entry.at.FromDatetime(item.meta.at)
    return GetPersonChronologyResponse(entries=entries, next_cursor=cursor)


async def list_concern_reads(request: ListConcernReadsRequest, read: Reader) -> ListConcernReadsResponse:
    """Who opened which text of the concern, the newest first."""
    history = await read.history(stream_of(request.concern_id))
    types = {item.meta.event_id: item.meta.type for item in history}
    shown, cursor = cut(
        enumerate(await accesses_of(history, read)),
        request.page,
        key=lambda numbered: (numbered[0],),
        of=list_name("reads", request.concern_id),
        descending=True,
    )
    reads = []
    for _, access in shown:
        told = ConcernRead(
            reader_id=access.actor,
            what=types.get(access.event_id, ""),
            field=access.field,
            subject_id=access.subject_id,
        )
        told.at.FromDatetime(access.at)
        reads.append(told)
    return ListConcernReadsResponse(reads=reads, next_cursor=cursor)


async def accesses_of(history: Sequence[Recorded], read: Reader) -> list[Access]:
    """Who opened which text of a concern's events, the oldest first."""
    streams = {item.meta.stream for item in history}
    subjects = {_subject(item, name) for item in history for name in sealed_fields(item.event)} - {""}
    found = [
        access
        for accesses in await asyncio.gather(*(read.accesses(subject) for subject in sorted(subjects)))
        for access in accesses
        if access.stream in streams
    ]
    return sorted(found, key=lambda one: (one.at, one.event_id, one.field, one.actor))


async def _of_person(state: Concern, person_id: str, read: Reader) -> list[_Said]:
    return [
        (item, name, state)
        for item in await read.history(stream_of(state.concern_id))
        for name in sealed_fields(item.event)
        if _subject(item, name) == person_id and name != "body_map"
    ]


def _place(said: _Said) -> tuple[str, str, int, str]:
    item, field, _ = said
    return item.meta.at.isoformat(timespec="microseconds"), item.meta.stream, item.meta.version, field


def _part(state: Concern, person_id: str) -> PartInConcern.ValueType:
    if person_id == state.person_at_risk_id:
        return PART_IN_CONCERN_AT_RISK
    return PartInConcern.ValueType(dict(state.parts).get(person_id, 0))


def _subject(item: Recorded, field: str) -> str:
    sealed: Sealed = getattr(item.event, field)
    return sealed.subject_id
