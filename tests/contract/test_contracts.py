"""What every contract promises, read off the descriptors. Each promise is a function of a set of files, so that it is
also seen to find a contract that was altered to break it."""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from mentoring.options.v1 import options_pb2

Promise: TypeAlias = Callable[[FileDescriptorSet], list[str]]
Alteration: TypeAlias = Callable[[FileDescriptorSet], None]
PROTO = Path(__file__).resolve().parents[2] / "proto"

SAFEGUARDING = "mentoring.safeguarding.v1"
SEALED = ".mentoring.common.v1.Sealed"
REPLY = ".mentoring.common.v1.CommandReply"
PERSONAL = ("name", "email", "narrative", "phone")
PEOPLE_OF_A_CONCERN = ("person_at_risk_id", "named_person_ids")
MENTOR = options_pb2.ROLE_MENTOR
EQA = options_pb2.ROLE_EQA
QUALITY = ".QualityService."
STRING = FieldDescriptorProto.TYPE_STRING


def event_types_say_where_they_are_from(files: FileDescriptorSet) -> list[str]:
    """An event's stored type follows from its package and its name, and no two are alike."""
    found = []
    seen: dict[str, str] = {}
    for file, event in _events(files):
        named, stored = f"{file.package}.{event.name}", _event(event).type
        expected = f"{file.package.rpartition('.')[0]}.{_kebab(event.name)}"
        if stored != expected:
            found.append(f"{named}: its type is {stored!r}, and {expected!r} is expected")
        if stored in seen:
            found.append(f"{named}: its type is also {seen[stored]}'s")
        seen[stored] = named
    return found


def events_hold_no_confidential_plaintext(files: FileDescriptorSet) -> list[str]:
    """What is confidential is in an event only as Sealed: events are stored for ever, and some are published."""
    return [
        f"{file.package}.{event.name}.{path} is confidential and not Sealed"
        for file, event in _events(files)
        for path, field in _fields(files, event)
        if field.options.Extensions[options_pb2.field].confidentiality == options_pb2.CONFIDENTIALITY_CONFIDENTIAL
        and field.type_name != SEALED
    ]


def published_events_hold_ids_not_people(files: FileDescriptorSet) -> list[str]:
    """No published event, sealed or not, has a field for a name, an address, a number or a narrative."""
    return [
        f"{file.package}.{event.name}.{path} is personal"
        for file, event in _published(files)
        for path, field in _fields(files, event)
        if set(field.name.split("_")) & set(PERSONAL)
    ]


def published_concerns_name_nobody_at_risk(files: FileDescriptorSet) -> list[str]:
    """What leaves the safeguarding service tells of no person at risk or named: by no field, subject, key or seal."""
    found = []
    for file, event in _published(files):
        if file.package != SAFEGUARDING:
            continue
        if _event(event).partition_by:
            found.append(f"{event.name}: its partition key would be somebody's id")
        for path, field in _fields(files, event):
            if field.name in PEOPLE_OF_A_CONCERN or field.options.Extensions[options_pb2.field].subject:
                found.append(f"{event.name}.{path} names a person of the concern")
            if field.type_name == SEALED:
                found.append(f"{event.name}.{path} is Sealed, and a seal carries its subject's id")
    return found


def every_call_says_who_may_make_it(files: FileDescriptorSet) -> list[str]:
    """Each RPC is a command, a query or a transfer, has roles, and what is the platform's own is nobody else's."""
    found = []
    for name, method in _methods(files):
        kinds: tuple[Any, ...] = (options_pb2.command, options_pb2.query, options_pb2.transfer)
        given = [method.options.Extensions[kind] for kind in kinds if method.options.HasExtension(kind)]
        if len(given) != 1:
            found.append(f"{name} is to be either a command, a query or a transfer")
            continue
        roles = list(given[0].roles)
        if not roles or options_pb2.ROLE_UNSPECIFIED in roles:
            found.append(f"{name} has no roles")
        if options_pb2.ROLE_SYSTEM in roles and len(roles) > 1:
            found.append(f"{name} is the platform's own, and others may call it")
    return found


def calls_are_named_for_what_they_take(files: FileDescriptorSet) -> list[str]:
    """A call takes its own name with `Request`; commands share one reply, a query has its own `Response`."""
    found = []
    for name, method in _methods(files):
        package = name.rsplit(".", 2)[0]
        if method.input_type != f".{package}.{method.name}Request":
            found.append(f"{name} takes {method.input_type}")
        command = method.options.HasExtension(options_pb2.command)
        if method.output_type != (REPLY if command else f".{package}.{method.name}Response"):
            found.append(f"{name} is answered by {method.output_type}")
    return found


def relationships_are_said_in_words(files: FileDescriptorSet) -> list[str]:
    """Whoever a call is not for is told for whom it is, and not by the name of an enum's value."""
    return [
        f"{value.name} has no in_words: say who has it, as in `whoever it is about`"
        for file in files.file
        for enum in file.enum_type
        if f"{file.package}.{enum.name}" == "mentoring.options.v1.Relationship"
        for value in enum.value
        if value.number and not value.options.Extensions[options_pb2.in_words]
    ]


