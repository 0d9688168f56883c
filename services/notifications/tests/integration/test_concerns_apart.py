"""A manager's list tells nothing of concerns: a manager may be whom one is about."""

from datetime import UTC, datetime
from typing import cast

from eventkernel.messages import Metadata
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import person
from mentoring.notifications.v1.events_pb2 import Because, Detail, NoticeRequested, NoticeSettled, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import ListMyNoticesRequest, ListNoticesRequest
from notifications.projections.notices import NoticeDocument, list_my_notices, list_notices, requested, settled

AT = datetime(2026, 3, 2, tzinfo=UTC)


def _document(notice_id: str, recipient_id: str, occasion: Occasion.ValueType) -> NoticeDocument:
    document = NoticeDocument(notice_id=notice_id)
    event = NoticeRequested(
        notice_id=notice_id, recipient_id=recipient_id, occasion=occasion, because=Because.BECAUSE_LEARNER,
        detail=Detail.DETAIL_FULL, about_id="thing-1",
    )  # fmt: skip
    requested(document, event, Metadata("e1", "t", "provider-1", "telling-1", 1, AT))
    return document


async def test_a_manager_sees_notices_but_for_those_about_concerns_and_each_person_sees_their_own() -> None:
    documents = [
        _document("planned", "ada", Occasion.OCCASION_SESSION_PLANNED),
        _document("received", "ada", Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER),
        _document("assigned", "dsl-1", Occasion.OCCASION_CONCERN_ASSIGNED),
        _document("added to", "dsl-1", Occasion.OCCASION_CONCERN_ADDED_TO),
    ]
    managers = await list_notices(
        ListNoticesRequest(), LaidDown(person("boss", "provider_manager"), documents=documents)
    )
    assert [notice.notice_id for notice in managers.notices] == ["planned"]
    own = await list_my_notices(ListMyNoticesRequest(), LaidDown(person("ada", "learner"), documents=documents))
    assert {notice.notice_id for notice in own.notices} == {"planned", "received"}


async def test_a_manager_sees_no_notice_that_is_not_known_to_be_a_circles() -> None:
    """Its request was parked, or discarded; or its occasion is one of a later release."""
    unknown = NoticeDocument(notice_id="unknown")
    ended = NoticeSettled(notice_id="unknown", attempt=1, recipient_id="dsl-1", outcome=Outcome.OUTCOME_SENT)
    settled(unknown, ended, Metadata("e2", "t", "provider-1", "notice-unknown", 1, AT))
    documents = [
        unknown,
        _document("later", "dsl-1", cast("Occasion.ValueType", 99)),
        _document("replaced", "dsl-1", Occasion.OCCASION_CONTACT_REPLACED),
    ]
    managers = await list_notices(
        ListNoticesRequest(), LaidDown(person("boss", "provider_manager"), documents=documents)
    )
    assert list(managers.notices) == []
    own = await list_my_notices(ListMyNoticesRequest(), LaidDown(person("dsl-1", "dsl"), documents=documents))
    assert {notice.notice_id for notice in own.notices} == {"unknown", "later", "replaced"}
