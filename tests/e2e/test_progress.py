"""Progress over sockets: a learner on the command line, now and as it was known before; a cohort that tells of nobody; a mentor's own."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.evidence.v1.cohort_pb2 import ListMyLearnersRequest, ListMyLearnersResponse
from mentoring.evidence.v1.progress_pb2 import COLOUR_GREEN, SetPlannedEndRequest
from mentoring.sessions.v1.events_pb2 import SESSION_KIND_VOCATIONAL
from mentoring.sessions.v1.sessions_pb2 import HoldSessionRequest, PlanSessionRequest
from mentorstream.demo import cohort
from mentorstream.demo.journey import Journey, until
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
PLAN = cohort.cohort()[0]


async def typed(running: Platform, *arguments: str) -> tuple[int, str]:
    address = running.processes["evidence"].addresses.grpc
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mentorstream", *arguments, "--data-dir", str(running.data_dir), "--address", address,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def shown(running: Platform, *arguments: str) -> Any:
    code, out = await typed(running, "learner", "show", PLAN.learner_id, "--json", *arguments)
    assert code == 0, out
    return json.loads(out)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def before(running: Platform, journey: Journey) -> datetime:
    """A moment between the planning of a session and its being held, when both are known."""
    await journey.prepare()
    starts = Timestamp()
    starts.FromDatetime(datetime(2026, 9, 7, 9, tzinfo=UTC))
    session = "session-of-progress"
    hour = Duration(seconds=3600)
    await journey.give(
        "sessions", PLAN.mentor_id, ["mentor"],
        PlanSessionRequest(
            session_id=session, learner_id=PLAN.learner_id, mentorship_id=PLAN.mentorship_id, kind=SESSION_KIND_VOCATIONAL, starts_at=starts, duration=hour, ksb_codes=["K1"]
        ),
    )  # fmt: skip
    await asyncio.sleep(0.1)
    between = datetime.now(UTC)
    await asyncio.sleep(0.1)
    held = HoldSessionRequest(
        session_id=session, learner_id=PLAN.learner_id, duration=hour, ksb_codes=["K1", "S1"], shared_record="We met."
    )
    await journey.give("sessions", PLAN.mentor_id, ["mentor"], held)

    async def practised() -> bool:
        return bool((await shown(running))["progress"]["practised_minutes"] == 60)

    await until(practised, "the session in progress")
    return between


async def test_a_learner_is_shown_as_now_and_as_known_before(running: Platform, before: datetime) -> None:
    now = await shown(running)
    assert {one["code"]: one["practised"] for one in now["progress"]["ksbs"] if one["practised"]} == {"K1": 1, "S1": 1}

    async def known() -> bool:
        then = await shown(running, "--as-known-at", before.isoformat())
        k1 = then["progress"]["ksbs"][0]
        return (k1["planned"], k1["practised"], then["progress"]["practised_minutes"]) == (1, 0, 0)

    await until(known, "the session planned and not held yet")
    code, out = await typed(running, "learner", "show", PLAN.learner_id)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "gateway: shut" in out


async def test_a_learners_record_is_written_as_a_document(running: Platform, before: datetime, tmp_path: Path) -> None:
    files = tmp_path / "record.pdf", tmp_path / "record.html"
    code, out = await typed(
        running, "learner", "record", PLAN.learner_id, "--pdf", str(files[0]), "--html", str(files[1])
    )
    assert code == 0, out
    assert files[0].read_bytes().startswith(b"%PDF-")
    assert f"Record of learner {PLAN.learner_id}" in files[1].read_text()
    hashes = {line.rpartition(" ")[2] for line in out.splitlines()}
    assert len(hashes) == 1
    assert hashes.pop() in files[1].read_text()


async def test_a_cohort_is_shown_and_few_are_under_five(running: Platform, before: datetime) -> None:
    async def all_are_there() -> bool:
        code, out = await typed(running, "cohort", "--json")
        assert code == 0, out
        found = json.loads(out)["cohort"]
        return bool(found["learners"] == 20 and found["rows"][0]["practised"] == 0)

    await until(all_are_there, "twenty of the twenty-four learners")
    code, out = await typed(running, "cohort", "--employer", "foundry", "--site", "riverside")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80


async def test_a_mentor_plans_an_end_and_sees_it_among_their_learners(running: Platform, before: datetime) -> None:
    mentor = running.client("evidence", PLAN.mentor_id, ["mentor"], provider=cohort.PROVIDER)
    ends = SetPlannedEndRequest(learner_id=PLAN.learner_id, standard=cohort.STANDARD, ends_on="2031-01-31")
    await mentor.call(ends, CommandReply)

    async def listed() -> bool:
        answer = await mentor.call(ListMyLearnersRequest(), ListMyLearnersResponse)
        mine = {one.learner_id: one for one in answer.learners}
        assert all(one.pace.colour == COLOUR_GREEN for one in answer.learners)
        return mine[PLAN.learner_id].pace.ends_on == "2031-01-31" and mine[PLAN.learner_id].practised_minutes == 60

    await until(listed, "the planned end")
    assert "learner-" not in (await typed(running, "cohort"))[1]
