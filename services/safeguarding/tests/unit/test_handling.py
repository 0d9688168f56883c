"""What those who have a concern do about it, and what happens where they do nothing, or turn out to be in it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import protovalidate
import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata, Principal
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_pb2 import TriageConcernRequest
from safeguarding.domain.duty import Calendar, Leave
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.working_days import after_working_days
from safeguarding.reactions.escalation import escalation

from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    POLICY,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_link,
    a_referral,
    a_rota,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    an_addition,
    an_answer,
    assignment,
    closure,
    deputy,
    dsl,
    due_comes,
    lead,
    mentor,
    platform,
    raised,
    refusal_of,
    reopening,
    timestamp,
)

DAY = timedelta(days=1)


def a_triage(
    category: events.ConcernCategory.ValueType,
    severity: events.Severity.ValueType = events.SEVERITY_SERIOUS,
    *,
    site_id: str = "site-1",
) -> TriageConcernRequest:
    return TriageConcernRequest(concern_id="concern-1", site_id=site_id, category=category, severity=severity)


def acknowledgement_of(concern_id: str) -> calls.AcknowledgeConcernRequest:
    return calls.AcknowledgeConcernRequest(concern_id=concern_id)


def kinds(decided: Sequence[Message]) -> list[str]:
    return [event.DESCRIPTOR.name for event in decided]


def due_of(tale: Tale) -> dict[str, datetime]:
    """What is due, but for the look whether it was left alone, which `test_left_alone.py` is about."""
    return {one.due_id: one.at for one in tale.state.due if one.kind != handling.CONCERN_DUE_ACTIVITY}


class TestNaming:
    def test_whoever_has_it_loses_it_where_an_addition_names_them_and_the_next_is_asked_at_once(self) -> None:
        tale = acknowledged()
        decided = tale.give(an_addition(DSL), mentor)
        assert kinds(decided) == ["ConcernAddedTo", "ConcernPersonLinked", "ConcernAssigned"]
        assert not tale.state.is_handler(DSL)
        assert (tale.state.assignee_id, tale.state.acknowledge_by) == ("", tale.now)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_whoever_is_named_later_is_never_asked_at_any_step(self) -> None:
        tale = raised()
        tale.give(an_addition(DEPUTY, LEAD), mentor)
        asked = []
        for _ in range(5):
            tale.miss_the_deadline()
            asked.append(tale.state.assignee_id)
        assert asked == [SECOND_DEPUTY] * 5

    def test_one_who_was_asked_before_and_is_named_later_reads_and_does_nothing_more(self) -> None:
        tale = raised()
        tale.miss_the_deadline()
        tale.give(an_addition(DSL), mentor)
        assert tale.state.assignee_id == DEPUTY
        for command in (acknowledgement, addition, an_action(), a_link("x"), reopening):
            assert refusal_of(tale, command, dsl).code == "CONCERN_NOT_YOURS"

    def test_a_handler_who_names_themself_loses_it_too(self) -> None:
        tale = acknowledged()
        tale.give(a_link(DSL), dsl)
        assert not tale.state.is_handler(DSL)
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_a_closed_concern_that_names_whoever_closed_it_is_looked_at_by_another(self) -> None:
        tale = acknowledged()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        tale.give(an_addition(DSL), mentor)
        assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
        tale.miss_the_deadline()
        assert tale.state.assignee_id == DEPUTY

    def test_one_who_is_named_in_other_letters_is_kept_out_too(self) -> None:
        tale = acknowledged()
        tale.give(an_addition(DSL.upper()), mentor)
        assert not tale.state.is_handler(DSL)
        assert tale.state.acknowledge_by == tale.now

    def test_an_allegation_that_names_a_dsl_later_goes_past_every_dsl_from_then_on(self) -> None:
        tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
        assert tale.state.assignee_id == DSL
        tale.give(an_addition(DEPUTY), mentor)
        tale.miss_the_deadline()
        assert (tale.state.assignee_id, tale.state.past_every_dsl) == (LEAD, True)

    def test_naming_one_who_is_in_it_already_links_nobody(self) -> None:
        assert "ConcernPersonLinked" not in kinds(raised().give(an_addition(LEARNER), mentor))

    def test_a_part_is_given_put_right_and_a_repeat_changes_nothing(self) -> None:
        tale = acknowledged()
        (linked,) = tale.give(a_link("person-uncle", "the-note: was there"), dsl)
        assert isinstance(linked, handling.ConcernPersonLinked)
        assert (linked.person_id, linked.note.to_be_sealed) == ("person-uncle", "the-note: was there")
        assert tale.give(a_link("person-uncle"), dsl) == []
        tale.give(a_link("person-uncle", part=handling.PART_IN_CONCERN_SAID_TO_HAVE_DONE_HARM), dsl)
        assert tale.state.parts == (("person-uncle", handling.PART_IN_CONCERN_SAID_TO_HAVE_DONE_HARM),)

    def test_only_a_handler_gives_parts(self) -> None:
        assert refusal_of(acknowledged(), a_link("x"), mentor).code == "CONCERN_NOT_YOURS"


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


class TestTriage:
    def test_what_it_is_and_how_serious_is_said_by_whoever_has_it(self) -> None:
        tale = acknowledged()
        (triaged,) = tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT, events.SEVERITY_OTHER), dsl)
        assert triaged == handling.ConcernTriaged(
            concern_id="concern-1", handler_id=DSL, category=events.CONCERN_CATEGORY_NEGLECT, severity=events.SEVERITY_OTHER, at=timestamp(NOON)
        )  # fmt: skip
        assert tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT, events.SEVERITY_OTHER), dsl) == []
        tale.give(addition, mentor)
        assert assignment(tale).category == events.CONCERN_CATEGORY_NEGLECT
        assert tale.state.acknowledge_by == tale.now + timedelta(hours=8)

    def test_it_does_not_count_as_acting(self) -> None:
        tale = acknowledged()
        tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT), dsl)
        assert "action-0" in due_of(tale)

    def test_one_that_turns_out_to_be_an_allegation_is_to_be_with_the_lado(self) -> None:
        tale = raised(a_concern(naming=["person-teacher"]))
        tale.give(acknowledgement, dsl)
        tale.give(a_triage(ALLEGATION), dsl)
        assert due_of(tale)["lado"] == NOON + DAY

    def test_one_that_turns_out_to_be_about_a_dsl_goes_past_every_dsl_at_once(self) -> None:
        tale = raised(a_concern(naming=[DEPUTY]))
        tale.give(acknowledgement, dsl)
        tale.give(a_triage(ALLEGATION), dsl)
        assert (tale.state.assignee_id, tale.state.past_every_dsl) == (LEAD, True)

    def test_only_one_that_is_open_is_triaged_by_its_handler_with_its_own_sites_rota(self) -> None:
        assert refusal_of(raised(), a_triage(ALLEGATION), dsl).code == "CONCERN_NOT_ACKNOWLEDGED"
        assert refusal_of(acknowledged(), a_triage(ALLEGATION), mentor).code == "CONCERN_NOT_YOURS"
        refusal = refusal_of(acknowledged(), a_triage(ALLEGATION, site_id="site-2"), dsl)
        assert (refusal.code, refusal.field) == ("CONCERN_OF_ANOTHER_SITE", "site_id")


def test_who_is_at_risk_and_what_it_is_about_are_enough() -> None:
    request = calls.RaiseConcernRequest(concern_id="c-1", person_at_risk_id=LEARNER, narrative="he is afraid of home")
    protovalidate.validate(request)
    tale = raised(request)
    assert tale.state.severity == events.SEVERITY_SERIOUS
    assert tale.state.acknowledge_by == NOON + timedelta(hours=1)
    tale.give(acknowledgement_of("c-1"), dsl)
    assert due_of(tale) == {"action-0": NOON + DAY}


class TestReopening:
    def test_whoever_reopens_it_has_it_and_is_to_act(self) -> None:
        tale = acknowledged()
        tale.give(an_action(), dsl)
        tale.give(closure, dsl)
        tale.now += DAY
        decided = tale.give(reopening, dsl)
        assert kinds(decided) == ["ConcernReopeningExplained", "ConcernReopened", "ConcernDueSet", "ConcernDueSet"]
        assert (tale.state.status, tale.state.acknowledged_by_id) == (calls.CONCERN_STATUS_IN_ACTION, DSL)
        assert due_of(tale) == {"action-0": tale.now + DAY}

    def test_an_open_one_is_not_reopened_nor_by_a_stranger(self) -> None:
        assert refusal_of(acknowledged(), reopening, dsl).code == "CONCERN_NOT_CLOSED"
        tale = acknowledged()
        tale.give(closure, dsl)
        assert refusal_of(tale, reopening, lead).code == "CONCERN_NOT_YOURS"

    def test_the_alarm_from_before_its_close_does_not_ring_for_what_was_reopened(self) -> None:
        tale = acknowledged()
        tale.give(closure, dsl)
        tale.now += timedelta(hours=23)
        tale.give(reopening, dsl)
        tale.now += timedelta(hours=2)
        with pytest.raises(NotYet):
            tale.give(due_comes("action-0"), platform)


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


def test_whoever_raised_it_can_name_people_and_learns_nothing_of_who_has_it() -> None:
    """Whether the one who is named has it or not, the same kinds of events are stored, and those are what the reply tells."""
    one, other = acknowledged(), acknowledged()
    assert kinds(one.give(an_addition(DSL), mentor)) == kinds(other.give(an_addition(DEPUTY), mentor))
    assert MENTOR not in one.state.asked_ids


def test_a_dsl_neither_reads_nor_takes_back_what_went_past_every_dsl() -> None:
    tale = raised(a_concern(naming=[DEPUTY]))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(ALLEGATION), dsl)
    assert tale.state.assignee_id == LEAD
    assert refusal_of(tale, acknowledgement, dsl).code == "CONCERN_NOT_YOURS"
    assert not tale.state.is_handler(DSL)


def test_a_dsl_on_leave_who_is_the_last_resort_is_not_asked_about_a_colleague() -> None:
    away = Duty(Calendar(leaves=(Leave(DSL, "2020-01-01", "2030-01-01"),)))
    tale = Tale(rota=a_rota(DSL, DEPUTY), duty=away, policy=replace(POLICY, last_resort_id=DSL))
    tale.give(a_concern(about=DEPUTY, category=ALLEGATION), mentor)
    tale.miss_the_deadline()
    assert tale.state.assignee_id == LEAD


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


def test_what_turns_out_to_be_no_allegation_is_not_chased_to_the_lado() -> None:
    tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher"]))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(events.CONCERN_CATEGORY_NEGLECT), dsl)
    assert "lado" not in due_of(tale)


def test_what_turns_out_to_be_immediate_danger_is_to_be_acted_on_sooner() -> None:
    tale = raised(a_concern(severity=events.SEVERITY_OTHER))
    tale.give(acknowledgement, dsl)
    tale.give(a_triage(events.CONCERN_CATEGORY_PHYSICAL, events.SEVERITY_IMMEDIATE_DANGER), dsl)
    assert due_of(tale)["action-0"] == NOON + timedelta(hours=1)
    tale.give(a_triage(events.CONCERN_CATEGORY_PHYSICAL, events.SEVERITY_OTHER), dsl)
    assert due_of(tale)["action-0"] == NOON + timedelta(hours=1)
