"""What a concern's chronology tells of another one that was merged with it: which, by whom and why, to those who handle that one too."""

from collections.abc import Iterable, Sequence

from eventkernel.messages import Recorded
from eventkernel.reading import Reader
from google.protobuf.message import Message
from mentoring.safeguarding.v1.merging_events_pb2 import (
    ConcernMergeBegun,
    ConcernMerged,
    ConcernMergeExplained,
    ConcernSeparated,
    ConcernSeparationExplained,
    MergedConcernAddedTo,
    MergedConcernHeardOf,
    MergedConcernLetGo,
)
from mentoring.safeguarding.v1.safeguarding_pb2 import ChronologyEntry

from safeguarding.domain.concern import concern, stream_of
from safeguarding.one_matter import handles

_Explained = tuple[Recorded, str]


async def tell_of_others(
    chronology: Iterable[ChronologyEntry], history: Sequence[Recorded], read: Reader, *, without_texts: bool
) -> None:
    """Completes the entries of a concern's history, in their order. Who does not handle the other concern is told of none."""
    me, handled = read.principal.person_id, dict[str, bool]()
    for entry, item in zip(chronology, history, strict=True):
        other_id = _other_of(item.event)
        if other_id and other_id not in handled:
            handled[other_id] = await handles(me, await read.state(concern, stream_of(other_id)), read)
        if not handled.get(other_id):
            continue
        entry.other_concern_id = other_id
        if (found := await _explained_by_other(item.event, other_id, read)) is not None:
            explained, by_id = found
            entry.actor_id = by_id
            if not without_texts:
                (entry.text,) = await read.open([(explained, "reason")])


def _other_of(event: Message) -> str:
    if isinstance(event, ConcernMergeExplained | ConcernMergeBegun):
        return event.duplicate_id
    if isinstance(event, ConcernMerged | ConcernSeparationExplained | ConcernSeparated | MergedConcernAddedTo):
        return event.leading_id
    return event.merged_id if isinstance(event, MergedConcernHeardOf | MergedConcernLetGo) else ""


async def _explained_by_other(event: Message, other_id: str, read: Reader) -> _Explained | None:
    """Where the other concern says why, and who did it: a merging is explained in the leading one, a separation in the merged one."""
    if not isinstance(event, ConcernMerged | MergedConcernLetGo):
        return None
    for item in await read.history(stream_of(other_id)):
        if by_id := _who_explains(event, item.event):
            return item, by_id
    return None


def _who_explains(event: ConcernMerged | MergedConcernLetGo, told: Message) -> str:
    if isinstance(event, ConcernMerged):
        return told.merged_by_id if isinstance(told, ConcernMergeExplained) and told.number == event.number else ""
    if not isinstance(told, ConcernSeparationExplained):
        return ""
    same = (told.leading_id, told.number) == (event.concern_id, event.number)
    return told.separated_by_id if same else ""