def ids_in_requests_are_validated(files: FileDescriptorSet) -> list[str]:
    """Every id that a caller may send has a rule: it becomes part of streams, keys and links."""
    requests = {method.input_type for _, method in _methods(files)}
    return [
        f"{request.removeprefix('.')}.{path} has no validation rule"
        for request in sorted(requests)
        for path, field in _fields(files, _messages(files)[request])
        if field.type == STRING and re.fullmatch(r"(.*_)?ids?", field.name) and not _has_rule(field)
    ]


def an_eqa_reads_quality_and_changes_nothing(files: FileDescriptorSet) -> list[str]:
    """No command is for an EQA, and no query but those of quality assurance. What is for anybody known is for them as for everybody."""
    found = []
    for name, method in _methods(files):
        if options_pb2.ROLE_EQA in method.options.Extensions[options_pb2.command].roles:
            found.append(f"{name} is a command, and open to an EQA")
        elif options_pb2.ROLE_EQA in method.options.Extensions[options_pb2.query].roles and QUALITY not in name:
            found.append(f"{name} is open to an EQA, and tells of more than quality assurance")
    return found


PROMISES: tuple[Promise, ...] = (
    event_types_say_where_they_are_from,
    events_hold_no_confidential_plaintext,
    published_events_hold_ids_not_people,
    published_concerns_name_nobody_at_risk,
    every_call_says_who_may_make_it,
    calls_are_named_for_what_they_take,
    ids_in_requests_are_validated,
    an_eqa_reads_quality_and_changes_nothing,
    relationships_are_said_in_words,
)


def _retype(message: str, stored: str) -> Alteration:
    def alter(files: FileDescriptorSet) -> None:
        _event(_messages(files)[message]).type = stored

    return alter


def _add_field(message: str, name: str, type_name: str = "", confidential: bool = False) -> Alteration:
    def alter(files: FileDescriptorSet) -> None:
        field = _messages(files)[message].field.add(name=name, number=1000, type=STRING)
        if type_name:
            field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, type_name
        if confidential:
            field.options.Extensions[options_pb2.field].confidentiality = options_pb2.CONFIDENTIALITY_CONFIDENTIAL

    return alter


def _partition_by(message: str, field: str) -> Alteration:
    def alter(files: FileDescriptorSet) -> None:
        _event(_messages(files)[message]).partition_by = field

    return alter


def _command(call: MethodDescriptorProto) -> options_pb2.CommandOptions:
    return call.options.Extensions[options_pb2.command]


def _alter_call(name: str, change: Callable[[MethodDescriptorProto], object]) -> Alteration:
    def alter(files: FileDescriptorSet) -> None:
        change(dict(_methods(files))[name])

    return alter


def _unsay_a_relationship(files: FileDescriptorSet) -> None:
    options = next(file for file in files.file if file.package == "mentoring.options.v1")
    relationship = next(enum for enum in options.enum_type if enum.name == "Relationship")
    relationship.value[1].ClearField("options")


HELD = ".mentoring.sessions.v1.SessionHeld"
ASSIGNED = f".{SAFEGUARDING}.ConcernAssigned"
HOLD = "mentoring.sessions.v1.SessionsService.HoldSession"
LEARN = "mentoring.sessions.v1.SessionsService.LearnStandard"
DECIDE_SAMPLE = "mentoring.evidence.v1.QualityService.DecideSample"
GET_EVIDENCE = "mentoring.evidence.v1.EvidenceService.GetEvidence"

