"""Inboxes: what a person finds in theirs, what they have read, and what comes while they look."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any, cast

import pytest
from eventkernel.following import Following
from eventkernel.messages import Metadata, Principal
from eventkernel.reading import Ask, Reader
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import given, person
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.inbox_events_pb2 import NoticeRead
from mentoring.notifications.v1.inbox_pb2 import (
    FollowMyInboxRequest,
    GetMyInboxRequest,
    InboxEntry,
    MarkNoticeReadRequest,
)
from mentoring.notifications.v1.preferences_events_pb2 import (
    DeliveryPolicySet,
    Language,
    Preferences,
    PreferencesSet,
)
from mentoring.notifications.v1.provider_details_events_pb2 import ProviderDetailsSet
from notifications.default_delivery import default_delivery
from notifications.domain.delivery_policy import delivery_policy
from notifications.domain.reading import reading
from notifications.projections.inbox import InboxDocument, inbox, inbox_queries
from notifications.service import recipient_of_notice

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ME = person("mia", "mentor")
WELSH = default_delivery().rules()
WELSH.preferences.language = Language.LANGUAGE_CY
get_my_inbox, follow_my_inbox = inbox_queries(delivery_policy(default_delivery()))


def requested(notice_id: str = "n-1", **changed: Any) -> NoticeRequested:
    usual: dict[str, Any] = {
        "telling_id": "t-1", "notice_id": notice_id, "recipient_id": "mia", "because": Because.BECAUSE_MENTOR,
        "occasion": Occasion.OCCASION_SESSION_MOVED, "detail": Detail.DETAIL_FULL, "about_id": "session-1",
    }  # fmt: skip
    return NoticeRequested(**(usual | changed))


def ended(outcome: Outcome.ValueType = Outcome.OUTCOME_NEED_ENDED) -> NoticeSettled:
    return NoticeSettled(notice_id="n-1", attempt=1, recipient_id="mia", outcome=outcome)


def document(*events: Message, at: datetime = AT) -> InboxDocument:
    found = inbox.new(str(getattr(events[0], "notice_id", "")))
    for event in events:
        inbox.folds[type(event)](found, event, Metadata("e", "", "provider-1", "", 1, at))
    return found


def holding(*documents: InboxDocument, now: datetime = AT) -> Reader:
    return LaidDown(ME, documents=documents, now=now)


async def entries(*documents: InboxDocument, unread: bool = False) -> list[InboxEntry]:
    return list((await get_my_inbox(GetMyInboxRequest(unread=unread), holding(*documents))).entries)


async def test_a_notice_is_there_in_the_words_of_its_message() -> None:
    (entry,) = await entries(document(requested()))
    assert (entry.notice_id, entry.at.ToDatetime(UTC), entry.read) == ("n-1", AT, False)
    assert entry.subject == "A session was moved"
    assert entry.text == ("A planned mentoring session was moved. When and where it takes place now is here:")
    assert entry.why == "You are told this because you are the learner's mentor."
    assert (entry.page, entry.about_id) == ("sessions", "session-1")


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        ("preferences-mia", PreferencesSet(person_id="mia", preferences=Preferences(language=Language.LANGUAGE_CY))),
        ("delivery-policy", DeliveryPolicySet(policy=WELSH)),
    ],
    ids=["the person's", "the provider's"],
)  # fmt: skip
async def test_it_is_read_in_the_language_that_holds_for_its_person(stream: str, event: Message) -> None:
    reader = LaidDown(ME, documents=[document(requested())], now=AT, streams={stream: [event]})
    (entry,) = (await get_my_inbox(GetMyInboxRequest(), reader)).entries
    assert entry.subject == "Symudwyd sesiwn"
    assert entry.why == "Rydych yn cael gwybod hyn am mai chi yw mentor y dysgwr."


async def test_an_outline_leads_nowhere() -> None:
    (entry,) = await entries(document(requested(detail=Detail.DETAIL_OUTLINE)))
    assert entry.subject == "News about a learner's sessions"
    assert (entry.page, entry.about_id) == ("", "")


async def test_a_concern_says_no_more_than_that_there_is_one() -> None:
    alert = requested(
        occasion=Occasion.OCCASION_CONCERN_ASSIGNED, because=Because.BECAUSE_DSL_ON_DUTY, about_id="c-1",
        raiser_role="teacher", category="neglect",
    )  # fmt: skip
    found = document(alert)
    (entry,) = await entries(found)
    for word in ("teacher", "neglect"):
        assert word not in found.model_dump_json()
        assert word not in str(entry)


async def test_in_immediate_danger_the_inbox_tells_the_providers_numbers_too() -> None:
    danger = Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER
    found = document(requested(occasion=danger, because=Because.BECAUSE_RAISED_THE_CONCERN))
    numbers = ProviderDetailsSet(dsl_line="01632 960001")
    reader = LaidDown(ME, documents=[found], now=AT, streams={"provider-details": [numbers]})
    (entry,) = (await get_my_inbox(GetMyInboxRequest(), reader)).entries
    assert "Emergency services: 999\nDesignated safeguarding lead (DSL): 01632 960001\n" in entry.text


@pytest.mark.parametrize(
    "events",
    [
        [requested(second_copy=True)],
        [requested(), ended()],
        [requested(), ended(Outcome.OUTCOME_ACKNOWLEDGED)],
        [requested(occasion=9999)],
        [requested(recipient_id="max")],
        [NoticeRead(notice_id="n-1", person_id="mia")],
    ],
    ids=["a second copy", "the need ended", "somebody has taken it", "a later release's", "another's", "a mark alone"],
)
async def test_what_is_not_for_the_caller_is_not_there(events: list[Message]) -> None:
    shown = await get_my_inbox(GetMyInboxRequest(), holding(document(*events)))
    assert (list(shown.entries), shown.unread) == ([], 0)


async def test_what_is_read_is_marked_and_one_who_marks_anothers_marks_nothing() -> None:
    mine, stranger = (NoticeRead(notice_id="n-1", person_id=one) for one in ("mia", "max"))
    assert [one.read for one in await entries(document(requested(), stranger))] == [False]
    assert [one.read for one in await entries(document(requested(), stranger, mine))] == [True]
    assert await entries(document(requested(), mine), unread=True) == []


def test_requests_settlements_and_marks_come_in_any_order() -> None:
    events = [requested(), ended(), NoticeRead(notice_id="n-1", person_id="mia")]
    folded = {document(*order).model_dump_json() for order in permutations(events)}
    assert len(folded) == 1


async def test_the_newest_come_first_in_pages_and_what_is_unread_is_counted() -> None:
    many = [document(requested(f"n-{number:03}"), at=AT + timedelta(minutes=number)) for number in range(120)]
    read = holding(*many)
    first = await get_my_inbox(GetMyInboxRequest(page=Page(size=70)), read)
    second = await get_my_inbox(GetMyInboxRequest(page=Page(size=70, cursor=first.next_cursor)), read)
    found = [one.notice_id for answer in (first, second) for one in answer.entries]
    assert found == [f"n-{number:03}" for number in reversed(range(120))]
    assert (first.unread, second.next_cursor) == (100, "")


class Rounds:
    """Each round shows what it is given."""

    def __init__(self, *rounds: Sequence[InboxDocument]) -> None:
        self._rounds = rounds

    async def rounds(self) -> AsyncIterator[Reader]:
        for number, documents in enumerate(self._rounds):
            yield holding(*documents, now=AT + timedelta(seconds=number))


async def followed(*rounds: Sequence[InboxDocument], since: datetime | None = None) -> list[tuple[str, bool, bool]]:
    asked = FollowMyInboxRequest(since=_timestamp(since)) if since else FollowMyInboxRequest()
    parts = follow_my_inbox(asked, cast("Following", Rounds(*rounds)))
    return [(part.entry.notice_id, part.entry.read, part.entry.withdrawn) async for part in parts]


async def test_each_comes_once_and_again_when_it_is_read_or_withdrawn() -> None:
    first, second = document(requested()), document(requested("n-2"))
    read = document(requested(), NoticeRead(notice_id="n-1", person_id="mia"))
    withdrawn = document(requested(), NoticeRead(notice_id="n-1", person_id="mia"), ended())
    came = await followed([first], [first, second], [read, second], [withdrawn, second], [withdrawn, second])
    assert came == [("n-1", False, False), ("n-2", False, False), ("n-1", True, False), ("n-1", False, True)]


async def test_what_was_withdrawn_before_it_was_sent_never_comes() -> None:
    assert await followed([document(requested(), ended())]) == []


async def test_what_the_model_takes_in_late_comes_all_the_same() -> None:
    """Two tellings are in two partitions: the later one may be there first."""
    later = document(requested("n-2"), at=AT + timedelta(seconds=1))
    assert [one for one, _, _ in await followed([], [later], [document(requested()), later])] == ["n-2", "n-1"]


async def test_what_the_model_takes_in_late_comes_also_to_whoever_calls_again_meanwhile() -> None:
    later = document(requested("n-2"), at=AT + timedelta(seconds=1))
    assert [one for one, _, _ in await followed([], [later])] == ["n-2"]
    again = await followed([document(requested()), later], since=AT + timedelta(seconds=1))
    assert [one for one, _, _ in again] == ["n-1", "n-2"]


async def test_from_a_time_on_and_never_more_than_a_day_back() -> None:
    old, yesterday = (document(requested(f"n-{hours}"), at=AT - timedelta(hours=hours)) for hours in (25, 23))
    shown = [old, yesterday]
    assert await followed(shown) == []
    assert [one for one, _, _ in await followed(shown, since=AT - timedelta(days=30))] == ["n-23"]
    assert await followed(shown, since=AT - timedelta(hours=1)) == []


def test_a_mark_is_given_once_a_person() -> None:
    mark = MarkNoticeReadRequest(notice_id="n-1")
    mine = NoticeRead(notice_id="n-1", person_id="mia")
    given(reading).when(mark, by=ME).then(mine)
    given(reading, mine).when(mark, by=ME).then_nothing()
    given(reading, mine).when(mark, by=person("max")).then(NoticeRead(notice_id="n-1", person_id="max"))


async def test_nobody_marks_what_is_anothers_or_none_and_the_answer_tells_neither() -> None:
    laid = [document(requested("n-1"))]

    async def may(notice_id: str, by: Principal) -> bool:
        ask = Ask(by, MarkNoticeReadRequest(notice_id=notice_id), LaidDown(by, {}, laid))
        return await recipient_of_notice(ask)

    assert await may("n-1", ME)
    assert not await may("n-1", person("max"))
    assert not await may("n-none", ME)


def _timestamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found
