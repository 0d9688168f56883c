"""What is not done in time about a concern that somebody has: an acknowledgement lapses, and a referral's answer is chased."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata, Principal
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.domain.working_days import after_working_days
from safeguarding.reactions.escalation import escalation

from .handling_stories import DAY, due_of
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    a_concern,
    a_referral,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    an_answer,
    closure,
    deputy,
    dsl,
    due_comes,
    mentor,
    platform,
    raised,
    refusal_of,
    reopening,
    timestamp,
)


class TestLapse:
    def test_an_acknowledgement_without_action_lapses_and_the_next_is_asked(self) -> None:
        tale = acknowledged()
        decided = tale.miss_what_is_due("action-0")
        assert decided[0] == handling.ConcernAcknowledgementLapsed(concern_id="concern-1", handler_id=DSL, step=0)
        assert (tale.state.assignee_id, tale.state.step) == (DEPUTY, 1)
        assert tale.state.acknowledge_by == tale.now + timedelta(hours=1)

    def test_it_lapses_again_and_again_until_somebody_acts(self) -> None:
        tale = acknowledged()
        for number, whom in enumerate((deputy, dsl, deputy)):
            tale.miss_what_is_due(f"action-{number}")
            tale.give(acknowledgement, whom)
        tale.give(an_action(), deputy)
        assert due_of(tale) == {}

    @pytest.mark.parametrize("act", [an_action(), a_referral(), closure], ids=["an action", "a referral", "its close"])
    def test_whoever_acts_keeps_it(self, act: Message) -> None:
        tale = acknowledged()
        tale.give(act, dsl)
        tale.now += 30 * DAY
        assert tale.give(due_comes("action-0"), platform) == []
        assert tale.state.acknowledged_by_id == DSL

    def test_what_is_added_is_to_be_acted_on_too(self) -> None:
        tale = acknowledged()
        tale.give(an_action(), dsl)
        tale.give(addition, mentor)
        tale.give(acknowledgement, dsl)
        assert list(due_of(tale)) == ["action-1"]

    def test_before_its_time_it_is_put_off_and_not_taken_for_done(self) -> None:
        tale = acknowledged()
        tale.now += timedelta(hours=23)
        with pytest.raises(NotYet):
            tale.give(due_comes("action-0"), platform)

    @pytest.mark.parametrize(
        ("severity", "within"),
        [
            (events.SEVERITY_IMMEDIATE_DANGER, timedelta(hours=1)),
            (events.SEVERITY_SERIOUS, timedelta(days=1)),
            (events.SEVERITY_OTHER, timedelta(days=3)),
        ],
    )
    def test_how_long_there_is_depends_on_the_severity(
        self, severity: events.Severity.ValueType, within: timedelta
    ) -> None:
        tale = raised(a_concern(severity=severity))
        tale.give(acknowledgement, dsl)
        assert due_of(tale) == {"action-0": NOON + within}

    def test_an_alarm_that_read_another_sites_rota_is_refused(self) -> None:
        tale = acknowledged()
        tale.now += DAY
        refusal = refusal_of(tale, due_comes("action-0", site_id="site-2"), platform)
        assert refusal.code == "CONCERN_OF_ANOTHER_SITE"


class TestReferral:
    def test_its_answer_is_chased_each_working_day_until_it_is_there(self) -> None:
        tale = acknowledged()
        tale.give(a_referral(), dsl)
        assert due_of(tale) == {"referral-r-1": NOON + DAY}
        for number in (1, 2, 3):
            chased, _ = tale.miss_what_is_due("referral-r-1")
            assert chased == handling.ConcernChased(
                concern_id="concern-1", due_id="referral-r-1", kind=handling.CONCERN_DUE_ANSWER_TO_REFERRAL, handler_id=DSL
            )  # fmt: skip
            assert due_of(tale) == {"referral-r-1": NOON + (number + 1) * DAY}
        tale.give(an_answer(), dsl)
        assert due_of(tale) == {}
        assert tale.state.status == calls.CONCERN_STATUS_REFERRED

    def test_it_is_chased_across_a_new_acknowledgement_and_no_more_once_the_concern_is_closed(self) -> None:
        tale = acknowledged()
        tale.give(a_referral(), dsl)
        tale.give(addition, mentor)
        assert "referral-r-1" in due_of(tale)
        tale.give(acknowledgement, dsl)
        tale.give(closure, dsl)
        assert due_of(tale) == {}

    def test_a_repeat_changes_nothing_and_another_under_its_id_is_refused(self) -> None:
        tale = acknowledged()
        tale.give(a_referral(), dsl)
        assert tale.give(a_referral(), dsl) == []
        assert refusal_of(tale, a_referral(handling.REFERRED_TO_POLICE), dsl).code == "REFERRAL_EXISTS"
        tale.give(an_answer(), dsl)
        assert tale.give(an_answer(), dsl) == []

    def test_what_was_never_referred_is_not_answered(self) -> None:
        assert refusal_of(acknowledged(), an_answer(), dsl).field == "referral_id"

    def test_a_further_answer_stands_beside_the_first(self) -> None:
        tale = acknowledged()
        tale.give(a_referral(), dsl)
        tale.give(an_answer(handling.REFERRAL_ANSWER_ADVICE_GIVEN), dsl)
        tale.give(an_answer(handling.REFERRAL_ANSWER_TAKEN_ON), dsl)
        assert len(tale.state.answers) == 2

    @pytest.mark.parametrize(
        "to_lado",
        [a_referral(handling.REFERRED_TO_LADO), an_action(events.REFERRAL_BODY_LADO)],
        ids=["new", "as before"],
    )
    def test_an_allegation_is_to_be_with_the_lado_within_a_working_day(self, to_lado: Message) -> None:
        tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
        tale.give(acknowledgement, dsl)
        assert due_of(tale)["lado"] == NOON + DAY
        tale.give(a_referral(handling.REFERRED_TO_POLICE, "r-0"), dsl)
        chased, _ = tale.miss_what_is_due("lado")
        assert isinstance(chased, handling.ConcernChased)
        tale.give(to_lado, dsl)
        assert "lado" not in due_of(tale)
        tale.give(addition, mentor)
        tale.give(acknowledgement, dsl)
        assert "lado" not in due_of(tale)


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        ("2026-03-02T12:00", 1, "2026-03-03T12:00"),
        ("2026-03-06T12:00", 1, "2026-03-09T12:00"),
        ("2026-03-07T12:00", 1, "2026-03-09T12:00"),
        ("2026-03-27T12:00", 1, "2026-03-30T12:00"),
        ("2026-03-02T12:00", 5, "2026-03-09T12:00"),
    ],
    ids=["Monday", "Friday", "Saturday", "Friday before clocks change", "a week"],
)
def test_working_days_are_counted_by_local_clocks(at: str, days: int, expected: str) -> None:
    london = ZoneInfo("Europe/London")
    found = after_working_days(datetime.fromisoformat(at).replace(tzinfo=london), days, london)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=london).astimezone(UTC)


def test_the_platform_comes_back_when_something_is_due() -> None:
    event = handling.ConcernDueSet(
        concern_id="concern-1", site_id="site-1", due_id="action-0", kind=handling.CONCERN_DUE_ACTION, due_at=timestamp(NOON)
    )  # fmt: skip
    meta = Metadata("id", "type", "provider-1", "concern-concern-1", 1, NOON)
    (later,) = list(escalation.policies[handling.ConcernDueSet](event, meta))
    assert isinstance(later, Later)
    assert (later.at, later.request, later.urgent) == (NOON, due_comes("action-0"), True)


@pytest.mark.parametrize(
    "again", [[(reopening, dsl)], [(addition, mentor), (acknowledgement, dsl)]], ids=["reopened", "added to"]
)
def test_a_referral_without_an_answer_is_chased_again_once_its_concern_is_open_again(
    again: list[tuple[Message, Principal]],
) -> None:
    tale = acknowledged()
    tale.give(a_referral(), dsl)
    tale.give(closure, dsl)
    for command, by in again:
        tale.give(command, by)
    assert due_of(tale)["referral-r-1"] == NOON + DAY
