"""Reading a ledger: who was told what. The learner sees what is theirs to know, and nobody sees a concern in it."""

from collections.abc import Iterable
from datetime import UTC, timedelta

import pytest
from eventkernel.paging import CursorInvalid
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, person
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import (
    Because,
    Detail,
    NeedToKnowSet,
    Occasion,
    Outcome,
)
from mentoring.notifications.v1.ledger_events_pb2 import EnteredInLedger
from mentoring.notifications.v1.ledger_pb2 import (
    GetLedgerResponse,
    GetMyLedgerRequest,
    GetMyLedgerResponse,
    LedgerEntry,
)
from mentoring.sessions.v1.events_pb2 import SessionPlanned
from notifications.default_matrix import default_rules
from notifications.domain.occasions import is_safeguarding

from .house import CONCERNS, HAPPENINGS, KIND, PLANNED, QUERIES, SHARED, UNSHARED, House


def told(entry: LedgerEntry) -> dict[str, tuple[str, str]]:
    return {one.recipient_id: (one.rule, Detail.Name(one.detail).removeprefix("DETAIL_")) for one in entry.told}


async def test_a_ledger_says_who_was_told_what_when_and_by_which_rule() -> None:
    house = House()
    house.happens(PLANNED)
    house.settle("boss", Outcome.OUTCOME_SENT)
    (entry,) = (await house.mine()).entries
    assert (entry.occasion, entry.about_id, entry.kind) == (
        Occasion.OCCASION_SESSION_PLANNED,
        "s-1",
        KIND.INFORMATION_KIND_SESSION,
    )
    assert entry.happened_at.ToDatetime(UTC) == NOON
    assert told(entry) == {
        "ada": ("session/learner", "FULL"),
        "boss": ("session/employer-contact", "OUTLINE"),
        "mum": ("session/guardian/under-18", "OUTLINE"),
    }
    by_recipient = {one.recipient_id: one for one in entry.told}
    boss, mum = by_recipient["boss"], by_recipient["mum"]
    assert (boss.because, boss.policy_version, boss.outcome) == (
        Because.BECAUSE_EMPLOYER_CONTACT,
        1,
        Outcome.OUTCOME_SENT,
    )
    assert boss.HasField("asked_at")
    assert boss.HasField("settled_at")
    assert (mum.outcome, mum.HasField("settled_at")) == (Outcome.OUTCOME_UNSPECIFIED, False)


async def test_a_manager_sees_all_of_it_and_the_learner_what_is_theirs_to_know() -> None:
    house = House()
    for number, event in enumerate(HAPPENINGS):
        house.happens(event, NOON + timedelta(minutes=number), f"event-{number}")
    managers = [(Occasion.Name(one.occasion), one.about_id) for one in (await house.all()).entries]
    assert managers == [
        ("OCCASION_ACTION_ASSIGNED", "s-1.2"),
        ("OCCASION_ACTION_ASSIGNED", "s-1.1"),
        ("OCCASION_SAMPLE_ACTION_REQUIRED", "x-1"),
        ("OCCASION_ASSESSMENT_ASKED", "a-1"),
        ("OCCASION_EVIDENCE_ACCEPTED", "e-1"),
        ("OCCASION_SESSION_PLANNED", "s-1"),
    ]
    shared, asked, judged, planned = (await house.mine()).entries
    assert (shared.about_id, judged.about_id, planned.about_id) == ("s-1.2", "e-1", "s-1")
    assert set(told(shared)) == {"ada", "boss", "mia", "chief"}
    # That their coach was told something of their progress, and not that it is an assessment.
    assert (asked.occasion, asked.about_id, asked.kind) == (
        Occasion.OCCASION_UNSPECIFIED,
        "",
        KIND.INFORMATION_KIND_PROGRESS,
    )
    assert told(asked) == {"coach": ("part/asked-to-assess", "FULL")}


async def test_a_kind_that_the_policy_keeps_from_learners_is_not_in_the_learners_ledger() -> None:
    closed = [one for one in default_rules().rules if one.because != Because.BECAUSE_LEARNER]
    house = House(policy=(NeedToKnowSet(rules=closed),))
    for event in (PLANNED, SHARED):
        house.happens(event, event_id=type(event).__name__)
    assert len((await house.all()).entries) == 2
    # An action that is shared with them they were told of by that.
    assert [one.about_id for one in (await house.mine()).entries] == ["s-1.2"]


async def test_what_the_learner_lost_the_need_for_before_it_was_sent_shows_no_more_than_the_policy_lets_them_know() -> (
    None
):
    house = House()
    house.happens(SHARED)
    house.settle("ada", Outcome.OUTCOME_NEED_ENDED)
    assert list((await house.mine()).entries) == []


