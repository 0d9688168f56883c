"""A mentor's own development and the currency of their skills."""

from typing import Any

import pytest
from eventkernel.testing.scenario import NOON, Given, assert_folds_in_pieces, given
from google.protobuf.duration_pb2 import Duration
from hypothesis import given as having
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.sessions.v1.events_pb2 import (
    CURRENCY_PROOF_QUALIFICATION,
    CURRENCY_PROOF_WORK_IN_THE_TRADE,
    DEVELOPMENT_KIND_COURSE,
    DEVELOPMENT_KIND_READING,
    DevelopmentRecorded,
    SkillKeptCurrent,
)
from mentoring.sessions.v1.sessions_pb2 import KeepSkillCurrentRequest, RecordDevelopmentRequest
from pydantic import TypeAdapter
from sessions.domain.development import Development, development, end_of_skill
from sessions.domain.mentoring_policy import MentoringPolicy

BEFORE = given(development).beside(MentoringPolicy())
TODAY = NOON.date().isoformat()


def fields(**changed: Any) -> dict[str, Any]:
    return {
        "mentor_id": "mentor-1",
        "entry_id": "entry-1",
        "kind": DEVELOPMENT_KIND_COURSE,
        "done_on": TODAY,
        "duration": Duration(seconds=7200),
        "skill_ids": ["bread-making"],
    } | changed


def record(reflection: str = "", **changed: Any) -> RecordDevelopmentRequest:
    return RecordDevelopmentRequest(**fields(**changed), reflection=reflection)


def recorded(reflection: str = "", **changed: Any) -> DevelopmentRecorded:
    sealed = Sealed(to_be_sealed=reflection) if reflection else None
    return DevelopmentRecorded(**fields(**changed), reflection=sealed)


def keep(**changed: Any) -> KeepSkillCurrentRequest:
    return KeepSkillCurrentRequest(**skill(**changed))


def kept(**changed: Any) -> SkillKeptCurrent:
    event = SkillKeptCurrent(**skill(**changed))
    moments = end_of_skill(event.valid_until, MentoringPolicy())
    assert moments is not None
    event.lapsing_at.FromDatetime(moments.lapsing_at)
    event.lapses_at.FromDatetime(moments.lapses_at)
    return event


def kept_before() -> Given[Development]:
    return given(development, kept()).beside(MentoringPolicy())


def skill(**changed: Any) -> dict[str, Any]:
    return {
        "mentor_id": "mentor-1",
        "skill_id": "bread-making",
        "valid_from": "2025-01-01",
        "valid_until": "2027-12-31",
        "proof": CURRENCY_PROOF_QUALIFICATION,
    } | changed


def test_what_was_done_is_noted_with_what_the_mentor_made_of_it() -> None:
    BEFORE.when(record("I knead less now")).then(recorded("I knead less now"))
    BEFORE.when(record()).then(recorded())


def test_the_same_entry_again_changes_nothing() -> None:
    given(development, recorded("I knead less now")).when(record("I knead less now")).then_nothing()


@pytest.mark.parametrize(
    "changed", [{"done_on": "2026-01-02"}, {"duration": Duration(seconds=60)}, {"kind": DEVELOPMENT_KIND_READING}, {"skill_ids": []}, {"reflection": "more"}]
)  # fmt: skip
def test_an_entry_that_says_otherwise_under_the_same_id_is_refused(changed: dict[str, Any]) -> None:
    refusal = given(development, recorded()).when(record(**changed)).then_refused("ENTRY_EXISTS")
    assert refusal.field == "entry_id"


def test_what_is_still_to_come_is_refused_and_what_is_today_anywhere_is_not() -> None:
    tomorrow, after = NOON.date().replace(day=NOON.day + 1), NOON.date().replace(day=NOON.day + 2)
    BEFORE.when(record(done_on=tomorrow.isoformat())).then(recorded(done_on=tomorrow.isoformat()))
    refusal = BEFORE.when(record(done_on=after.isoformat())).then_refused("NOT_DONE_YET")
    assert refusal.field == "done_on"


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (record(done_on="2026-02-30"), "done_on"),
        (keep(valid_from="2025-02-29"), "valid_from"),
        (keep(valid_until="2026-11-31"), "valid_until"),
    ],
)
def test_a_day_that_no_calendar_has_is_refused_by_its_field(command: Any, field: str) -> None:
    assert BEFORE.when(command).then_refused("NO_SUCH_DAY").field == field


def test_a_skill_is_kept_current_renewed_and_put_right() -> None:
    BEFORE.when(keep()).then(kept())
    kept_before().when(keep()).then_nothing()
    for changed in (
        {"valid_until": "2029-12-31"},
        {"valid_until": "2026-01-31"},
        {"proof": CURRENCY_PROOF_WORK_IN_THE_TRADE},
    ):
        kept_before().when(keep(**changed)).then(kept(**changed))


def test_a_skill_that_ends_before_it_begins_is_refused_and_one_of_a_day_is_not() -> None:
    refusal = BEFORE.when(keep(valid_until="2024-12-31")).then_refused("ENDS_BEFORE_IT_BEGINS")
    assert refusal.field == "valid_until"
    BEFORE.when(keep(valid_until="2025-01-01")).then(kept(valid_until="2025-01-01"))


COMMANDS = st.one_of(
    st.builds(
        lambda entry, day, reflection: record(reflection, entry_id=entry, done_on=day),
        st.sampled_from(["entry-1", "entry-2"]), st.sampled_from(["2026-01-01", "2026-02-01"]), st.sampled_from(["", "a thought"]),
    ),
    st.builds(
        lambda name, until: keep(skill_id=name, valid_until=until),
        st.sampled_from(["bread-making", "pastry"]), st.sampled_from(["2026-12-31", "2027-12-31"]),
    ),
)  # fmt: skip


@having(st.lists(COMMANDS))
def test_whatever_is_said_the_first_of_an_entry_and_the_last_of_a_skill_stand(commands: list[Any]) -> None:
    story = BEFORE
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for command in commands:
        outcome = story.when(command)
        if outcome.refusal is None:
            story = outcome.after()
            story.when(command).then_nothing()
            if isinstance(command, RecordDevelopmentRequest):
                first.setdefault(command.entry_id, command.done_on)
            else:
                last[command.skill_id] = command.valid_until
    assert {name: entry.done_on for name, entry in story.state.entries.items()} == first
    assert {name: currency.valid_until for name, currency in story.state.skills.items()} == last
    assert_folds_in_pieces(development, story.past)
    adapter = TypeAdapter(Development)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
