"""The service is complete, and knows who is whose."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.commands import Order
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.reading import Ask
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, person
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.sessions.v1.events_pb2 import DEVELOPMENT_KIND_COURSE, MentorshipCancelled, MentorshipStarted
from mentoring.sessions.v1.session_record_pb2 import AddLearnerViewRequest
from mentoring.sessions.v1.sessions_pb2 import (
    GetDevelopmentEntryRequest,
    HoldSessionRequest,
    LearnStandardRequest,
    ListSessionsRequest,
    RecordDevelopmentRequest,
    StartMentorshipRequest,
)
from sessions.projections.mentor_skills import get_development_entry
from sessions.service import build, mentor_of_learner, self_, self_or_mentor

STARTED = MentorshipStarted(learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-1")
CANCELLED = MentorshipCancelled(learner_id="learner-1", mentorship_id="mentorship-1")
REQUEST = ListSessionsRequest(learner_id="learner-1")


def test_nothing_of_the_contract_is_left_undone() -> None:
    build().check()


@pytest.mark.parametrize(
    ("person_id", "past", "mentors", "may_read"),
    [
        ("mentor-1", [STARTED], True, True),
        ("mentor-1", [STARTED, CANCELLED], True, False),
        ("mentor-2", [STARTED], False, False),
        ("learner-1", [STARTED], False, True),
        ("learner-1", [], False, True),
        ("learner-2", [STARTED], False, False),
        ("mentor-1", [], False, False),
    ],
)
async def test_who_mentors_and_who_may_read(
    reader: Callable[..., Any], person_id: str, past: list[Any], mentors: bool, may_read: bool
) -> None:
    caller = person(person_id, "learner", "mentor")
    ask = Ask(caller, REQUEST, reader(caller, streams={"mentorships-learner-1": past}))
    assert await mentor_of_learner(ask) is mentors
    assert await self_or_mentor(ask) is may_read


def test_a_session_that_followed_no_guide_makes_nobody_read_one() -> None:
    hold = build().contract.calls["HoldSession"]
    asked = HoldSessionRequest(learner_id="learner-1")
    assert hold.loads_of(asked) == ("mentorships-learner-1", "")
    asked.guide.guide_id = "grow"
    assert hold.loads_of(asked) == ("mentorships-learner-1", "guide-grow")


@pytest.mark.parametrize("person_id", ["learner-1", "mentor-1", "learner-2"])
async def test_a_learners_view_is_the_learners_alone_to_give(reader: Callable[..., Any], person_id: str) -> None:
    caller = person(person_id, "learner", "mentor")
    ask = Ask(caller, AddLearnerViewRequest(learner_id="learner-1"), reader(caller))
    assert await self_(ask) is (person_id == "learner-1")


async def test_boundaries_that_were_agreed_anew_are_refused_and_not_dropped(tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks")
    node = Node(build(), settings, MemoryStore(), clock=lambda: NOON)
    standard, manager = StandardVersion(reference="ST0148", version="1.0"), person("paula", "provider_manager")
    learn = LearnStandardRequest(standard=standard, ksb_codes=["K1"])
    await node.commands.give(Order(learn, Principal.system(manager.tenant), "learn"))

    async def start(key: str, *boundaries: str) -> int:
        request = StartMentorshipRequest(
            learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-1", standard=standard, employer_id="employer-1",
            site_id="site-1", boundaries=boundaries,
        )  # fmt: skip
        return (await node.commands.give(Order(request, manager, key))).version

    first = await start("key-1", "Calls at any hour")
    with pytest.raises(Refusal) as refused:
        await start("key-2", "No calls after six: the learner asked for it")
    assert refused.value.code == "DONE_WITH_OTHER_TEXT"
    assert await start("key-3", "Calls at any hour") == first


async def test_a_mentors_reflection_is_stored_sealed_and_opens_for_them(tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=tmp_path / "key", jwks_file=tmp_path / "jwks")
    store, mentor = MemoryStore(), person("mentor-1", "mentor")
    node = Node(build(), settings, store, clock=lambda: NOON)
    request = RecordDevelopmentRequest(
        mentor_id="mentor-1", entry_id="entry-1", kind=DEVELOPMENT_KIND_COURSE, done_on="2026-01-01", duration=Duration(seconds=60),
        reflection="I talked too much",
    )  # fmt: skip
    await node.commands.give(Order(request, mentor, "key-1"))
    (commit,) = await store.commits.read(mentor.tenant, "development-mentor-1")
    assert b"talked" not in b"".join(event.data for event in commit.events)
    asked = GetDevelopmentEntryRequest(mentor_id="mentor-1", entry_id="entry-1")
    assert (await get_development_entry(asked, node.reader(mentor))).reflection == "I talked too much"
    with pytest.raises(Refusal) as refused:
        await node.commands.give(
            Order(RecordDevelopmentRequest(**_of(request), reflection="I listened"), mentor, "key-2")
        )
    assert refused.value.code == "DONE_WITH_OTHER_TEXT"


def _of(request: RecordDevelopmentRequest) -> dict[str, Any]:
    return {field.name: value for field, value in request.ListFields() if field.name != "reflection"}
