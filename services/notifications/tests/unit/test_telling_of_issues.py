"""What is told of issues: to the learner and the mentor, to whoever one is referred to, and to nobody else, whatever the matrix."""

from typing import Any

import pytest
from eventkernel.contract import Contract, files_of
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import (
    Because,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.notifications_pb2 import (
    ListMyNoticesRequest,
    ListNoticesRequest,
    StartNoticeRequest,
)
from mentoring.sessions.v1 import issue_events_pb2 as issues
from notifications.default_matrix import default_matrix, default_rules
from notifications.domain.need_to_know import NeedToKnow
from notifications.domain.occasions import OPEN_TO_MANAGERS, TOLD_TO_A_CIRCLE
from notifications.domain.telling import telling as aggregate
from notifications.projections.notices import NoticeDocument, list_my_notices, list_notices
from notifications.reactions.telling import telling

from .house import House
from .test_telling_of_learners import ENDED, UNDER_18, follows, notices, recorded, surrounded

ISSUE: dict[str, Any] = {"learner_id": "ada", "mentorship_id": "m-1", "mentor_id": "mia", "issue_id": "i-1"}
REFERRAL: dict[str, Any] = {**ISSUE, "referral_id": "r-1"}
PROGRESS, WELL_BEING = (
    InformationKind.INFORMATION_KIND_ISSUE_PROGRESS,
    InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING,
)
REFERRED = issues.IssueReferred(**REFERRAL, referred_to_id="boss")


def told(event: Message, around: Any = None) -> dict[str, str]:
    (request,) = follows(event)
    found = notices(request, around or surrounded())
    assert all(one.detail == Detail.DETAIL_FULL for one in found)
    return {one.recipient_id: Because.Name(one.because).removeprefix("BECAUSE_") for one in found}


ADA, MIA = {"ada": "LEARNER"}, {"mia": "MENTOR"}
EXPECTED = [
    (issues.IssueRaised(**ISSUE, raised_by_id="mia"), "RAISED", ADA),
    (issues.IssueRaised(**ISSUE, raised_by_id="ada"), "RAISED", MIA),
    (REFERRED, "REFERRED", ADA | {"boss": "ISSUE_REFERRED_TO_THEM"}),
    (issues.IssueReferred(**REFERRAL, referred_to_id="dana"), "REFERRED", ADA | {"dana": "ISSUE_REFERRED_TO_THEM"}),
    (issues.IssueReferralAccepted(**REFERRAL, referred_to_id="boss"), "ANSWERED", MIA),
    (issues.IssueReferralDeclined(**REFERRAL, referred_to_id="boss"), "ANSWERED", MIA),
    (
        issues.IssueReferralWithdrawn(**REFERRAL, referred_to_id="dana"),
        "REFERRAL_WITHDRAWN",
        ADA | MIA | {"dana": "ISSUE_REFERRED_TO_THEM"},
    ),
    (
        issues.IssueReferralChased(**REFERRAL, referred_to_id="chief"),
        "CHASED",
        MIA | {"chief": "ISSUE_REFERRED_TO_THEM"},
    ),
    (
        issues.IssueClosed(**ISSUE, referred_to_ids=["chief", "dana"]),
        "CLOSED",
        ADA | {"chief": "ISSUE_REFERRED_TO_THEM", "dana": "ISSUE_REFERRED_TO_THEM"},
    ),
    (issues.IssueReopened(**ISSUE, reopened_by_id="ada"), "REOPENED", MIA),
    (issues.IssueReopened(**ISSUE, reopened_by_id="mia"), "REOPENED", ADA),
    (issues.IssueIdle(**ISSUE, number=2), "IDLE", MIA),
]


@pytest.mark.parametrize(("event", "occasion", "people"), EXPECTED)
def test_an_issue_is_told_to_those_who_have_it(event: Message, occasion: str, people: dict[str, str]) -> None:
    (request,) = follows(event)
    assert (request.occasion, request.about_id) == (Occasion.Value(f"OCCASION_ISSUE_{occasion}"), "i-1")
    assert told(event) == people


def test_every_published_event_of_an_issue_was_looked_at() -> None:
    """What is noted, and a next step, waits for nobody; a reminder that is put off comes once whoever is asked is back."""
    published = {
        event.message
        for event in Contract(files_of("mentoring.sessions.v1")).own_events.values()
        if event.published and event.type.startswith("mentoring.sessions.issue-")
    }
    untold: set[type[Message]] = {issues.IssueAddedTo, issues.IssueNextStepAgreed, issues.IssueReminderPutOff}
    assert published - {type(event) for event, _, _ in EXPECTED} == untold
    assert not untold & set(telling.policies)


@pytest.mark.parametrize("kind", [PROGRESS, WELL_BEING])
@pytest.mark.parametrize("because", [Because.BECAUSE_LEARNER, Because.BECAUSE_MENTOR])
def test_a_provider_that_closes_either_row_closes_it_for_issues(kind: Any, because: Any) -> None:
    """Of which kind an issue is, nobody can say here: so whoever is told has to be told of both."""
    rules = [rule for rule in default_rules().rules if (rule.kind, rule.because) != (kind, because)]
    (request,) = follows(issues.IssueClosed(**ISSUE))
    request.actor_id = ""
    found = given(aggregate).beside(surrounded(), NeedToKnow.of(rules), UNDER_18).when(request).events
    people = {one.because for one in found if isinstance(one, NoticeRequested)}
    assert people == {Because.BECAUSE_LEARNER, Because.BECAUSE_MENTOR} - {because}


@pytest.mark.parametrize("kind", [PROGRESS, WELL_BEING])
def test_of_both_rows_the_one_that_tells_less_counts_also_before_it_is_sent(kind: Any) -> None:
    outline = [
        NeedToKnowRule(kind=rule.kind, because=rule.because, detail=Detail.DETAIL_OUTLINE)
        if rule.kind == kind
        else rule
        for rule in default_rules().rules
    ]
    (request,) = follows(issues.IssueIdle(**ISSUE, number=1))
    past = given(aggregate).beside(surrounded(), NeedToKnow.of(outline), UNDER_18).when(request)
    (notice,) = [one for one in past.events if isinstance(one, NoticeRequested)]
    assert (notice.recipient_id, notice.detail) == ("mia", Detail.DETAIL_OUTLINE)
    full = StartNoticeRequest(recipient_id="mia", because=Because.BECAUSE_MENTOR, detail=Detail.DETAIL_FULL)
    state = past.after().state
    assert state.is_still_needed(full, surrounded(), default_matrix(), UNDER_18, NOON)
    assert not state.is_still_needed(full, surrounded(), NeedToKnow.of(outline), UNDER_18, NOON)


def test_no_matrix_tells_an_issue_to_anybody_else() -> None:
    every = [
        NeedToKnowRule(kind=kind, because=because, detail=Detail.DETAIL_FULL)
        for kind in (PROGRESS, WELL_BEING)
        for because in (
            Because.BECAUSE_LEARNER, Because.BECAUSE_MENTOR, Because.BECAUSE_ASSESSOR, Because.BECAUSE_EMPLOYER_CONTACT,
            Because.BECAUSE_PROVIDER_MANAGER, Because.BECAUSE_GUARDIAN,
        )
    ]  # fmt: skip
    for event, _, people in EXPECTED:
        (request,) = follows(event)
        found = given(aggregate).beside(surrounded(), NeedToKnow.of(every), UNDER_18).when(request).events
        assert {one.recipient_id for one in found if isinstance(one, NoticeRequested)} == set(people)


def test_whoever_was_a_party_and_left_is_told_nothing_and_a_dsl_is_told_who_never_was_one() -> None:
    assert "boss" not in told(REFERRED, surrounded(recorded(), recorded("boss")))
    # The sessions service has seen that they are attached: that is not waited for.
    assert "boss" in told(REFERRED, surrounded(recorded("boss")))
    to_dana = issues.IssueReferred(**REFERRAL, referred_to_id="dana")
    for event in (REFERRED, to_dana):
        assert told(event, surrounded(recorded(), ENDED)) == ADA


def test_before_it_is_sent_it_is_asked_whether_they_still_have_it() -> None:
    (request,) = follows(issues.IssueReferred(**REFERRAL, referred_to_id="dana"))
    state = given(aggregate).beside(surrounded(), default_matrix(), UNDER_18).when(request).after().state
    for person_id, around, needed in (
        ("dana", surrounded(), True),
        ("dana", surrounded(recorded(), ENDED), False),
        ("boss", surrounded(recorded(), recorded("boss")), False),
    ):
        notice = StartNoticeRequest(
            recipient_id=person_id,
            because=Because.BECAUSE_ISSUE_REFERRED_TO_THEM,
            detail=Detail.DETAIL_FULL,
        )
        assert state.is_still_needed(notice, around, default_matrix(), UNDER_18, NOON) is needed


def test_what_is_published_of_a_notice_does_not_say_of_which_kind_the_issue_is() -> None:
    for event, _, _ in EXPECTED:
        (request,) = follows(event)
        assert (request.kind, request.or_kind) == (PROGRESS, WELL_BEING)
        for one in notices(request, surrounded()):
            assert one.rule.partition("/")[0] in ("issue-progress", "part")


async def test_no_manager_reads_of_issues_who_was_not_told_of_them() -> None:
    def notice(occasion: Any, recipient_id: str) -> NoticeDocument:
        name = f"{Occasion.Name(occasion)}-{recipient_id}"
        return NoticeDocument(notice_id=name, recipient_id=recipient_id, occasion=occasion, requested_at=NOON)

    documents = [notice(one, "chief") for one in (Occasion.OCCASION_ISSUE_REFERRED, Occasion.OCCASION_SESSION_PLANNED)]
    documents += [notice(Occasion.OCCASION_ISSUE_RAISED, "ada")]
    read = LaidDown(person("chief", "provider_manager"), documents=documents)
    listed = (await list_notices(ListNoticesRequest(), read)).notices
    assert [one.occasion for one in listed] == [Occasion.OCCASION_SESSION_PLANNED]
    mine = (await list_my_notices(ListMyNoticesRequest(), read)).notices
    assert Occasion.OCCASION_ISSUE_REFERRED in [one.occasion for one in mine]
    hidden = TOLD_TO_A_CIRCLE - OPEN_TO_MANAGERS
    assert hidden == {number for name, number in Occasion.items() if name.startswith("OCCASION_ISSUE_")}


async def test_the_learner_reads_in_their_ledger_who_was_told_of_an_issue_and_a_manager_does_not() -> None:
    house = House()
    house.happens(REFERRED)
    (entry,) = (await house.mine()).entries
    assert (entry.occasion, {one.recipient_id for one in entry.told}) == (
        Occasion.OCCASION_ISSUE_REFERRED,
        {"ada", "boss"},
    )
    assert list((await house.all()).entries) == []
