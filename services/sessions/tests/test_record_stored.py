"""What is said of a session is stored sealed, opens for those who may read it, and is never dropped by a repeat."""

from collections.abc import Callable
from pathlib import Path

import pytest
from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.commands import Order
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, StandardVersion
from mentoring.sessions.v1.guide_events_pb2 import GuideStep
from mentoring.sessions.v1.guide_pb2 import SetGuideRequest
from mentoring.sessions.v1.session_parts_pb2 import ADVICE_KIND_PASTORAL, Advice, GuideFollowed
from mentoring.sessions.v1.sessions_pb2 import (
    GetSessionRequest,
    GetSessionResponse,
    LearnStandardRequest,
    StartMentorshipRequest,
)
from sessions.projections.session_record import get_session
from sessions.service import build

from .session_stories import account, correct, hold, keep, plan, set_agenda, view

MENTOR, LEARNER = person("mentor-1", "mentor"), person("learner-1", "learner")


class Running:
    """The service on a store in memory, with a mentorship and a planned session."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=folder / "key", jwks_file=folder / "jwks")
        self.store = MemoryStore()
        self.node = Node(build(), settings, self.store, clock=lambda: NOON)
        self._given = 0

    async def begin(self) -> None:
        standard, manager = StandardVersion(reference="ST0148", version="1.0"), person("paula", "provider_manager")
        await self.give(
            LearnStandardRequest(standard=standard, ksb_codes=["K1", "K2", "S1"]), Principal.system(manager.tenant)
        )
        start = StartMentorshipRequest(
            learner_id="learner-1", mentorship_id="mentorship-1", mentor_id="mentor-1", standard=standard, employer_id="employer-1",
            site_id="site-1", boundaries=["no calls after six"],
        )  # fmt: skip
        await self.give(start, manager)
        await self.give(plan())

    async def give(self, command: Message, by: Principal = MENTOR) -> CommandReply:
        self._given += 1
        return await self.node.commands.give(Order(command, by, f"key-{self._given}"))

    async def read(self, by: Principal = MENTOR, *, with_superseded: bool = False) -> GetSessionResponse:
        asked = GetSessionRequest(session_id="session-1", learner_id="learner-1", with_superseded=with_superseded)
        return await get_session(asked, self.node.reader(by))

    async def bytes(self) -> bytes:
        commits = await self.store.commits.read(MENTOR.tenant, "session-session-1")
        return b"".join(event.data for commit in commits for event in commit.events)


@pytest.fixture
async def running(tmp_path: Path) -> Running:
    running = Running(tmp_path)
    await running.begin()
    return running


async def refused(giving: Callable[[], object], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        await giving()  # type: ignore[misc]
    assert caught.value.code == code


async def test_advice_is_stored_sealed_and_opens_piece_by_piece(running: Running) -> None:
    pieces = [Advice(kind=ADVICE_KIND_PASTORAL, text=text) for text in ("see your GP", "sleep before the shift")]
    await running.give(hold(advice=pieces))
    stored = await running.bytes()
    assert not any(piece.text.encode() in stored for piece in pieces)
    for reader in (MENTOR, LEARNER):
        shown = await running.read(reader)
        assert list(shown.advice) == pieces
        assert shown.shared_record == "We agreed on CONFIDENTIAL steps"


async def test_other_text_in_a_repeat_is_refused_and_not_dropped(running: Running) -> None:
    advice = [Advice(kind=ADVICE_KIND_PASTORAL, text="see your GP")]
    first = await running.give(hold(advice=advice))
    assert (await running.give(hold(advice=advice))).version == first.version
    other = [Advice(kind=ADVICE_KIND_PASTORAL, text="see a lawyer")]
    await refused(lambda: running.give(hold(advice=other)), "DONE_WITH_OTHER_TEXT")
    await refused(lambda: running.give(hold(advice=advice, shared_record="else")), "DONE_WITH_OTHER_TEXT")


async def test_a_correction_of_text_alone_stands_and_its_repeat_is_one(running: Running) -> None:
    await running.give(hold())
    held = account(
        duration=hold().duration, ksb_codes=hold().ksb_codes, techniques=hold().techniques, shared_record="We agreed on nothing"
    )  # fmt: skip
    first = await running.give(correct(held=held))
    assert first.event_types == ["mentoring.sessions.session-corrected"]
    assert (await running.give(correct(held=held))).version == first.version
    held.shared_record = "else"
    await refused(lambda: running.give(correct(held=held)), "DONE_WITH_OTHER_TEXT")
    shown = await running.read(LEARNER, with_superseded=True)
    assert shown.shared_record == "We agreed on nothing"
    assert shown.corrections[0].held.shared_record == "We agreed on CONFIDENTIAL steps"
    assert shown.corrections[0].corrected_by == "mentor-1"
    assert b"nothing" not in await running.bytes()


async def test_texts_beside_the_record_are_stored_sealed_and_known_again_by_their_words(running: Running) -> None:
    await running.give(set_agenda("CONFIDENTIAL: exam nerves"))
    await running.give(set_agenda("the placement"))
    third = await running.give(set_agenda("CONFIDENTIAL: exam nerves"))
    assert third.event_types == ["mentoring.sessions.session-agenda-set"]
    assert (await running.give(set_agenda("CONFIDENTIAL: exam nerves"))).version == third.version
    await running.give(keep())
    await running.give(hold())
    await running.give(view(), LEARNER)
    last = await running.give(view("CONFIDENTIAL: it went well"), LEARNER)
    assert (await running.give(view("CONFIDENTIAL: it went well"), LEARNER)).version == last.version
    shown = await running.read(LEARNER)
    assert (list(shown.agenda), shown.learner_view) == (["CONFIDENTIAL: exam nerves"], "CONFIDENTIAL: it went well")
    assert (shown.private_preparation, list(shown.preparations)) == ("", [])
    assert (await running.read(MENTOR)).private_preparation == "CONFIDENTIAL: ask about home"
    assert b"CONFIDENTIAL" not in await running.bytes()


async def test_another_agenda_in_a_repeated_plan_is_refused_and_not_dropped(running: Running) -> None:
    await refused(lambda: running.give(plan(agenda=["exam nerves"])), "DONE_WITH_OTHER_TEXT")
    with_agenda = plan(session_id="session-2", agenda=["exam nerves"])
    first = await running.give(with_agenda)
    assert first.event_types == ["mentoring.sessions.session-planned", "mentoring.sessions.session-agenda-set"]
    assert (await running.give(with_agenda)).version == first.version


async def test_only_the_learner_gives_the_learners_view(running: Running) -> None:
    await running.give(hold())
    for caller in (MENTOR, person("learner-2", "learner"), person("mentor-1", "learner")):
        with pytest.raises(Denied):
            await running.give(view(), caller)


async def test_a_record_follows_a_guide_that_ships_or_the_providers_own(running: Running) -> None:
    manager = person("paula", "provider_manager")
    await running.give(hold(guide=GuideFollowed(guide_id="grow", version=1, step_ids=["goal"])))
    assert (await running.read(LEARNER)).session.guide.guide_id == "grow"
    steps = [GuideStep(step_id="meet", title="Meet", prompts=["How was the way here?"])]
    await running.give(SetGuideRequest(guide_id="first-meeting", title="First meeting", steps=steps), manager)
    await running.give(plan(session_id="session-2"))
    own = GuideFollowed(guide_id="first-meeting", version=1, step_ids=["meet"])
    assert (await running.give(hold(session_id="session-2", guide=own))).event_types == [
        "mentoring.sessions.session-held"
    ]
    await running.give(plan(session_id="session-3"))
    nobodys = GuideFollowed(guide_id="second-meeting", version=1, step_ids=["meet"])
    await refused(lambda: running.give(hold(session_id="session-3", guide=nobodys)), "GUIDE_UNKNOWN")
