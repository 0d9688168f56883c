"""Guides as data: what ships, what a provider sets, and what a record may say of them."""

from collections.abc import Callable
from typing import Any

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.messages import Metadata
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, given, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.events_pb2 import SessionHeld
from mentoring.sessions.v1.guide_events_pb2 import GuideRetired, GuideSet, GuideStep
from mentoring.sessions.v1.guide_pb2 import GetGuideRequest, ListGuidesRequest, RetireGuideRequest, SetGuideRequest
from mentoring.sessions.v1.session_parts_pb2 import GuideFollowed
from mentoring.sessions.v1.session_record_events_pb2 import SessionCorrected
from protovalidate import Validator
from sessions.domain.guide import Guide, guide
from sessions.guide_defaults import SHIPPED
from sessions.projections.guides import SetGuide, get_guide, guides, list_guides

from .session_stories import account, asked, correct, held, hold, planned

MENTOR = person("mentor-1", "mentor")
META = Metadata("event-1", "type", "provider-1", "guide-grow", 1, NOON)


def step(step_id: str, *prompts: str, title: str = "") -> GuideStep:
    return GuideStep(step_id=step_id, title=title or step_id.title(), prompts=prompts or [f"What of {step_id}?"])


def set_guide(*steps: GuideStep, guide_id: str = "first-meeting", title: str = "First meeting") -> SetGuideRequest:
    return SetGuideRequest(guide_id=guide_id, title=title, steps=steps or [step("meet"), step("agree")])


def was_set(version: int = 1, *steps: GuideStep, guide_id: str = "first-meeting") -> GuideSet:
    command = set_guide(*steps, guide_id=guide_id)
    return GuideSet(guide_id=guide_id, version=version, title=command.title, steps=command.steps)


def followed(guide_id: str = "grow", version: int = 1, *steps: str) -> GuideFollowed:
    return GuideFollowed(guide_id=guide_id, version=version, step_ids=steps or ["goal", "reality"])


RETIRED = GuideRetired(guide_id="first-meeting")


def test_grow_and_oskar_ship_and_are_what_a_provider_could_set_too() -> None:
    assert {one.title: [step.step_id for step in one.steps] for one in SHIPPED.values()} == {
        "GROW": ["goal", "reality", "options", "way-forward"],
        "OSKAR": ["outcome", "scaling", "know-how", "affirm-and-action", "review"],
    }
    validator = Validator()
    for guide_id, one in SHIPPED.items():
        command = SetGuideRequest(guide_id=f"own-{guide_id}", title=one.title, steps=one.steps)
        assert validator.collect_violations(command) == []
        assert given(guide).when(command).refusal is None


def test_a_provider_sets_a_guide_of_its_own_and_the_next_version_of_it() -> None:
    story: Given[Guide] = given(guide).when(set_guide()).then(was_set())
    story = story.when(set_guide()).then_nothing()
    story = story.when(set_guide(step("meet"))).then(was_set(2, step("meet")))
    assert_folds_in_pieces(guide, story.past)


def test_a_guide_that_ships_is_version_1_of_its_id() -> None:
    given(guide).when(set_guide(guide_id="grow")).then(was_set(2, guide_id="grow"))
    same = SetGuideRequest(guide_id="grow", title="GROW", steps=SHIPPED["grow"].steps)
    given(guide).when(same).then_nothing()
    given(guide, was_set(2, guide_id="grow")).when(same).after()


def test_everything_that_is_wrong_between_steps_is_told_at_once() -> None:
    command = set_guide(
        step("meet", "How are you?", "Where from?", "how are you?"), step("agree"), step("meet", title="agree")
    )
    refusal = given(guide).when(command).then_refused("GUIDE_INVALID")
    assert refusal.field == "steps"
    assert [part.split(":")[0] for part in refusal.text.split("; ")] == [
        "steps[0].prompts[2] is prompts[0] again",
        "steps[2].step_id is that of steps[0]",
        "steps[2].title is that of steps[1]",
    ]


def test_a_guide_is_retired_once_and_set_again_to_be_in_use() -> None:
    story = given(guide, was_set()).when(RetireGuideRequest(guide_id="first-meeting")).then(RETIRED)
    story.when(RetireGuideRequest(guide_id="first-meeting")).then_nothing()
    story.when(set_guide()).then(was_set(2)).when(set_guide()).then_nothing()


def test_a_guide_that_ships_may_be_retired_and_one_that_never_was_may_not() -> None:
    given(guide).when(RetireGuideRequest(guide_id="oskar")).then(GuideRetired(guide_id="oskar"))
    refusal = given(guide).when(RetireGuideRequest(guide_id="nothing")).then_refused("GUIDE_UNKNOWN")
    assert refusal.field == "guide_id"


def test_a_held_session_names_the_guide_the_version_and_the_steps() -> None:
    (event,) = asked(hold(guide=followed()), planned()).events
    assert isinstance(event, SessionHeld)
    assert event.guide == followed()
    asked(hold(guide=followed()), planned(), event).then_nothing()
    asked(hold(guide=followed("grow", 1, "goal")), planned(), event).then_refused("SESSION_NOT_PLANNED")


