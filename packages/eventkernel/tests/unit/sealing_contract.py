"""A contract with sealed and confidential fields at every depth, for the tests of sealing."""

from pathlib import Path

from eventkernel.sealing import Sealer
from mentoring.common.v1.common_pb2 import Sealed

from ..compiled import compiled

EVENT = "unit.sealing.noted"
(_SEALING,) = compiled(Path(__file__).with_name("sealing.proto"))
Noted, Orphan, Wrong, Clean, Part, Binder, Plain = (
    _SEALING.messages[name] for name in ("Noted", "Orphan", "Wrong", "Clean", "Part", "Binder", "Plain")
)


def open_text(text: str) -> Sealed:
    return Sealed(to_be_sealed=text)


PLACE = {"tenant": "acme", "event_type": EVENT, "event_id": "e1", "field": "note"}


async def seal(sealer: Sealer, text: str = "a secret", subject_id: str = "p1", **moved: str) -> Sealed:
    return await sealer.seal(text, subject_id=subject_id, **(PLACE | moved))
