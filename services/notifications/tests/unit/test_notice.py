"""Notices: sent at most once, and never started again where it is unknown, save a safeguarding one."""

from dataclasses import dataclass, field

import pytest
from eventkernel.testing.scenario import Given, assert_folds_in_pieces, given
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.delivery_events_pb2 import NoticeBounced
from mentoring.notifications.v1.delivery_pb2 import RecordBounceRequest
from mentoring.notifications.v1.events_pb2 import NoticeSettled, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest
from notifications.domain.notice import Notice, notice
from pydantic import TypeAdapter

BOTH = pytest.mark.parametrize("safeguarding", [False, True])


def start(attempt: int = 1, *, safeguarding: bool = False) -> StartNoticeRequest:
    return StartNoticeRequest(
        notice_id="n-1", attempt=attempt, recipient_id="mia", safeguarding=safeguarding, telling_id="t-1"
    )


def started(attempt: int = 1, *, safeguarding: bool = False) -> NoticeStarted:
    return NoticeStarted(
        notice_id="n-1", attempt=attempt, recipient_id="mia", safeguarding=safeguarding, telling_id="t-1"
    )


def settle(attempt: int, outcome: Outcome.ValueType, failure: str = "") -> SettleNoticeRequest:
    return SettleNoticeRequest(notice_id="n-1", attempt=attempt, outcome=outcome, failure=failure)


def settled(attempt: int, outcome: Outcome.ValueType, failure: str = "") -> NoticeSettled:
    return NoticeSettled(notice_id="n-1", attempt=attempt, recipient_id="mia", outcome=outcome, failure=failure)


SENT, FAILED, UNKNOWN = Outcome.OUTCOME_SENT, Outcome.OUTCOME_FAILED, Outcome.OUTCOME_UNKNOWN


@BOTH
def test_a_notice_is_started_and_settled(safeguarding: bool) -> None:
    sent = (
        given(notice)
        .when(start(safeguarding=safeguarding))
        .then(started(safeguarding=safeguarding))
        .when(settle(1, SENT))
        .then(settled(1, SENT))
    )
    sent.when(settle(1, SENT)).then_nothing()


@BOTH
def test_an_attempt_is_started_once(safeguarding: bool) -> None:
    given(notice, started(safeguarding=safeguarding)).when(start(safeguarding=safeguarding)).then_nothing()


FOR_GOOD = [
    SENT,
    Outcome.OUTCOME_NOT_NEEDED,
    Outcome.OUTCOME_NEED_ENDED,
    Outcome.OUTCOME_UNSUBSCRIBED,
    Outcome.OUTCOME_TOO_LATE,
    Outcome.OUTCOME_ACKNOWLEDGED,
]


@BOTH
@pytest.mark.parametrize("outcome", FOR_GOOD)
def test_what_was_sent_or_is_not_needed_is_never_started_again(safeguarding: bool, outcome: Outcome.ValueType) -> None:
    past = given(notice, started(safeguarding=safeguarding), settled(1, outcome))
    past.when(start(2, safeguarding=safeguarding)).then_nothing()


@BOTH
def test_what_failed_is_started_again_by_a_later_attempt_alone(safeguarding: bool) -> None:
    past = given(notice, started(safeguarding=safeguarding), settled(1, FAILED, "SMTP_451"))
    past.when(start(1, safeguarding=safeguarding)).then_nothing()
    past.when(start(2, safeguarding=safeguarding)).then(started(2, safeguarding=safeguarding))


def test_an_attempt_whose_process_died_is_unknown_and_is_not_made_again() -> None:
    after = given(notice, started()).when(start(2)).then(settled(1, UNKNOWN, "OUTCOME_UNKNOWN"))
    after.when(start(3)).then_nothing()


def test_a_safeguarding_attempt_whose_process_died_is_unknown_and_is_made_again() -> None:
    given(notice, started(safeguarding=True)).when(start(2, safeguarding=True)).then(
        settled(1, UNKNOWN, "OUTCOME_UNKNOWN"), started(2, safeguarding=True)
    )


def test_a_safeguarding_notice_of_unknown_outcome_is_started_again() -> None:
    past = given(notice, started(safeguarding=True), settled(1, UNKNOWN, "SMTP_NO_ANSWER"))
    past.when(start(2, safeguarding=True)).then(started(2, safeguarding=True))


def test_a_notice_stays_what_it_was_first_said_to_be() -> None:
    past = given(notice, started(), settled(1, UNKNOWN))
    past.when(start(2, safeguarding=True)).then_nothing()
    changed = start(2, safeguarding=False)
    changed.recipient_id = "max"
    given(notice, started(safeguarding=True), settled(1, FAILED)).when(changed).then(started(2, safeguarding=True))


def test_a_late_word_from_an_attempt_that_was_given_up_changes_nothing() -> None:
    given(notice, started(), settled(1, UNKNOWN)).when(settle(1, SENT)).then_nothing()
    past = given(notice, started(safeguarding=True), settled(1, UNKNOWN), started(2, safeguarding=True))
    past.when(settle(1, FAILED)).then_nothing()


@pytest.mark.parametrize("past", [(), (started(), settled(1, FAILED)), (started(), settled(1, SENT))])
def test_what_was_never_started_cannot_be_settled(past: tuple[Message, ...]) -> None:
    refusal = given(notice, *past).when(settle(2, SENT)).then_refused("NOTICE_NOT_STARTED")
    assert refusal.field == "attempt"


