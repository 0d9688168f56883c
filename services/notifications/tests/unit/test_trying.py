"""Which way of a notice comes next, whatever became of those before."""

from dataclasses import replace

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.events_pb2 import Outcome
from notifications.domain.notice import Notice
from notifications.domain.trying import Trying
from notifications.domain.ways import Way

MAIL, HOOK, CHAT, INBOX = (
    Way(Channel.CHANNEL_EMAIL, 1), Way(Channel.CHANNEL_WEBHOOK, 2), Way(Channel.CHANNEL_APPRISE, 3),
    Way(Channel.CHANNEL_INBOX),
)  # fmt: skip
FOR_NOW, FOR_GOOD = Outcome.OUTCOME_FAILED_FOR_NOW, Outcome.OUTCOME_FAILED
NEW = Notice()


def tried(trying: Trying, *outcomes: Outcome.ValueType) -> list[Way]:
    """The ways in the order in which they are tried, each with its outcome; then the one that comes next, unless none does."""
    known, found = NEW, []
    for outcome in outcomes:
        way = trying.next(known)
        assert way is not None
        found.append(way)
        known = known.after(way, outcome)
    following = trying.next(known)
    return found if following is None else [*found, following]


@pytest.mark.parametrize("insisted_on", [False, True])
def test_one_that_fails_blocks_no_other_and_is_tried_again_in_its_turn(insisted_on: bool) -> None:
    """Fault of others: one failed channel that blocks the primary."""
    trying = Trying([MAIL, HOOK, CHAT], insisted_on=insisted_on)
    assert tried(trying, FOR_NOW, FOR_NOW, FOR_NOW) == [MAIL, HOOK, CHAT, MAIL]
    assert tried(trying, FOR_GOOD, FOR_NOW, FOR_NOW, FOR_NOW) == [MAIL, HOOK, CHAT, HOOK, CHAT]
    assert tried(trying, FOR_NOW, FOR_GOOD, FOR_NOW) == [MAIL, HOOK, CHAT, MAIL]


def test_the_inbox_waits_for_what_mail_does_not_take_for_now_and_stands_in_for_what_failed_for_good() -> None:
    trying = Trying([MAIL, INBOX], insisted_on=False)
    assert tried(trying, FOR_NOW, FOR_NOW) == [MAIL, MAIL, MAIL]
    assert tried(trying, FOR_NOW, FOR_GOOD) == [MAIL, MAIL, INBOX]


def test_whoever_has_the_inbox_first_is_told_there_alone() -> None:
    assert tried(Trying([INBOX], insisted_on=False)) == [INBOX]


def test_where_each_failed_for_good_nothing_is_tried_any_more_save_what_is_insisted_on() -> None:
    assert tried(Trying([MAIL, HOOK], insisted_on=False), FOR_GOOD, FOR_GOOD) == [MAIL, HOOK]
    insisted = Trying([MAIL, HOOK], insisted_on=True)
    assert tried(insisted, FOR_GOOD, FOR_GOOD, FOR_GOOD, FOR_GOOD) == [MAIL, HOOK, MAIL, HOOK, MAIL]


def test_a_way_that_came_meanwhile_is_tried_in_its_place() -> None:
    after_hook = NEW.after(HOOK, FOR_NOW)
    assert Trying([MAIL, HOOK, CHAT], insisted_on=False).next(after_hook) == CHAT
    # The way before is there no more: it begins with the best.
    assert Trying([MAIL, CHAT], insisted_on=False).next(after_hook) == MAIL


@settings(max_examples=100, deadline=None)
@for_all(
    st.permutations([MAIL, HOOK, CHAT]), st.lists(st.sampled_from([FOR_NOW, FOR_GOOD]), max_size=12), st.booleans()
)
def test_no_way_that_may_still_work_is_left_out_for_longer_than_a_round(
    ways: list[Way], outcomes: list[Outcome.ValueType], insisted_on: bool
) -> None:
    trying, known, waited = Trying([*ways, INBOX], insisted_on=insisted_on), NEW, dict.fromkeys(ways, 0)
    for outcome in outcomes:
        way = trying.next(known)
        assert way is not None
        left = trying.still_open(known)
        assert way in left
        waited = {one: 0 if one == way else count + 1 for one, count in waited.items() if one in left}
        assert all(count < len(ways) for count in waited.values())
        known = replace(known.after(way, outcome), safeguarding=insisted_on)
        if way == INBOX:
            break
