"""The read model of notices, and the queries that read it."""

from datetime import UTC, datetime, timedelta

import pytest
from eventkernel.messages import Metadata
from eventkernel.reading import Reader
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import ListMyNoticesRequest, ListNoticesRequest
from notifications.projections.notices import NoticeDocument, list_my_notices, list_notices, notices

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def requested(notice_id: str = "n-1", recipient_id: str = "mia") -> NoticeRequested:
    return NoticeRequested(
        telling_id="t-1",
        notice_id=notice_id,
        recipient_id=recipient_id,
        occasion=Occasion.OCCASION_CONCERN_ASSIGNED,
        because=Because.BECAUSE_DSL_ON_DUTY,
        detail=Detail.DETAIL_FULL,
        about_id="c-1",
        raiser_role="mentor",
        category="physical",
    )


def settled(outcome: Outcome.ValueType, attempt: int) -> NoticeSettled:
    return NoticeSettled(notice_id="n-1", attempt=attempt, recipient_id="mia", outcome=outcome)


def folded(*events: tuple[Message, datetime]) -> NoticeDocument:
    document = notices.new("n-1")
    for event, at in events:
        notices.folds[type(event)](document, event, Metadata("e", "", "provider-1", "", 1, at))
    return document


LATER = AT + timedelta(minutes=1)


def test_a_requested_notice_is_on_its_way() -> None:
    document = folded((requested(), AT))
    assert document.outcome == Outcome.OUTCOME_UNSPECIFIED
    assert (document.recipient_id, document.requested_at, document.settled_at) == ("mia", AT, None)


def test_the_newest_attempt_says_what_became_of_it() -> None:
    document = folded(
        (requested(), AT), (settled(Outcome.OUTCOME_FAILED, 1), AT), (settled(Outcome.OUTCOME_SENT, 2), LATER)
    )
    assert (document.outcome, document.attempts, document.settled_at) == (Outcome.OUTCOME_SENT, 2, LATER)


def test_the_order_of_request_and_settlement_makes_no_difference() -> None:
    events = [(requested(), AT), (settled(Outcome.OUTCOME_SENT, 1), LATER)]
    assert folded(*events) == folded(*reversed(events))


def test_no_word_of_an_alert_is_in_the_read_model() -> None:
    body = folded((requested(), AT)).model_dump_json()
    assert "physical" not in body
    assert "mentor" not in body


def reader(count: int = 150) -> Reader:
    documents = [
        NoticeDocument(
            notice_id=f"n-{number}",
            recipient_id="mia" if number % 2 else "max",
            occasion=Occasion.OCCASION_SESSION_PLANNED,
            requested_at=AT + timedelta(seconds=number),
        )
        for number in range(count)
    ]
    undated = NoticeDocument(notice_id="n-undated", recipient_id="max", occasion=Occasion.OCCASION_SESSION_PLANNED)
    return LaidDown(person("mia", "mentor"), documents=[*documents, undated])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ListNoticesRequest(limit=3), 3),
        (ListNoticesRequest(), 50),
        (ListNoticesRequest(limit=1000), 151),
        (ListNoticesRequest(limit=3, page=Page(size=4)), 4),
    ],
)
async def test_a_manager_lists_the_newest_notices_first(request_: ListNoticesRequest, expected: int) -> None:
    response = await list_notices(request_, reader())
    assert len(response.notices) == expected
    assert [one.notice_id for one in response.notices[:3]] == ["n-149", "n-148", "n-147"]
    assert response.notices[0].requested_at.ToDatetime(UTC) == AT + timedelta(seconds=149)
    assert not response.notices[0].HasField("settled_at")


async def test_a_manager_pages_through_all_of_one_recipient() -> None:
    found, page = list[str](), Page(size=40)
    while True:
        response = await list_notices(ListNoticesRequest(recipient_id="max", page=page), reader())
        found += [one.notice_id for one in response.notices]
        if not response.next_cursor:
            break
        page = Page(size=40, cursor=response.next_cursor)
    assert found == [*(f"n-{number}" for number in range(148, -1, -2)), "n-undated"]


async def test_both_lists_say_by_which_rule_of_which_policy_a_notice_was_allowed() -> None:
    event = requested()
    event.occasion, event.rule, event.policy_version = Occasion.OCCASION_SESSION_PLANNED, "session/mentor", 3
    read = LaidDown(person("mia", "mentor"), documents=[folded((event, AT))])
    for answer in (await list_notices(ListNoticesRequest(), read), await list_my_notices(ListMyNoticesRequest(), read)):
        assert [(one.rule, one.policy_version) for one in answer.notices] == [("session/mentor", 3)]


async def test_everybody_lists_their_own_notices_alone() -> None:
    response = await list_my_notices(ListMyNoticesRequest(page=Page(size=100)), reader())
    assert len(response.notices) == 75
    assert {one.recipient_id for one in response.notices} == {"mia"}