@dataclass
class Outside:
    """What really went out, and what the processes that tried still mean to say."""

    story: Given[Notice]
    safeguarding: bool
    attempt: int = 0
    sends: int = 0
    zombies: list[tuple[int, Outcome.ValueType]] = field(default_factory=list)

    def try_once(self, end: str) -> None:
        """One claim of the due row: it starts, and ends in one of the ways in which a process can end."""
        self.attempt += 1
        outcome = self.story.when(start(self.attempt, safeguarding=self.safeguarding))
        self.story = outcome.after()
        assert self.story.when(start(self.attempt, safeguarding=self.safeguarding)).events == ()
        if not any(isinstance(event, NoticeStarted) for event in outcome.events) or end == "dies before sending":
            return
        if end in ("sent", "dies after sending", "sent, and says so late", "no answer though sent"):
            self.sends += 1
        said = {"sent": SENT, "failed": FAILED, "no answer": UNKNOWN, "no answer though sent": UNKNOWN}
        if end in said:
            self.say(self.attempt, said[end])
        elif end == "sent, and says so late":
            self.zombies.append((self.attempt, SENT))
        elif end == "failed, and says so late":
            self.zombies.append((self.attempt, FAILED))

    def say(self, attempt: int, outcome: Outcome.ValueType) -> None:
        self.story = self.story.when(settle(attempt, outcome)).after()
        self.story.when(settle(attempt, outcome)).then_nothing()


ENDS = st.sampled_from(
    [
        "sent",
        "failed",
        "no answer",
        "no answer though sent",
        "dies before sending",
        "dies after sending",
        "sent, and says so late",
        "failed, and says so late",
        "a late word arrives",
    ]
)


@settings(deadline=None)
@for_all(safeguarding=st.booleans(), steps=st.lists(ENDS, max_size=12))
def test_whatever_happens_a_notice_is_sent_once_or_is_known_to_be_uncertain(
    safeguarding: bool, steps: list[str]
) -> None:
    outside = Outside(given(notice), safeguarding)
    for step in steps:
        if step != "a late word arrives":
            outside.try_once(step)
        elif outside.zombies:
            outside.say(*outside.zombies.pop(0))
    history = outside.story.past

    outcomes = [event.outcome for event in history if isinstance(event, NoticeSettled)]
    attempts = [event.attempt for event in history if isinstance(event, NoticeStarted)]
    assert outcomes.count(SENT) <= 1
    assert attempts == sorted(set(attempts))
    for position, event in enumerate(history):
        later = [other for other in history[position + 1 :] if isinstance(other, NoticeStarted)]
        if isinstance(event, NoticeSettled) and event.outcome == SENT:
            assert later == []
        if isinstance(event, NoticeSettled) and event.outcome == UNKNOWN and not safeguarding:
            assert later == []
    for attempt in attempts:
        told = [event for event in history if isinstance(event, NoticeSettled) and event.attempt == attempt]
        assert len(told) == 1 or (told == [] and attempt == attempts[-1])
    if not safeguarding:
        assert outside.sends <= 1

    assert_folds_in_pieces(notice, history)
    adapter = TypeAdapter(Notice)
    assert adapter.validate_json(adapter.dump_json(outside.story.state)) == outside.story.state

    if safeguarding:
        outside.try_once("sent")
        assert [event.outcome for event in outside.story.past if isinstance(event, NoticeSettled)].count(SENT) == 1


@pytest.mark.parametrize("hard", [False, True])
def test_what_was_taken_for_delivery_may_come_back_once(hard: bool) -> None:
    begun = NoticeStarted(notice_id="n-1", attempt=1, recipient_id="mia", channel=Channel.CHANNEL_EMAIL, registration=2)
    bounced = NoticeBounced(
        notice_id="n-1", recipient_id="mia", channel=Channel.CHANNEL_EMAIL, registration=2, hard=hard
    )
    report = RecordBounceRequest(notice_id="n-1", hard=hard)
    after = given(notice, begun, settled(1, SENT)).when(report).then(bounced)
    after.when(report).then_nothing()
    after.when(start(2)).then_nothing()


def test_a_report_about_what_goes_another_way_by_now_changes_nothing_and_one_about_no_mail_is_refused() -> None:
    by_hook = NoticeStarted(
        notice_id="n-1", attempt=2, recipient_id="mia", safeguarding=True, channel=Channel.CHANNEL_WEBHOOK
    )
    delivered = NoticeSettled(notice_id="n-1", attempt=2, outcome=Outcome.OUTCOME_DELIVERED)
    report = RecordBounceRequest(notice_id="n-1", hard=True)
    mailed = [started(safeguarding=True), settled(1, UNKNOWN)]
    given(notice, *mailed, by_hook, delivered).when(report).then_nothing()
    by_hook.attempt = delivered.attempt = 1
    given(notice, by_hook, delivered).when(report).then_refused("NOTICE_NOT_SENT")


@pytest.mark.parametrize("past", [[], [started()], [started(), settled(1, FAILED)]])
def test_what_never_went_out_cannot_have_come_back(past: list[Message]) -> None:
    refusal = given(notice, *past).when(RecordBounceRequest(notice_id="n-1")).then_refused("NOTICE_NOT_SENT")
    assert refusal.field == "notice_id"
