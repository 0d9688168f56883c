"""`mentorstream call`: what is typed wrongly is told before anything is sent, with what would be right."""

import pytest
from mentorstream.cli import app
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
        (["sessions", "PlanSession", '{"sesion_id": "1"}'], "REQUEST_NOT_VALID"),
        (["sessions", "PlanSession", "not JSON"], "--fields shows what PlanSession takes"),
        (["evidence", "UploadArtefact"], "CALL_OF_BYTES"),
        (["evidence", "DownloadArtefact"], "CALL_OF_BYTES"),
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
    assert "learner_id: text\n" in shown
    assert "standard: an object\n  reference: text\n  version: text\n" in shown
    assert "parties: several, each an object\n  person_id: text\n  relationship: PARTY_RELATIONSHIP_" in shown
    assert "starts_at: a time, 2026-03-02T10:00:00Z\n" in typed("sessions", "PlanSession", "--fields").stdout
