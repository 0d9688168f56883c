"""One cohort's journey over sockets, end to end: every outcome as the plans and the domain's rules say."""

import pytest
from mentorstream.demo import checks
from mentorstream.demo.cohort import MARK
from mentorstream.demo.journey import Journey, until
from mentorstream.demo.path import path_of
from mentorstream.demo.play import STEPS_OF_A_TRACE, missing_steps
from mentorstream.platform import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]


async def test_a_cohort_is_mentored_and_every_outcome_is_as_asked(journey: Journey) -> None:
    await journey.play()
    found = await checks.look(journey)
    outcomes = await checks.check(journey, found)
    assert len(outcomes) >= 9
    assert [(outcome.asked, outcome.faults) for outcome in outcomes if not outcome.good] == []


async def test_one_trace_joins_the_rpc_the_commit_kafka_the_projection_and_the_mail(journey: Journey) -> None:
    async def whole() -> bool:
        return not missing_steps(path_of(journey.platform.traces, journey.traceparent))

    await until(whole, f"a trace with {STEPS_OF_A_TRACE}")
    steps = path_of(journey.platform.traces, journey.traceparent)
    assert {step.service for step in steps} == {"sessions", "evidence", "notifications"}


async def test_no_confidential_text_is_in_a_log_or_a_trace(running: Platform, journey: Journey) -> None:
    written = [*running.data_dir.glob("logs/*.log"), *running.traces.glob("*.jsonl")]
    assert len(written) >= 8
    assert [file.name for file in written if MARK in file.read_text()] == []


async def test_playing_it_again_changes_nothing(journey: Journey) -> None:
    before = await checks.look(journey)
    await journey.play()
    after = await checks.look(journey)
    assert after.summary == before.summary
    assert len(after.notices) == len(before.notices)
    assert len(after.mails) == len(before.mails)
