"""What an export is made of: the concern's events with their texts opened, the hash up to each, and who read what before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eventkernel.messages import Access, Recorded
from eventkernel.reading import Reader
from google.protobuf import json_format
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1.events_pb2 import ConcernRaised
from mentoring.safeguarding.v1.export_events_pb2 import ConcernExported
from mentoring.safeguarding.v1.safeguarding_pb2 import BodyDiagram, BodyMap, ChronologyEntry

from safeguarding.concern_file import sealed_fields
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern
from safeguarding.export.redaction import WITHHELD, Redaction, redaction
from safeguarding.file_contents import hashes
from safeguarding.merged_chronology import tell_of_others
from safeguarding.person_file import accesses_of


@dataclass(frozen=True, slots=True)
class Facts:
    """`texts` has what each event says in words, by its id and the field; `hashes` the hash of the stream up to each event; `others` what each
    tells of a concern that was merged with it, as far as the exporter handles that one too, and nothing where it is about one person.
    """

    state: Concern
    history: Sequence[Recorded]
    exported: ConcernExported
    texts: Mapping[tuple[str, str], str]
    hashes: Sequence[bytes]
    reads: Sequence[Access]
    redaction: Redaction
    others: Sequence[ChronologyEntry]

    def text(self, item: Recorded) -> str:
        """All that an event says in words."""
        return "\n".join(
            filter(None, (self.texts.get((item.meta.event_id, name), "") for name in sealed_fields(item.event)))
        )


async def facts_of(history: Sequence[Recorded], read: Reader) -> Facts:
    """All of it. The last event is the export's own; reading what others read comes before the texts are opened for it."""
    last = history[-1].event
    if not isinstance(last, ConcernExported):
        raise TypeError(f"{history[-1].meta.type} ends a history that is to end with an export")
    await read.note(history[-1], "export", last.person_at_risk_id)
    reads = await accesses_of(history, read)
    state = concern.fold(concern.initial, [item.event for item in history])
    is_anonymous = any(isinstance(item.event, ConcernRaised) and item.event.anonymous for item in history)
    redacted = redaction(state, last.only_about_id, is_anonymous=is_anonymous)
    sealed = [(item, name) for item in history for name in sealed_fields(item.event) if item.event.HasField(name)]
    open_now = [(item, name) for item, name in sealed if not _withheld(item, name, redacted)]
    texts = {(item.meta.event_id, name): WITHHELD for item, name in sealed}
    for (item, name), text in zip(open_now, await read.open(open_now), strict=True):
        texts[item.meta.event_id, name] = _marks(text) if name == "body_map" else text
    others = [ChronologyEntry() for _ in history]
    # Who is given a document about one of several people learns of no other concern.
    if not last.only_about_id:
        await tell_of_others(others, history, read, without_texts=False)
    return Facts(state, history, last, texts, hashes(history), reads, redacted, others)


def _withheld(item: Recorded, name: str, redacted: Redaction) -> bool:
    if isinstance(item.event, ConcernExported):
        return item.event.only_about_id != redacted.only_about_id
    sealed: Sealed = getattr(item.event, name)
    return redacted.withholds(sealed.subject_id)


def _marks(body_map: str) -> str:
    """Where on the body something was seen, in words."""
    return "\n".join(
        f"{BodyDiagram.Name(mark.diagram).removeprefix('BODY_DIAGRAM_').replace('_', ' ').lower()}, {mark.x / 10:g} % from the left, "
        f"{mark.y / 10:g} % from the top: {mark.note}"
        for mark in json_format.Parse(body_map, BodyMap()).marks
    )
