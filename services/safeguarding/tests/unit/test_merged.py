"""What becomes of a merged concern: what is added to it reaches whoever has the leading one, and separated it is somebody's again."""

from dataclasses import replace

import pytest
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import merging_events_pb2 as merging
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.domain.rota import Rota

from .merging_stories import A, B, C, a_merging, a_separation, kinds_of, merged, of, taken
from .stories import (
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    SECOND_DEPUTY,
    a_concern,
    a_file,
    a_link,
    a_passing_on,
    a_rota,
    a_task,
    acknowledgement,
    addition,
    an_addition,
    closure,
    deputy,
    dsl,
    file_came,
    finishing,
    lead,
    mentor,
    platform,
)

LOW_LEVEL = events.CONCERN_CATEGORY_STAFF_LOW_LEVEL
FRIEND = "person-friend"


class TestAddedTo:
    def test_what_the_raiser_adds_stays_where_it_was_added_and_whoever_has_the_leading_concern_is_told(self) -> None:
        matter = merged()
        added = matter.give(of(B, addition), mentor)
        assert kinds_of(added) == ["ConcernAddedTo", "MergedConcernAddedTo"]
        assert added[1] == merging.MergedConcernAddedTo(concern_id=B, leading_id=A)
        (heard, told) = matter.deliver()
        assert isinstance(heard, merging.MergedConcernHeardOf)
        assert isinstance(told, events.ConcernAssigned)
        assert (told.concern_id, told.assignee_id) == (A, DSL)
        assert matter.state(A).acknowledge_by is not None
        assert matter.state(B).status == calls.CONCERN_STATUS_MERGED

    def test_so_is_a_file(self) -> None:
        matter = merged()
        announced = matter.give(of(B, a_file()), mentor)[0]
        came = file_came()
        came.concern_id, came.attachment_id = B, announced.attachment_id  # type: ignore[attr-defined]
        matter.give(came, platform)
        assert kinds_of(matter.deliver()) == ["MergedConcernHeardOf", "ConcernAssigned"]

    def test_where_the_leading_one_was_closed_it_is_to_be_acknowledged_again(self) -> None:
        matter = merged()
        matter.give(closure, dsl)
        assert matter.state(B).status == calls.CONCERN_STATUS_MERGED
        matter.give(of(B, addition), mentor)
        matter.deliver()
        assert matter.state(A).status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT

    def test_it_is_told_once(self) -> None:
        matter = merged()
        matter.give(of(B, addition), mentor)
        (hearing,) = matter.on_its_way
        matter.deliver()
        assert matter.give(hearing, platform) == []

    def test_whoever_has_the_leading_concern_and_is_named_in_the_other_loses_it(self) -> None:
        matter = merged()
        matter.give(of(B, an_addition(DSL)), mentor)
        (*_, asked) = matter.deliver()
        assert isinstance(asked, events.ConcernAssigned)
        assert asked.assignee_role == events.ASSIGNEE_ROLE_NEXT_TO_BE_ASKED
        assert not matter.state(A).is_handler(DSL)
        assert matter.state(A).acknowledge_by == matter.tales[A].now

    def test_whom_it_names_after_it_was_separated_is_kept_away_from_it_alone(self) -> None:
        matter = merged()
        matter.give(a_separation(), dsl)
        matter.deliver()
        matter.give(of(B, an_addition(FRIEND)), mentor)
        matter.deliver()
        assert FRIEND not in matter.state(A).excluded_ids