OWN = given(guide, was_set(), was_set(2, step("meet"))).state


@pytest.mark.parametrize(
    ("named", "state", "code", "field"),
    [
        (followed("nothing"), Guide(), "GUIDE_UNKNOWN", "guide_id"),
        (followed("grow", 2), Guide(), "GUIDE_VERSION_UNKNOWN", "version"),
        (followed("grow", 1, "goal", "review"), Guide(), "GUIDE_STEP_UNKNOWN", "step_ids"),
        (followed("first-meeting", 2, "agree"), OWN, "GUIDE_STEP_UNKNOWN", "step_ids"),
        (
            followed("first-meeting", 2, "meet"),
            given(guide, was_set(), RETIRED).state,
            "GUIDE_VERSION_UNKNOWN",
            "version",
        ),
        (followed("first-meeting", 1, "meet"), given(guide, was_set(), RETIRED).state, "GUIDE_RETIRED", "guide_id"),
    ],
)
def test_a_record_names_guides_versions_and_steps_that_are_there(
    named: GuideFollowed, state: Guide, code: str, field: str
) -> None:
    assert asked(hold(guide=named), planned(), guide=state).then_refused(code).field == f"guide.{field}"
    too = correct(held=account(guide=named))
    assert asked(too, planned(), held(), guide=state).then_refused(code).field == f"held.guide.{field}"


def test_an_older_version_may_have_been_followed() -> None:
    assert asked(hold(guide=followed("first-meeting", 1, "agree")), planned(), guide=OWN).refusal is None


def test_a_correction_may_keep_a_guide_that_was_retired_since_and_says_what_it_was() -> None:
    named = followed("first-meeting", 1, "meet", "agree")
    (event,) = asked(hold(guide=named), planned(), guide=OWN).events
    retired = given(guide, was_set(), was_set(2, step("meet")), RETIRED).state
    kept = correct(held=account(guide=followed("first-meeting", 1, "meet")))
    (corrected,) = asked(kept, planned(), event, guide=retired).events
    assert isinstance(corrected, SessionCorrected)
    assert (list(corrected.held.guide.step_ids), corrected.former.held.guide) == (["meet"], named)
    other = correct(held=account(guide=followed("first-meeting", 2, "meet")))
    asked(other, planned(), event, guide=retired).then_refused("GUIDE_RETIRED")


def documents(*events: GuideSet | GuideRetired) -> list[SetGuide]:
    found: dict[str, SetGuide] = {}
    for event in events:
        document = found.setdefault(event.guide_id, guides.new(event.guide_id))
        guides.folds[type(event)](document, event, META)
    return list(found.values())


async def test_own_guides_are_listed_with_those_that_ship(reader: Callable[..., Any]) -> None:
    laid = documents(was_set(1), RETIRED, was_set(2), was_set(2, guide_id="grow"), GuideRetired(guide_id="oskar"))
    read = reader(MENTOR, documents=laid)
    response = await list_guides(ListGuidesRequest(), read)
    assert [(one.guide_id, one.version, one.title, one.shipped) for one in response.guides] == [
        ("first-meeting", 2, "First meeting", False),
        ("grow", 2, "First meeting", False),
    ]
    every = (await list_guides(ListGuidesRequest(with_retired=True), read)).guides
    assert [(one.guide_id, one.retired, one.shipped) for one in every] == [
        ("first-meeting", False, False),
        ("grow", False, False),
        ("oskar", True, True),
    ]


async def test_guides_come_in_pages(reader: Callable[..., Any]) -> None:
    read = reader(MENTOR)
    first = await list_guides(ListGuidesRequest(page=Page(size=1)), read)
    rest = await list_guides(ListGuidesRequest(page=Page(size=1, cursor=first.next_cursor)), read)
    assert [one.guide_id for one in (*first.guides, *rest.guides)] == ["grow", "oskar"]
    assert rest.next_cursor == ""


async def test_a_guide_is_read_in_any_version_and_retired_ones_too(reader: Callable[..., Any]) -> None:
    streams: dict[str, list[Message]] = {"guide-grow": [was_set(2, step("meet"), guide_id="grow"), GuideRetired()]}
    read = reader(MENTOR, streams=streams)
    newest = await get_guide(GetGuideRequest(guide_id="grow"), read)
    assert (newest.guide.version, newest.guide.retired, newest.guide.shipped) == (2, True, False)
    assert list(newest.steps) == [step("meet")]
    shipped = await get_guide(GetGuideRequest(guide_id="grow", version=1), read)
    assert (shipped.guide.title, shipped.guide.shipped, shipped.newest_version) == ("GROW", True, 2)
    assert list(shipped.steps) == list(SHIPPED["grow"].steps)
    for unknown in (GetGuideRequest(guide_id="grow", version=3), GetGuideRequest(guide_id="nothing")):
        with pytest.raises(Refusal) as caught:
            await get_guide(unknown, read)
        assert caught.value.code == "GUIDE_UNKNOWN"
