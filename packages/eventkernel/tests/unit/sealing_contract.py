"""A contract with sealed and confidential fields at every depth, for the tests of sealing."""

from typing import Any

from eventkernel.sealing import Sealer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.options.v1 import options_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
EVENT = "unit.sealing.noted"


def _contract() -> descriptor_pb2.FileDescriptorProto:
    """message Part { person_id; Sealed text [sealed_for: person_id]; confidential string plain; Part inner }
    message Noted { subject_id [subject]; witness_id; Sealed note; Sealed statement [sealed_for: witness_id]; repeated Sealed pages;
                    repeated Part parts; map<string, Sealed> by_place; enum, time, bytes, map and plain fields }
    message Orphan { Sealed note }    message Wrong { count; Sealed note [sealed_for: count] }
    """
    file = descriptor_pb2.FileDescriptorProto(name="unit/sealing.proto", package="unit.sealing", syntax="proto3")
    file.dependency.extend(
        [
            "mentoring/common/v1/common.proto",
            "mentoring/options/v1/options.proto",
            "google/protobuf/timestamp.proto",
        ]
    )
    kind = file.enum_type.add(name="Kind")
    for number, name in enumerate(("KIND_UNSPECIFIED", "KIND_SPOKEN")):
        kind.value.add(name=name, number=number)

    def message(name: str, *fields: tuple[Any, ...]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for number, (field, of, repeated, options) in enumerate(fields, start=1):
            entry = made.field.add(
                name=field, number=number, label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
            )
            if isinstance(of, str):
                entry.type = FIELD.TYPE_ENUM if of.endswith("Kind") else FIELD.TYPE_MESSAGE
                entry.type_name = of
            else:
                entry.type = of
            for option, value in options.items():
                setattr(entry.options.Extensions[options_pb2.field], option, value)
        return made

    text, sealed = FIELD.TYPE_STRING, ".mentoring.common.v1.Sealed"
    confidential = {"confidentiality": options_pb2.CONFIDENTIALITY_CONFIDENTIAL}
    message(
        "Part",
        ("person_id", text, False, {}),
        ("text", sealed, False, {"sealed_for": "person_id"}),
        ("plain", text, False, confidential),
        ("inner", ".unit.sealing.Part", False, {}),
        ("note", sealed, False, {}),
    )
    noted = message(
        "Noted",
        ("subject_id", text, False, {"subject": True}),
        ("witness_id", text, False, {}),
        ("note", sealed, False, {}),
        ("statement", sealed, False, {"sealed_for": "witness_id"}),
        ("pages", sealed, True, {}),
        ("parts", ".unit.sealing.Part", True, {}),
        ("by_place", ".unit.sealing.Noted.ByPlaceEntry", True, {}),
        ("kind", ".unit.sealing.Kind", False, {}),
        ("at", ".google.protobuf.Timestamp", False, {}),
        ("picture", FIELD.TYPE_BYTES, False, {}),
        ("remarks", text, True, confidential),
        ("codes", text, True, {}),
        ("counts", ".unit.sealing.Noted.CountsEntry", True, {}),
        ("summary", text, False, confidential),
    )
    for name, of in (("ByPlaceEntry", sealed), ("CountsEntry", FIELD.TYPE_INT32)):
        entry = noted.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=text, label=FIELD.LABEL_OPTIONAL)
        value = entry.field.add(
            name="value", number=2, label=FIELD.LABEL_OPTIONAL, type=FIELD.TYPE_MESSAGE if of is sealed else of
        )
        if of is sealed:
            value.type_name = sealed
    message("Orphan", ("note", sealed, False, {}))
    message("Wrong", ("count", FIELD.TYPE_INT32, False, {}), ("note", sealed, False, {"sealed_for": "count"}))
    message("Binder", ("label", text, False, {}), ("parts", ".unit.sealing.Part", True, {}))
    message("Plain", ("label", text, False, {}), ("next", ".unit.sealing.Plain", False, {}))
    message("Clean", ("subject_id", text, False, {"subject": True}), ("note", sealed, False, {}))
    return file


_POOL = descriptor_pool.Default()
_POOL.AddSerializedFile(_contract().SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"unit.sealing.{name}"))


Noted, Orphan, Wrong, Clean, Part = map(_message, ("Noted", "Orphan", "Wrong", "Clean", "Part"))
Binder, Plain = map(_message, ("Binder", "Plain"))


def open_text(text: str) -> Sealed:
    return Sealed(to_be_sealed=text)


PLACE = {"tenant": "acme", "event_type": EVENT, "event_id": "e1", "field": "note"}


async def seal(sealer: Sealer, text: str = "a secret", subject_id: str = "p1", **moved: str) -> Sealed:
    return await sealer.seal(text, subject_id=subject_id, **(PLACE | moved))
