"""Whether a notice goes now, waits, or does not go, by what its recipient wishes. A concern goes now, whatever anybody wishes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.timestamps import timestamp
from google.protobuf.duration_pb2 import Duration
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest
from mentoring.notifications.v1.preferences_events_pb2 import (
    AtOnce,
    Lateness,
    Preferences,
    PreferencesSet,
    QuietHours,
    Worth,
)
from mentoring.notifications.v1.preferences_events_pb2 import DeliveryPolicy as Rules
from notifications.default_delivery import default_delivery
from notifications.domain.delivering import Delivery, Dropped, Now, Wait, delivery, may_be_left_out
from notifications.domain.delivery_policy import NEVER_UNSUBSCRIBED
from notifications.domain.occasions import TOLD_TO_A_CIRCLE, is_safeguarding
from notifications.domain.preferences import Preferences as State
from notifications.domain.preferences import preferences

POLICY = default_delivery()
SESSION, ACTION = InformationKind.INFORMATION_KIND_SESSION, InformationKind.INFORMATION_KIND_ACTION
ISSUES = (InformationKind.INFORMATION_KIND_ISSUE_PROGRESS, InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING)
NONE = InformationKind.INFORMATION_KIND_UNSPECIFIED
MIDNIGHT = datetime(2026, 1, 10, 0, 0, tzinfo=UTC)
NIGHT = Preferences(quiet_hours=QuietHours(begins_at="22:00", ends_at="07:00"))


def notice(occasion: Occasion.ValueType = Occasion.OCCASION_SESSION_PLANNED, **changes: Any) -> StartNoticeRequest:
    because = changes.pop("because", Because.BECAUSE_LEARNER)
    return StartNoticeRequest(
        occasion=occasion,
        because=because,
        safeguarding=is_safeguarding(occasion),
        requested_at=timestamp(MIDNIGHT),
        **changes,
    )


def wishing(said: Preferences | None = None, *unsubscribed: InformationKind.ValueType) -> State:
    return preferences.fold(State(), [PreferencesSet(preferences=said, unsubscribed=unsubscribed)])


def decided(
    found: StartNoticeRequest, state: State, now: datetime = MIDNIGHT, kind: InformationKind.ValueType = SESSION
) -> Delivery:
    return delivery(found, [kind], state, POLICY, now)


def test_a_notice_waits_for_the_end_of_quiet_hours_and_goes_then() -> None:
    assert decided(notice(), wishing()) == Now()
    end = MIDNIGHT + timedelta(hours=7)
    assert decided(notice(), wishing(NIGHT)) == Wait(end)
    assert decided(notice(), wishing(NIGHT), end) == Now()


def test_quiet_hours_never_hold_what_is_about_a_concern() -> None:
    """Fault of others: an escalation that paused for a time window and was never taken up again."""
    for occasion in Occasion.values():
        if is_safeguarding(occasion):
            assert decided(notice(occasion), wishing(NIGHT)) == Now()


def test_what_goes_at_once_waits_for_nothing() -> None:
    for occasion in (Occasion.OCCASION_CONTACT_REPLACED, Occasion.OCCASION_DUTY_GAP):
        assert decided(notice(occasion), wishing(NIGHT), kind=NONE) == Now()
    policy = POLICY.changed_by(Rules(at_once=AtOnce(occasions=[Occasion.OCCASION_SESSION_PLANNED])))
    assert delivery(notice(), [SESSION], wishing(NIGHT), policy, MIDNIGHT) == Now()


def test_what_was_left_out_does_not_go_and_its_neighbours_do() -> None:
    state = wishing(None, SESSION)
    assert decided(notice(), state) == Dropped(Outcome.OUTCOME_UNSUBSCRIBED)
    assert decided(notice(), state, kind=ACTION) == Now()
    assert decided(notice(Occasion.OCCASION_SKILL_LAPSING), state, kind=NONE) == Now()


def test_an_issue_of_which_nobody_knows_the_kind_is_left_out_by_whoever_leaves_out_both() -> None:
    rules = POLICY.rules()
    rules.unsubscribing.kinds.extend(ISSUES)
    policy, closed = POLICY.changed_by(rules), notice(Occasion.OCCASION_ISSUE_CLOSED)
    for left_out in ISSUES:
        assert delivery(closed, ISSUES, wishing(None, left_out), policy, MIDNIGHT) == Now()
    assert delivery(closed, ISSUES, wishing(None, *ISSUES), policy, MIDNIGHT) == Dropped(Outcome.OUTCOME_UNSUBSCRIBED)


def test_what_is_asked_of_a_person_is_told_them_whatever_they_left_out() -> None:
    state = wishing(None, ACTION, SESSION, InformationKind.INFORMATION_KIND_PROGRESS)
    overdue = Occasion.OCCASION_ACTION_OVERDUE
    assert decided(notice(overdue), state, kind=ACTION) == Dropped(Outcome.OUTCOME_UNSUBSCRIBED)
    for because in (Because.BECAUSE_OWNS_THE_ACTION, Because.BECAUSE_ASKED_TO_ASSESS):
        assert decided(notice(overdue, because=because), state, kind=ACTION) == Now()
    to_sign = notice(Occasion.OCCASION_REVIEW_TO_SIGN)
    assert decided(to_sign, state, kind=InformationKind.INFORMATION_KIND_PROGRESS) == Now()


def test_what_a_provider_lets_nobody_leave_out_any_more_goes_though_it_was_left_out_before() -> None:
    policy = POLICY.changed_by(Rules())
    narrowed = POLICY.rules()
    narrowed.unsubscribing.ClearField("kinds")
    assert isinstance(delivery(notice(), [SESSION], wishing(None, SESSION), policy, MIDNIGHT), Dropped)
    assert delivery(notice(), [SESSION], wishing(None, SESSION), POLICY.changed_by(narrowed), MIDNIGHT) == Now()


@pytest.mark.parametrize("kind", sorted(NEVER_UNSUBSCRIBED))
def test_no_kind_that_is_never_left_out_is_in_the_platforms_rules(kind: InformationKind.ValueType) -> None:
    assert kind not in POLICY.unsubscribing.kinds


def test_what_is_later_than_it_is_worth_is_not_sent_and_what_has_no_such_time_always_is() -> None:
    worth = POLICY.worth[Occasion.OCCASION_SESSION_PLANNED]
    assert decided(notice(), wishing(), MIDNIGHT + worth) == Now()
    late = MIDNIGHT + worth + timedelta(seconds=1)
    assert decided(notice(), wishing(), late) == Dropped(Outcome.OUTCOME_TOO_LATE)
    assert decided(notice(Occasion.OCCASION_REVIEW_COMPLETED), wishing(), late + 100 * worth) == Now()


def test_what_waited_through_quiet_hours_until_it_was_too_late_is_not_sent() -> None:
    hours = POLICY.rules()
    worth = Worth(occasion=Occasion.OCCASION_SESSION_MOVED, lasts=Duration(seconds=7200))
    hours.lateness.CopyFrom(Lateness(worth=[worth]))
    policy, moved = POLICY.changed_by(hours), notice(Occasion.OCCASION_SESSION_MOVED)
    assert isinstance(delivery(moved, [SESSION], wishing(NIGHT), policy, MIDNIGHT), Wait)
    woken = MIDNIGHT + timedelta(hours=7)
    assert delivery(moved, [SESSION], wishing(NIGHT), policy, woken) == Dropped(Outcome.OUTCOME_TOO_LATE)


def test_a_digest_is_never_too_late_for_what_it_lists_has_times_of_its_own() -> None:
    rules = POLICY.rules()
    worth = Worth(occasion=Occasion.OCCASION_DIGEST, lasts=Duration(seconds=86_400))
    rules.lateness.CopyFrom(Lateness(worth=[worth]))
    weekly, policy = notice(Occasion.OCCASION_DIGEST), POLICY.changed_by(rules)
    assert delivery(weekly, [NONE], wishing(), policy, MIDNIGHT + timedelta(days=7)) == Now()


def test_a_row_from_before_its_time_was_kept_is_never_too_late() -> None:
    old = notice()
    old.ClearField("requested_at")
    assert decided(old, wishing(), MIDNIGHT + timedelta(days=1000)) == Now()


STATES = st.builds(
    lambda quiet, kinds: wishing(NIGHT if quiet else None, *kinds),
    st.booleans(),
    st.sets(st.sampled_from(InformationKind.values()[1:])),
)


@settings(max_examples=80, deadline=None)
@for_all(
    occasion=st.sampled_from(Occasion.values()[1:]),
    because=st.sampled_from(Because.values()[1:]),
    kind=st.sampled_from(InformationKind.values()),
    state=STATES,
    hours=st.integers(0, 24 * 400),
)
def test_whatever_anybody_wishes_a_concern_goes_now_and_what_is_dropped_is_what_may_be(
    occasion: Occasion.ValueType,
    because: Because.ValueType,
    kind: InformationKind.ValueType,
    state: State,
    hours: int,
) -> None:
    found, now = notice(occasion, because=because), MIDNIGHT + timedelta(hours=hours)
    outcome = decided(found, state, now, kind)
    if occasion not in TOLD_TO_A_CIRCLE and is_safeguarding(occasion):
        assert outcome == Now()
    if outcome == Dropped(Outcome.OUTCOME_UNSUBSCRIBED):
        assert kind in state.unsubscribed
        assert may_be_left_out(found, kind, POLICY)
    if isinstance(outcome, Wait):
        assert now < outcome.until <= now + timedelta(hours=19)
        assert not isinstance(decided(found, state, outcome.until, kind), Wait)
