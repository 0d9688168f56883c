"""No concern is forgotten: one that nobody closes is seen again and again, and an escalation goes on whatever the rota and the clocks do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from eventkernel.aggregate import NotYet
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import oversight_pb2 as oversight
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.domain.duty import Calendar, Leave, Shift
from safeguarding.domain.duty_set import Duty
from safeguarding.domain.policy import policy
from safeguarding.projections.open_concerns import list_open_concerns
from safeguarding.reactions.escalation import escalation

from .handling_stories import a_triage, kinds
from .histories import Deed, histories
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    MENTOR,
    POLICY,
    SECOND_DEPUTY,
    Tale,
    a_concern,
    a_file,
    a_link,
    a_passing_on,
    a_referral,
    a_rota,
    a_task,
    acknowledged,
    acknowledgement,
    addition,
    an_action,
    an_answer,
    closure,
    deputy,
    dsl,
    due_comes,
    file_came,
    finishing,
    lead,
    mentor,
    platform,
    raised,
    reopening,
)
from .test_duty import PAIR, at, leaves, london, shift, shifts
from .test_histories import dsls_of, may_be_asked
from .test_policy import SET
from .test_reading import Provider

WEEK = timedelta(days=7)
META = Metadata("event-1", "", "provider-1", "concern-concern-1", 1, NOON)
OPEN = (calls.CONCERN_STATUS_ACKNOWLEDGED, calls.CONCERN_STATUS_IN_ACTION, calls.CONCERN_STATUS_REFERRED)


def acted_on() -> Tale:
    tale = acknowledged()
    tale.give(an_action(), dsl)
    return tale


def looked_at(tale: Tale) -> Sequence[Message]:
    """The look whether it was left alone falls due."""
    (due,) = [one for one in tale.state.due if one.kind == handling.CONCERN_DUE_ACTIVITY]
    return tale.miss_what_is_due(due.due_id)


class TestUnclosedConcernsNobodySees:
    def test_whoever_has_it_is_chased_after_a_week_and_after_another_the_senior_lead_is_asked_to_take_it(self) -> None:
        tale = acted_on()
        chased, _ = looked_at(tale)
        assert chased == handling.ConcernChased(
            concern_id="concern-1", due_id="activity-1", kind=handling.CONCERN_DUE_ACTIVITY, handler_id=DSL
        )
        assert (tale.now, tale.state.left_alone, tale.state.held_by_id) == (NOON + WEEK, True, DSL)
        assert kinds(looked_at(tale)) == ["ConcernAcknowledgementLapsed", "ConcernAssigned"]
        assert tale.now == NOON + 2 * WEEK
        assert (tale.state.assignee_id, tale.state.acknowledge_by) == (LEAD, tale.now + timedelta(hours=1))
        assert tale.state.is_handler(DSL)

    @pytest.mark.parametrize(
        "deed",
        [
            an_action(), a_referral(), a_link("person-aunt"), a_passing_on(DEPUTY), a_task(DEPUTY, within=2 * WEEK), addition,
            a_triage(events.CONCERN_CATEGORY_NEGLECT),
        ],
        ids=["action", "referral", "link", "passing on", "task", "addition", "triage"],
    )  # fmt: skip
    def test_whatever_is_recorded_puts_it_off_to_a_week_after_that_and_takes_the_chase_back(
        self, deed: Message
    ) -> None:
        tale = acted_on()
        looked_at(tale)
        tale.pass_time(3600)
        tale.give(deed, dsl)
        worked_on_at = tale.now
        assert (tale.state.left_alone, tale.state.worked_on_at) == (False, worked_on_at)
        (again,) = looked_at(tale)
        assert isinstance(again, handling.ConcernDueSet)
        assert again.due_at.ToDatetime(UTC) == worked_on_at + WEEK
        assert isinstance(looked_at(tale)[0], handling.ConcernChased)

    def test_a_file_that_a_handler_attaches_is_recorded_too_and_one_of_the_raisers_is_not(self) -> None:
        for author, author_id, is_recorded in ((dsl, DSL, True), (mentor, MENTOR, False)):
            tale = acted_on()
            looked_at(tale)
            tale.give(a_file(), author)
            tale.give(file_came(author_id), platform)
            assert (tale.state.worked_on_at == tale.now) is is_recorded

    def test_an_answer_and_a_task_that_is_done_are_recorded_too(self) -> None:
        for first, then, by in ((a_referral(), an_answer(), dsl), (a_task(DEPUTY), finishing(), deputy)):
            tale = acted_on()
            tale.give(first, dsl)
            tale.pass_time(3600)
            tale.give(then, by)
            assert tale.state.worked_on_at == tale.now

    def test_what_its_raiser_adds_is_not_what_a_handler_does(self) -> None:
        tale = acted_on()
        before = tale.state.worked_on_at
        tale.pass_time(3600)
        tale.give(addition, mentor)
        assert tale.state.worked_on_at == before

    def test_a_senior_lead_who_leaves_it_alone_is_asked_again_and_again(self) -> None:
        tale = acted_on()
        for _ in range(4):
            looked_at(tale)
            looked_at(tale)
            assert tale.state.assignee_id == LEAD
            tale.give(acknowledgement, lead)
            tale.give(an_action(), lead)

    def test_one_that_names_the_senior_lead_goes_to_the_last_who_may_be_asked(self) -> None:
        tale = raised(a_concern(naming=[LEAD]))
        tale.give(acknowledgement, dsl)
        tale.give(an_action(), dsl)
        looked_at(tale)
        looked_at(tale)
        assert tale.state.assignee_id == SECOND_DEPUTY

    def test_one_that_turns_out_to_be_about_a_dsl_goes_past_every_dsl(self) -> None:
        tale = raised(a_concern(category=ALLEGATION, naming=["person-teacher", LEAD]))
        tale.give(acknowledgement, dsl)
        tale.give(an_action(), dsl)
        tale.rota = a_rota(DSL, "person-teacher", lead_id="person-new-lead", after=tale.rota)
        looked_at(tale)
        assert kinds(looked_at(tale)) == ["ConcernAcknowledgementLapsed", "ConcernFoundAboutDsl", "ConcernAssigned"]
        assert tale.state.assignee_id == "person-new-lead"

    def test_what_is_closed_is_not_looked_at_and_what_is_reopened_is(self) -> None:
        tale = acted_on()
        tale.give(closure, dsl)
        assert list(tale.state.due) == []
        tale.now += 3 * WEEK
        assert tale.give(due_comes("activity-1"), platform) == []
        tale.give(reopening, dsl)
        (look,) = [due for due in tale.state.due if due.kind == handling.CONCERN_DUE_ACTIVITY]
        assert look.at == tale.now + WEEK

    def test_how_long_is_the_providers_own(self) -> None:
        own = calls.SetRoutingPolicyRequest()
        own.CopyFrom(SET)
        own.quiet_after.CopyFrom(Duration(seconds=86_400))
        tale = Tale(policy=policy.fold(policy.initial, policy.decisions[type(own)](POLICY, own, None)))  # type: ignore[arg-type]
        tale.give(a_concern(), mentor)
        tale.give(acknowledgement, dsl)
        tale.give(an_action(), dsl)
        looked_at(tale)
        assert tale.now == NOON + timedelta(days=1)

    async def test_it_shows_on_the_board(self, tmp_path: Path) -> None:
        provider = Provider(tmp_path)
        await provider.give(calls.SetRotaRequest(site_id="site-1", dsl_id=DSL, senior_lead_id=LEAD), lead)
        for command, by in ((a_concern(), mentor), (acknowledgement, dsl), (an_action(), dsl)):
            await provider.give(command, by)
        provider.now += WEEK
        await provider.give(due_comes("activity-1"), platform)
        await provider.project()
        (shown,) = (await list_open_concerns(oversight.ListOpenConcernsRequest(), provider.node.reader(lead))).concerns
        assert (shown.left_alone, shown.held_by_id) == (True, DSL)
        assert shown.worked_on_at.ToDatetime(UTC) == NOON
        assert shown.due_at.ToDatetime(UTC) == NOON + 2 * WEEK
        await provider.node.appends.close()


@dataclass
class Alarms:
    """What the platform keeps of a concern: each alarm that an event has set, once. What comes too early is put off, all else is over."""

    tale: Tale
    heard: int = 0
    rows: list[tuple[datetime, int, Message]] = field(default_factory=list)

    def ring_the_next(self) -> None:
        """Nobody does anything until the earliest of them is due."""
        for event in self.tale.happened[self.heard :]:
            if type(event) not in escalation.policies:
                continue
            for later in escalation.policies[type(event)](event, META):
                assert isinstance(later, Later)
                self.rows.append((later.at, len(self.rows), later.request))
        self.heard = len(self.tale.happened)
        self.rows.sort(key=lambda row: row[:2])
        due_at, number, request = self.rows.pop(0)
        self.tale.now = max(self.tale.now, due_at)
        try:
            self.tale.give(request, platform)
        except NotYet:
            self.rows.append((self.tale.now + timedelta(minutes=5), number, request))


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_concern_that_is_open_always_has_a_time_at_which_it_is_looked_at(history: tuple[Tale, list[Deed]]) -> None:
    tale, deeds = history
    for deed in deeds:
        deed(tale)
        looks = [one for one in tale.state.due if one.kind == handling.CONCERN_DUE_ACTIVITY]
        assert len(looks) == (1 if tale.state.status in OPEN else 0)


@settings(max_examples=150, deadline=None)
@given(histories())
def test_from_wherever_it_stands_one_that_everybody_leaves_alone_comes_to_the_senior_lead(
    history: tuple[Tale, list[Deed]],
) -> None:
    tale, deeds = history
    stood = dsls_of(tale.rota)
    for deed in deeds:
        deed(tale)
        stood |= dsls_of(tale.rota)
    lead_id, until = tale.rota.senior_lead_id, tale.now + timedelta(days=60)
    if tale.state.status == calls.CONCERN_STATUS_CLOSED or lead_id not in may_be_asked(tale.rota, tale, stood):
        return
    alarms = Alarms(tale)
    while not (tale.state.acknowledge_by is not None and tale.state.assignee_id == lead_id):
        assert tale.now < until
        alarms.ring_the_next()


FORWARD, BACK = "2026-03-28T22:30", "2026-10-24T22:30"


class TestEscalationThatPausesForATimeWindowAndNeverResumes:
    """Between two steps a shift ends, a leave begins, or clocks change: the next deadline comes all the same, and asks who is there then."""

    @staticmethod
    def asked_from(when: str, calendar: Calendar, times: int) -> list[tuple[datetime, str]]:
        tale = Tale(rota=PAIR, duty=Duty(calendar), now=at(when))
        tale.give(a_concern(), mentor)
        asked = [(tale.now, tale.state.assignee_id)]
        for _ in range(times):
            tale.miss_the_deadline()
            asked.append((tale.now, tale.state.assignee_id))
        return asked

    def test_through_a_weekend_in_which_nobody_is_on_duty_it_asks_the_senior_lead_and_on_monday_the_dsl(self) -> None:
        office = london(
            shift(DSL, "09:00", "17:00", frozenset({1, 2, 3, 4, 5})), shift(DEPUTY, "09:00", "17:00", frozenset({5}))
        )
        asked = self.asked_from("2026-03-06T18:00", office, 65)
        assert {who for _, who in asked[:63]} == {LEAD}
        assert asked[63] == (at("2026-03-09T09:00"), DSL)

    @pytest.mark.parametrize("eve", [FORWARD, BACK], ids=["forward", "back"])
    def test_in_the_night_in_which_clocks_change_a_deadline_comes_each_hour(self, eve: str) -> None:
        night = london(shift(DSL, "22:00", "01:30"), shift(DEPUTY, "01:30", "06:00"))
        asked = self.asked_from(eve, night, 8)
        assert {later - earlier for (earlier, _), (later, _) in pairwise(asked)} == {timedelta(hours=1)}
        assert [who for _, who in asked][:2] == [DSL, LEAD]
        assert DEPUTY in [who for _, who in asked[2:6]]

    def test_a_leave_that_begins_between_two_steps_passes_the_deputy_over_until_it_ends(self) -> None:
        away = london(leaves=(Leave(DEPUTY, "2026-03-03", "2026-03-03"),))
        asked = self.asked_from("2026-03-02T23:30", away, 26)
        assert [who for _, who in asked[:24]] == [DSL, *[LEAD] * 23]
        assert asked[24:26] == [(at("2026-03-03T23:30"), LEAD), (at("2026-03-04T00:30"), DEPUTY)]

    @settings(max_examples=80, deadline=None)
    @given(st.lists(shifts, max_size=4), st.lists(leaves, max_size=2), st.integers(0, 72), st.booleans())
    def test_whatever_the_shifts_are_each_deadline_is_an_hour_after_the_one_before_and_asks_whoever_is_new_and_on_duty(
        self, some: list[Shift], off: list[Leave], hour: int, takes_it_between: bool
    ) -> None:
        """Over the spring change of clocks; now and then somebody takes it, and leaves it alone."""
        calendar = Calendar("Europe/London", tuple(some), tuple(off))
        tale = Tale(rota=PAIR, duty=Duty(calendar), now=datetime(2026, 3, 27, tzinfo=UTC) + timedelta(hours=hour))
        tale.give(a_concern(), mentor)
        for number in range(30):
            if takes_it_between and number == 5:
                tale.give_or_not(acknowledgement, replace(dsl, person_id=tale.state.assignee_id))
                tale.miss_what_is_due(f"action-{tale.state.step}")
            before = tale.state
            tale.miss_the_deadline()
            assert before.acknowledge_by is not None
            assert tale.state.acknowledge_by == before.acknowledge_by + timedelta(hours=1)
            new = [one for one in (DSL, DEPUTY) if calendar.is_on_duty(one, tale.now) and one not in before.asked_ids]
            assert tale.state.assignee_id == (new[0] if new else LEAD)
