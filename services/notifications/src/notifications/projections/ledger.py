"""Who was told what about a learner: the tellings of the learner's own stream, and of each its notices from the read model."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from eventkernel.aggregate import Aggregate
from eventkernel.paging import Key, cut, list_name, size_of
from eventkernel.reading import Reader
from eventkernel.service import Query
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import Occasion, Outcome
from mentoring.notifications.v1.ledger_pb2 import (
    GetLedgerRequest,
    GetLedgerResponse,
    GetMyLedgerRequest,
    GetMyLedgerResponse,
    LedgerEntry,
    LedgerNotice,
)

from notifications.domain.ledger import Entry, Sight, ledger, sight_of
from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.occasions import OPEN_TO_MANAGERS, TOLD_TO_A_CIRCLE
from notifications.projections.notices import NoticeDocument, notices

_AT_ONCE = 50
_MOST_A_PAGE = 500
_Told = Sequence[NoticeDocument]
_See = Callable[[Entry, _Told], Sight]


def ledger_queries(matrix: Aggregate[NeedToKnow]) -> list[Query]:
    """The queries of ledgers. What a learner is shown of theirs follows from the policy, which is this aggregate's."""

    async def get_my_ledger(request: GetMyLedgerRequest, reader: Reader) -> GetMyLedgerResponse:
        learner_id = reader.principal.person_id
        policy = await reader.state(matrix, "need-to-know")

        def see(entry: Entry, told: _Told) -> Sight:
            was_told = any(_was_told(one, learner_id) for one in told)
            return sight_of(entry.kinds, told[0].occasion, policy, was_told=was_told)

        entries, cursor = await _page(reader, learner_id, request.page, see)
        return GetMyLedgerResponse(entries=entries, next_cursor=cursor)

    async def get_ledger(request: GetLedgerRequest, reader: Reader) -> GetLedgerResponse:
        def see(_entry: Entry, told: _Told) -> Sight:
            return Sight.ALL if told[0].occasion in OPEN_TO_MANAGERS else Sight.NOTHING

        entries, cursor = await _page(reader, request.learner_id, request.page, see)
        return GetLedgerResponse(entries=entries, next_cursor=cursor)

    return [get_my_ledger, get_ledger]


async def _page(reader: Reader, learner_id: str, page: Page, see: _See) -> tuple[list[LedgerEntry], str]:
    entries = (await reader.state(ledger, f"ledger-{learner_id}")).entries
    of = list_name("ledger", learner_id)
    rest, _ = cut(entries, Page(size=len(entries), cursor=page.cursor), key=_place, of=of, descending=True)
    size = size_of(page)
    found = dict[Entry, LedgerEntry]()
    async for entry, told in _with_notices(reader, rest):
        sight = see(entry, told)
        if sight is not Sight.NOTHING:
            found[entry] = _shown(entry, told, sight)
        # One more than is asked for says that there is a next page.
        if len(found) > size:
            break
    shown, cursor = cut(found, Page(size=size), key=_place, of=of, descending=True)
    return [found[entry] for entry in shown], cursor


async def _with_notices(reader: Reader, entries: Sequence[Entry]) -> AsyncIterator[tuple[Entry, _Told]]:
    """Each entry with its notices; not those that nobody was told of."""
    for first in range(0, len(entries), _AT_ONCE):
        some = entries[first : first + _AT_ONCE]
        told = await _notices_of(reader, [entry.telling_id for entry in some])
        for entry in some:
            if entry.telling_id in told:
                yield entry, told[entry.telling_id]


async def _notices_of(reader: Reader, telling_ids: Sequence[str]) -> Mapping[str, _Told]:
    found = defaultdict[str, list[NoticeDocument]](list)
    page = Page(size=_MOST_A_PAGE)
    while True:
        # Nothing else is a circle's; an occasion that is not known may be a concern's.
        documents, page.cursor = await reader.page(
            notices, page, order="requested_at", telling_id=frozenset(telling_ids), occasion=frozenset(TOLD_TO_A_CIRCLE)
        )
        for document in documents:
            found[document.telling_id].append(document)
        if not page.cursor:
            return found


def _was_told(notice: NoticeDocument, learner_id: str) -> bool:
    return notice.recipient_id == learner_id and notice.outcome != Outcome.OUTCOME_NEED_ENDED


def _place(entry: Entry) -> Key:
    return entry.happened_at.isoformat(timespec="microseconds"), entry.telling_id


def _shown(entry: Entry, told: _Told, sight: Sight) -> LedgerEntry:
    whole = sight is Sight.ALL
    return LedgerEntry(
        happened_at=timestamp(entry.happened_at),
        kind=entry.kind,
        or_kind=entry.or_kind,
        occasion=told[0].occasion if whole else Occasion.OCCASION_UNSPECIFIED,
        about_id=told[0].about_id if whole else "",
        told=map(_notice, sorted(told, key=lambda one: (one.because, one.recipient_id))),
    )


def _notice(document: NoticeDocument) -> LedgerNotice:
    return LedgerNotice(
        recipient_id=document.recipient_id,
        because=document.because,
        detail=document.detail,
        rule=document.rule,
        policy_version=document.policy_version,
        asked_at=timestamp(document.requested_at),
        outcome=document.outcome,
        settled_at=timestamp(document.settled_at),
    )