class TestSeparate:
    def test_somebody_is_asked_as_when_it_was_raised_and_its_clocks_go_on(self) -> None:
        matter = merged()
        step = matter.state(B).step
        (explained, separated, asked) = matter.give(a_separation(), dsl)
        assert isinstance(explained, merging.ConcernSeparationExplained)
        assert separated == merging.ConcernSeparated(concern_id=B, leading_id=A, number=1)
        assert isinstance(asked, events.ConcernAssigned)
        assert (asked.assignee_id, asked.step) == (DSL, step + 1)
        assert kinds_of(matter.deliver()) == ["MergedConcernLetGo"]
        assert matter.state(B).acknowledge_by is not None
        escalated = matter.miss_the_deadline(B)[-1]
        assert isinstance(escalated, events.ConcernAssigned)
        assert escalated.assignee_id == DEPUTY

    def test_so_it_is_where_the_leading_one_is_closed(self) -> None:
        matter = merged()
        matter.give(closure, dsl)
        matter.give(a_separation(), dsl)
        matter.deliver()
        assert matter.state(B).acknowledge_by is not None
        assert matter.state(A).status == calls.CONCERN_STATUS_CLOSED

    def test_what_went_past_every_dsl_meanwhile_still_does_though_the_one_whom_it_names_left_the_rota(self) -> None:
        """Whoever is suspended for it stands on the rota no more, and their colleagues still do."""
        conduct = a_concern(about=MENTOR, category=LOW_LEVEL)
        matter = merged(conduct, a_concern(about=MENTOR, category=LOW_LEVEL))
        matter.give(of(B, an_addition(DEPUTY)), mentor)
        matter.deliver()
        (due,) = [one for one in matter.state(A).due if one.kind == handling.CONCERN_DUE_LOOK_AT_ROTA]
        matter.miss_what_is_due(A, due.due_id)
        matter.give(acknowledgement, lead)
        matter.tales[B].rota = a_rota(DSL, SECOND_DEPUTY)
        asked = matter.give(a_separation(), lead)[-1]
        assert isinstance(asked, events.ConcernAssigned)
        assert (asked.assignee_id, matter.state(B).past_every_dsl) == (LEAD, True)
        assert not matter.state(B).is_handler(DSL)

    @pytest.mark.parametrize(("stands", "asked_id"), [((DEPUTY, SECOND_DEPUTY), DEPUTY), ((SECOND_DEPUTY,), DSL)])
    def test_whoever_had_it_is_asked_where_they_stand_on_the_rota_still(
        self, stands: tuple[str, ...], asked_id: str
    ) -> None:
        matter = taken()
        for concern_id in (A, B):
            matter.give(of(concern_id, a_passing_on(DEPUTY)), dsl)
            matter.give(of(concern_id, acknowledgement), deputy)
        matter.give(a_merging(), deputy)
        matter.deliver()
        matter.tales[B].rota = a_rota(DSL, *stands)
        asked = matter.give(a_separation(), deputy)[-1]
        assert isinstance(asked, events.ConcernAssigned)
        assert asked.assignee_id == asked_id

    def test_without_a_rota_the_last_resort_is_asked(self) -> None:
        matter = merged()
        matter.tales[B].rota = Rota()
        matter.tales[B].policy = replace(matter.tales[B].policy, last_resort_id=LEAD)
        asked = matter.give(a_separation(), dsl)[-1]
        assert isinstance(asked, events.ConcernAssigned)
        assert asked.assignee_id == LEAD

    def test_with_nobody_to_ask_it_escalates_at_each_deadline(self) -> None:
        matter = merged()
        matter.tales[B].rota = Rota()
        asked = matter.give(a_separation(), dsl)[-1]
        assert isinstance(asked, events.ConcernAssigned)
        assert asked.assignee_role == events.ASSIGNEE_ROLE_NOBODY_ON_ROTA
        assert kinds_of(matter.miss_the_deadline(B)) == ["ConcernEscalated", "ConcernAssigned"]

    def test_whoever_is_in_the_leading_one_stays_kept_away(self) -> None:
        matter = merged(a_concern(naming=[FRIEND]), a_concern())
        matter.give(a_link(DEPUTY), dsl)
        matter.give(a_separation(), dsl)
        matter.deliver()
        assert {FRIEND, DEPUTY} <= matter.state(B).excluded_ids
        assert matter.state(B).in_it_ids == {LEARNER}
        escalated = matter.miss_the_deadline(B)[-1]
        assert isinstance(escalated, events.ConcernAssigned)
        assert escalated.assignee_id == SECOND_DEPUTY

    def test_where_it_turned_out_to_be_about_a_dsl_the_senior_lead_is_asked(self) -> None:
        staff = a_concern(about=MENTOR, category=LOW_LEVEL)
        matter = merged(staff, staff)
        matter.give(of(B, an_addition(DEPUTY)), mentor)
        matter.deliver()
        asked = matter.give(a_separation(), dsl)[-1]
        assert isinstance(asked, events.ConcernAssigned)
        assert asked.assignee_id == LEAD
        assert matter.state(B).past_every_dsl

    def test_refusals(self) -> None:
        matter = taken(a_concern(), a_concern(), a_concern())
        assert matter.refusal(a_separation(), dsl).code == "CONCERN_NOT_MERGED"
        matter.give(a_merging(), dsl)
        assert matter.refusal(a_separation(), dsl).code == "CONCERN_NOT_MERGED"
        matter.deliver()
        assert matter.refusal(a_separation(B, C), dsl).field == "leading_id"
        assert matter.refusal(a_separation(), lead).code == "CONCERN_NOT_YOURS"
        assert matter.refusal(a_separation(site_id="site-2"), dsl).code == "CONCERN_OF_ANOTHER_SITE"
        assert matter.refusal(a_separation(site_id=""), dsl).code == "SITE_MISSING"

    def test_a_new_handler_of_the_leading_concern_separates_too_but_nobody_who_is_in_the_other(self) -> None:
        matter = merged(a_concern(), a_concern(naming=[SECOND_DEPUTY]))
        matter.give(a_passing_on(DEPUTY), dsl)
        matter.give(acknowledgement, deputy)
        assert matter.give(a_separation(), deputy)


def test_what_is_given_back_is_worked_on_as_before() -> None:
    matter = merged()
    matter.give(a_separation(), dsl)
    matter.deliver()
    matter.give(of(B, acknowledgement), dsl)
    assert {one.kind for one in matter.state(B).due} == {handling.CONCERN_DUE_ACTION, handling.CONCERN_DUE_ACTIVITY}
    matter.give(of(B, a_task(DEPUTY)), dsl)
    matter.give(of(B, finishing()), deputy)
    matter.give(of(B, closure), dsl)
    assert matter.state(B).status == calls.CONCERN_STATUS_CLOSED
