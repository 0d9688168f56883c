"""`mentorstream call`: what is typed wrongly is told before anything is sent, with what would be right; what is answered is printed."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.notifications.v1.inbox_pb2 import FollowMyInboxResponse, InboxEntry
from mentoring.sessions.v1.sessions_pb2 import PlanSessionRequest
from mentorstream.cli import app
from mentorstream.embedded.testing import beside
from typer.testing import CliRunner, Result

PLAN = ["sessions", "PlanSession", "{}"]


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["call", *arguments], env={"MENTORSTREAM_TOKEN": ""})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["session"], "SERVICE_UNKNOWN: session: it is one of sessions, evidence"),
        (["sessions", "PlanSessions"], "CALL_UNKNOWN: sessions has no call PlanSessions: `mentorstream call sessions`"),
        (["sessions", "JudgeEvidence"], "it is a call of evidence"),
        (PLAN, "CALLER_MISSING: give --as PERSON and --role ROLE, or --token; PlanSession is for mentor"),
        ([*PLAN, "--as", "mentor-1"], "CALLER_MISSING"),
        (["safeguarding", "RaiseConcern"], "RaiseConcern is for any role"),
        (["sessions", "PlanSession", '{"sesion_id": "1"}'], "REQUEST_INVALID: sesion_id: no such field; there are session_id, "),
        (["sessions", "PlanSession", '{"starts_at": "2026-03"}'], "REQUEST_INVALID: starts_at: a time as 2026-03-02T10:00:00Z"),
        (["sessions", "PlanSession", '{"duration": "50 minutes"}'], "REQUEST_INVALID: duration: a duration in seconds as 3600s"),
        (["safeguarding", "RaiseConcern", '{"severity": "BAD"}'], "REQUEST_INVALID: severity: none of its values"),
        (["safeguarding", "RaiseConcern", '{"body_marks": [{"x": 0.4}]}'], "REQUEST_INVALID: x: a whole number"),
        (["safeguarding", "RaiseConcern", '{"site_id": 4}'], "REQUEST_INVALID: site_id: a text"),
        (["sessions", "PlanSession", "not JSON"], "--fields shows what PlanSession takes"),
        (["evidence", "UploadArtefact"], "CALL_OF_BYTES"),
        (["evidence", "DownloadArtefact"], "CALL_OF_BYTES: DownloadArtefact moves a file's bytes: call it from a program"),
        (["safeguarding", "ExportConcern"], "CALL_OF_BYTES: ExportConcern moves a file's bytes: `mentorstream concern export` does"),
        (["notifications", "FollowMyInbox", "--token", "any", "--address", "127.0.0.1:1"], "UNAVAILABLE"),
        ([*PLAN, "--token", "any", "--address", "127.0.0.1:1"], "UNAVAILABLE: no sessions service answers at 127.0.0.1:1"),
    ],
)  # fmt: skip
def test_what_is_typed_wrongly_is_told(arguments: list[str], told: str) -> None:
    ended = typed(*arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert told in ended.stderr


def test_the_calls_of_a_service_are_listed_but_for_the_platforms_own() -> None:
    lines = typed("safeguarding").stdout.splitlines()
    assert "RaiseConcern: any role" in lines
    assert "CheckDuty: deputy_dsl, dsl, senior_lead" in lines
    assert not [line for line in lines if line.startswith("LookThroughDuty")]


def test_the_fields_of_a_request_are_shown_with_what_is_inside_them() -> None:
    shown = typed("sessions", "StartMentorship", "--fields").stdout
    assert "learner_id: text (required)\n" in shown
    assert "standard: an object (required)\n  reference: text (required)\n  version: text" in shown
    assert (
        "parties: several, each an object\n  person_id: text (required)\n  relationship: PARTY_RELATIONSHIP_" in shown
    )
    assert "starts_at: a time, 2026-03-02T10:00:00Z" in typed("sessions", "PlanSession", "--fields").stdout


def test_of_a_field_it_is_said_whether_it_is_needed_and_an_enum_is_listed_once() -> None:
    lines = typed("safeguarding", "RaiseConcern", "--fields").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines if line.endswith("(required)")] == [
        "person_at_risk_id", "narrative", "  diagram",
    ]  # fmt: skip
    assert "concern_id: text (made where it is left out)" in lines
    address = typed("notifications", "RegisterMyAddress", "--fields").stdout
    assert address.splitlines()[1].startswith("channel: ")
    assert address.splitlines()[1].endswith("(required)")
    policy = typed("notifications", "SetDeliveryPolicy", "--fields").stdout
    assert (policy.count("OCCASION_SESSION_PLANNED"), "Occasion, as above" in policy) == (1, True)


class Answering(grpc.GenericRpcHandler):
    """A service that answers what it was asked, refuses one call, and answers another in two parts."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method.rpartition("/")[2]
        if method == "FollowMyInbox":
            return grpc.unary_stream_rpc_method_handler(self._follow)
        return grpc.unary_unary_rpc_method_handler(self._refuse if method == "HoldSession" else self._plan)

    async def _plan(self, sent: bytes, context: Any) -> bytes:
        said = dict(context.invocation_metadata())
        told = (PlanSessionRequest.FromString(sent).session_id, said["idempotency-key"], said["read-after"])
        return CommandReply(stream=" ".join(told)).SerializeToString()

    async def _refuse(self, _sent: bytes, context: Any) -> bytes:
        detail = status_pb2.Status()
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field="session_id", description="it was held")
        detail.details.add().Pack(bad)
        trailers = (("reason", "SESSION_NOT_PLANNED"), ("grpc-status-details-bin", detail.SerializeToString()))
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "it was held", trailers)
        raise AssertionError("an aborted call went on")

    async def _follow(self, _sent: bytes, _context: Any) -> AsyncIterator[bytes]:
        for notice_id in ("one", "two"):
            yield FollowMyInboxResponse(entry=InboxEntry(notice_id=notice_id)).SerializeToString()


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Answering(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@pytest.fixture(scope="module")
def there() -> Iterator[list[str]]:
    with beside(answering()) as address:
        yield ["--token", "any", "--address", address]


def test_an_answer_is_printed_with_the_contracts_own_names(there: list[str]) -> None:
    ended = typed("sessions", "PlanSession", '{"session_id": "one"}', "--key", "a-key", "--read-after", "s@3", *there)
    assert json.loads(ended.stdout) == {"stream": "one a-key s@3"}


def test_a_refusal_is_told_with_its_reason_and_its_field(there: list[str]) -> None:
    ended = typed("sessions", "HoldSession", *there)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == "SESSION_NOT_PLANNED: sessions: it was held\n  field: session_id\n"


def test_an_answer_in_parts_is_printed_as_it_comes(there: list[str]) -> None:
    ended = typed("notifications", "FollowMyInbox", *there)
    parts = "".join(f'{{\n  "entry": {{\n    "notice_id": "{one}"\n  }}\n}}\n' for one in ("one", "two"))
    assert (ended.exit_code, ended.stdout) == (0, parts)
