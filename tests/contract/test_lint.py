"""The judge of the contracts is judged: buf sees bad style and a break, and says nothing of what stands."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).resolve().parents[2]
LINT = runpy.run_path(str(ROOT / "packages" / "contracts" / "lint.py"))
REFERENCE = runpy.run_path(str(ROOT / "packages" / "contracts" / "reference.py"))
EVENTS = "mentoring/sessions/v1/events.proto"


@pytest.fixture(scope="module")
def image() -> bytes:
    """The contracts as they stand."""
    built: bytes = LINT["build_image"]()
    return built


def altered(image: bytes, change: Callable[[FileDescriptorProto], Any], file: str = EVENTS) -> bytes:
    """The image with one file changed."""
    files = FileDescriptorSet.FromString(image)
    change(next(each for each in files.file if each.name == file))
    return files.SerializeToString()


def held(file: FileDescriptorProto) -> DescriptorProto:
    return next(message for message in file.message_type if message.name == "SessionHeld")


def test_the_contracts_are_clean(image: bytes) -> None:
    assert LINT["lint"](image) == []


def test_the_page_of_calls_and_events_says_what_the_contracts_say(image: bytes) -> None:
    assert LINT["unreferenced"](image) == []
    other = altered(image, lambda file: setattr(file.message_type[0], "name", "MentorshipBegun"))
    assert LINT["unreferenced"](other) == []
    retyped = altered(image, lambda file: file.message_type.add().CopyFrom(held(file)))
    assert LINT["unreferenced"](retyped) == ["docs/CONTRACTS.md is behind: make it with --baseline"]


def test_the_orders_of_calls_name_calls_and_roles_of_the_contracts(image: bytes) -> None:
    assert LINT["astray"](image) == []


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ([["mentor"], "sessions.HoldSeance", ""], "no call sessions.HoldSeance"),
        ([["mentor"], "evidence.HoldSession", ""], "no call evidence.HoldSession"),
        ([["mentor", "learner"], "sessions.HoldSession", ""], "sessions.HoldSession is not for learner"),
        ([["mentor"], "sessions.HoldSession", "Or `LoseSession`."], "no call LoseSession"),
        ([["eqa"], "safeguarding.RaiseConcern", "Or `AddToConcern`."], ""),
    ],
)
def test_an_order_of_calls_that_goes_astray_is_found(image: bytes, step: list[object], found: str) -> None:
    lines = REFERENCE["astray"](image, [{"title": "A day", "steps": [step]}])
    assert lines == ([f"flows.toml: A day: {found}"] if found else [])


def test_the_page_leaves_out_what_only_the_platform_calls_and_says_what_moves_bytes(image: bytes) -> None:
    page = LINT["reference"](image)
    sections = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    assert [each.splitlines()[0] for each in sections if not re.search(r"^\| `|^\| 1 ", each, re.MULTILINE)] == []
    assert "FollowingService" not in page
    moving = re.findall(r"^\| `(\w+)` \(moves bytes\)", page, re.MULTILINE)
    assert moving == ["UploadArtefact", "DownloadArtefact", "UploadAttachment", "DownloadAttachment", "ExportConcern"]
    assert set(re.findall(r"^\| `(\w+)` \(acts\)", page, re.MULTILINE)) == REFERENCE["ACTS"]


def test_every_call_and_event_of_the_page_says_what_it_is(image: bytes) -> None:
    rows = re.findall(r"^\| `([\w.-]+)`(?: \([\w ]+\))? \| (.*?) \|", LINT["reference"](image), re.MULTILINE)
    assert [name for name, what in rows if not what.strip()] == []
    assert {"HoldSession", "mentoring.sessions.session-held"} <= {name for name, _ in rows}


def test_the_contracts_break_nothing_of_the_baseline(image: bytes) -> None:
    assert LINT["breaking"](image, LINT["BASELINE"].read_bytes()) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("field", lambda file: setattr(held(file).field[0], "name", "SessionId")),
        ("message", lambda file: setattr(held(file), "name", "session_held")),
        ("Enum zero value", lambda file: setattr(file.enum_type[0].value[0], "name", "SESSION_KIND_NONE")),
    ],
)
def test_bad_style_is_found(image: bytes, rule: str, change: Callable[[FileDescriptorProto], None]) -> None:
    found = LINT["lint"](altered(image, change))
    assert any(EVENTS in line and rule.lower() in line.lower() for line in found), found


def test_a_service_without_its_suffix_is_found(image: bytes) -> None:
    found = LINT["lint"](
        altered(
            image, lambda file: setattr(file.service[0], "name", "Sessions"), "mentoring/sessions/v1/sessions.proto"
        )
    )
    assert any("Service" in line for line in found), found


def test_no_request_holds_text_in_plain_that_its_events_seal(image: bytes) -> None:
    assert LINT["unmarked"](image) == []


@pytest.mark.parametrize(
    ("area", "field"),
    [
        ("sessions", "StartMentorshipRequest.boundaries"),
        ("sessions", "HoldSessionRequest.private_preparation"),
        # An imported standard's title is in plain, and a piece of evidence's is not.
        ("evidence", "SubmitEvidenceRequest.title"),
        ("safeguarding", "CloseConcernRequest.reason"),
        ("notifications", "RegisterMyContactRequest.email"),
    ],
)
def test_text_that_an_event_seals_and_a_request_does_not_mark_is_found(image: bytes, area: str, field: str) -> None:
    message, name = field.split(".")

    def unmark(file: FileDescriptorProto) -> None:
        (request,) = [each for each in file.message_type if each.name == message]
        (text,) = [each for each in request.field if each.name == name]
        text.ClearField("options")

    file = f"mentoring/{area}/v1/{area}.proto"
    (found,) = LINT["unmarked"](altered(image, unmark, file))
    assert found.startswith(f"{file}: {field} is sealed in ")


@pytest.mark.parametrize(
    "change",
    [
        lambda file: held(file).field.pop(0),
        lambda file: setattr(held(file).field[0], "number", 99),
        lambda file: setattr(held(file).field[0], "type", 9 if held(file).field[0].type != 9 else 12),
        lambda file: file.enum_type[0].value.pop(1),
        lambda file: file.message_type.remove(held(file)),
    ],
    ids=["field-removed", "field-renumbered", "field-retyped", "enum-value-removed", "event-removed"],
)
def test_a_break_is_found(image: bytes, change: Callable[[FileDescriptorProto], Any]) -> None:
    assert LINT["breaking"](altered(image, change), image)


def test_an_addition_is_no_break(image: bytes) -> None:
    added = altered(image, lambda file: held(file).field.add(name="place_id", number=99, type=9, label=1))
    assert LINT["breaking"](added, image) == []


def test_the_baseline_does_not_change_with_comments(image: bytes) -> None:
    bare: bytes = LINT["without_comments"](image)
    assert b"What happened in mentorships" in image
    assert b"What happened in mentorships" not in bare
    assert LINT["breaking"](bare, image) == []