ALTERED: tuple[tuple[Promise, Alteration], ...] = (
    (event_types_say_where_they_are_from, _retype(HELD, "mentoring.sessions.held")),
    (event_types_say_where_they_are_from, _retype(HELD, "mentoring.evidence.session-held")),
    (event_types_say_where_they_are_from, _retype(HELD, "mentoring.sessions.session-missed")),
    (events_hold_no_confidential_plaintext, _add_field(HELD, "remarks", confidential=True)),
    (events_hold_no_confidential_plaintext, _add_field(".mentoring.common.v1.Party", "remarks", confidential=True)),
    (published_events_hold_ids_not_people, _add_field(HELD, "email")),
    (published_events_hold_ids_not_people, _add_field(HELD, "mentor_name")),
    (published_events_hold_ids_not_people, _add_field(HELD, "narrative", SEALED)),
    (published_events_hold_ids_not_people, _add_field(".mentoring.common.v1.Party", "phone")),
    (published_concerns_name_nobody_at_risk, _add_field(ASSIGNED, "person_at_risk_id")),
    (published_concerns_name_nobody_at_risk, _add_field(ASSIGNED, "named_person_ids")),
    (published_concerns_name_nobody_at_risk, _add_field(ASSIGNED, "text", SEALED)),
    (published_concerns_name_nobody_at_risk, _partition_by(ASSIGNED, "assignee_id")),
    (every_call_says_who_may_make_it, _alter_call(HOLD, lambda call: _command(call).ClearField("roles"))),
    (every_call_says_who_may_make_it, _alter_call(HOLD, lambda call: call.options.ClearExtension(options_pb2.command))),
    (every_call_says_who_may_make_it, _alter_call(LEARN, lambda call: _command(call).roles.append(MENTOR))),
    (calls_are_named_for_what_they_take, _alter_call(HOLD, lambda call: setattr(call, "input_type", HELD))),
    (calls_are_named_for_what_they_take, _alter_call(HOLD, lambda call: setattr(call, "output_type", HELD))),
    (an_eqa_reads_quality_and_changes_nothing, _alter_call(DECIDE_SAMPLE, lambda call: _command(call).roles.append(EQA))),
    (an_eqa_reads_quality_and_changes_nothing, _alter_call(HOLD, lambda call: _command(call).roles.append(EQA))),
    (
        an_eqa_reads_quality_and_changes_nothing,
        _alter_call(GET_EVIDENCE, lambda call: call.options.Extensions[options_pb2.query].roles.append(EQA)),
    ),
    (ids_in_requests_are_validated, _add_field(f"{HELD.rpartition('.')[0]}.HoldSessionRequest", "room_id")),
    (ids_in_requests_are_validated, _add_field(".mentoring.common.v1.Party", "employer_ids")),
    (relationships_are_said_in_words, _unsay_a_relationship),
)  # fmt: skip


@pytest.fixture
def platform() -> FileDescriptorSet:
    """A copy of the platform's contracts, to be looked at or altered."""
    files = FileDescriptorSet()
    for path in sorted(PROTO.rglob("*.proto")):
        module = ".".join(path.relative_to(PROTO).with_name(f"{path.stem}_pb2").parts)
        importlib.import_module(module).DESCRIPTOR.CopyToProto(files.file.add())
    # Read again from bytes, so that the options are messages whose extensions are known.
    return FileDescriptorSet.FromString(files.SerializeToString())


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_contracts_promise(promise: Promise, platform: FileDescriptorSet) -> None:
    assert promise(platform) == []


@pytest.mark.parametrize(("promise", "alter"), ALTERED, ids=lambda part: getattr(part, "__name__", None))
def test_a_broken_promise_is_found(promise: Promise, alter: Alteration, platform: FileDescriptorSet) -> None:
    before = promise(platform)
    alter(platform)
    assert set(promise(platform)) - set(before)


def test_every_promise_was_seen_broken() -> None:
    assert {promise for promise, _ in ALTERED} == set(PROMISES)


def test_there_are_contracts_to_look_at(platform: FileDescriptorSet) -> None:
    assert {file.package for file, _ in _published(platform)} == {
        f"mentoring.{service}.v1" for service in ("sessions", "evidence", "safeguarding", "notifications")
    }
    assert len(list(_methods(platform))) > 20


def _messages(files: FileDescriptorSet) -> Mapping[str, DescriptorProto]:
    return {f".{file.package}.{message.name}": message for file in files.file for message in file.message_type}


def _event(message: DescriptorProto) -> options_pb2.EventOptions:
    return message.options.Extensions[options_pb2.event]


def _events(files: FileDescriptorSet) -> Iterator[tuple[FileDescriptorProto, DescriptorProto]]:
    for file in files.file:
        for message in file.message_type:
            if message.options.HasExtension(options_pb2.event):
                yield file, message


def _published(files: FileDescriptorSet) -> Iterator[tuple[FileDescriptorProto, DescriptorProto]]:
    for file, event in _events(files):
        if _event(event).visibility == options_pb2.VISIBILITY_PUBLISHED:
            yield file, event


def _methods(files: FileDescriptorSet) -> Iterator[tuple[str, MethodDescriptorProto]]:
    for file in files.file:
        for service in file.service:
            for method in service.method:
                yield f"{file.package}.{service.name}.{method.name}", method


def _fields(files: FileDescriptorSet, message: DescriptorProto) -> Iterator[tuple[str, FieldDescriptorProto]]:
    """The message's fields and, but for what is inside a seal, those of the messages in them."""
    return _walk(_messages(files), message, frozenset())


def _walk(
    known: Mapping[str, DescriptorProto], message: DescriptorProto, above: frozenset[str]
) -> Iterator[tuple[str, FieldDescriptorProto]]:
    for field in message.field:
        yield field.name, field
        inner = known.get(field.type_name)
        if inner is not None and field.type_name not in above | {SEALED}:
            for path, deeper in _walk(known, inner, above | {field.type_name}):
                yield f"{field.name}.{path}", deeper


def _has_rule(field: FieldDescriptorProto) -> bool:
    rules = field.options.Extensions[validate_pb2.field]
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    text = rules.repeated.items.string if repeated else rules.string
    return text.HasField("pattern") or text.HasField("uuid") or text.HasField("const") or bool(getattr(text, "in"))


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