async def test_what_nobody_was_told_of_is_in_no_ledger() -> None:
    house = House(policy=(NeedToKnowSet(rules=default_rules().rules[-1:]),))
    house.happens(PLANNED)
    assert len(house.entries) == 1
    assert list((await house.all()).entries) == []


async def test_nothing_of_a_concern_is_in_any_ledger() -> None:
    house = House()
    for number, event in enumerate([PLANNED, *CONCERNS]):
        house.happens(event, event_id=f"event-{number}")
    assert sum(is_safeguarding(one.occasion) for one in house.notices.values()) == len(CONCERNS)
    for answer in (await house.all(), await house.mine()):
        assert [one.occasion for one in answer.entries] == [Occasion.OCCASION_SESSION_PLANNED]


async def test_a_concerns_notice_would_not_show_even_under_the_name_of_a_telling_that_was_entered() -> None:
    house = House()
    house.happens(CONCERNS[0])
    (notice,) = house.notices.values()
    house.entries = [
        EnteredInLedger(
            learner_id="ada", telling_id=notice.telling_id, kind=KIND.INFORMATION_KIND_SESSION, happened_at=Timestamp(seconds=int(NOON.timestamp())),
        )
    ]  # fmt: skip
    assert list((await house.all()).entries) == []
    notice.occasion = Occasion.ValueType(99)
    assert list((await house.all()).entries) == []


async def paged(house: House, size: int) -> list[str]:
    found, page = list[str](), Page(size=size)
    while True:
        answer = await house.mine(page)
        assert len(answer.entries) <= size
        found += [one.about_id for one in answer.entries]
        if not answer.next_cursor:
            return found
        assert len(answer.entries) == size
        page = Page(size=size, cursor=answer.next_cursor)


@pytest.mark.parametrize("size", [1, 2, 60, 500])
async def test_pages_are_full_and_whole_whatever_is_hidden_between_newest_first(size: int) -> None:
    house = House()
    for number in range(130):
        hidden = number % 3 == 0
        event: Message = (
            UNSHARED
            if hidden
            else SessionPlanned(session_id=f"s-{number}", learner_id="ada", mentorship_id="m-1", mentor_id="mia")
        )
        house.happens(event, NOON + timedelta(seconds=number // 2), f"event-{number}")
    found = await paged(house, size)
    assert sorted(found) == sorted(f"s-{number}" for number in range(130) if number % 3)
    seconds = [int(one.removeprefix("s-")) // 2 for one in found]
    assert seconds == sorted(seconds, reverse=True)


async def test_a_cursor_of_another_ledger_is_refused() -> None:
    house = House()
    for number in range(3):
        house.happens(PLANNED, NOON + timedelta(seconds=number), f"event-{number}")
    cursor = (await house.mine(Page(size=1))).next_cursor
    assert (await house.all(Page(size=1, cursor=cursor))).entries
    house.entries, other = [], house.entries
    reader = LaidDown(person("bob", "learner"), {"ledger-bob": other}, list(house.notices.values()))
    with pytest.raises(CursorInvalid):
        await QUERIES["get_my_ledger"](GetMyLedgerRequest(page=Page(size=1, cursor=cursor)), reader)


async def test_a_learner_of_whom_nothing_was_told_has_an_empty_ledger() -> None:
    assert (await House().mine()) == GetMyLedgerResponse()
    assert (await House().all(Page(size=3))) == GetLedgerResponse()


EVENTS = st.lists(st.sampled_from([*HAPPENINGS, *CONCERNS]), max_size=12)


@settings(deadline=None, max_examples=40)
@for_all(events=EVENTS)
async def test_over_any_history_a_ledger_holds_each_notice_of_the_circle_once_and_nothing_else(
    events: list[Message],
) -> None:
    house = House()
    for number, event in enumerate(events):
        house.happens(event, NOON + timedelta(seconds=number), f"event-{number}")
    answer = await house.all(Page(size=500))
    of_circles = [one for one in house.notices.values() if not is_safeguarding(one.occasion)]
    assert _people(answer.entries) == sorted((one.recipient_id, one.rule) for one in of_circles)
    concerns = {"c-1", "c-2"}
    assert not any(one.about_id in concerns for one in answer.entries)
    assert "dora" not in {person_id for person_id, _ in _people(answer.entries)}
    mine = await house.mine(Page(size=500))
    assert "x-1" not in str(mine)
    assert "iqa" not in str(mine)


def _people(entries: Iterable[LedgerEntry]) -> list[tuple[str, str]]:
    return sorted((one.recipient_id, one.rule) for entry in entries for one in entry.told)
