"""Two concerns are one matter: whatever happens to either meanwhile, one clock runs, and nobody gets sight of what they are kept from."""

import pytest
from google.protobuf.message import Message
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling
from mentoring.safeguarding.v1 import merging_events_pb2 as merging
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from mentoring.safeguarding.v1.handling_pb2 import TriageConcernRequest
from mentoring.safeguarding.v1.merging_pb2 import LetGoOfMergedConcernRequest
from safeguarding.domain.concern_state import Leading

from .merging_stories import A, B, C, a_merging, a_separation, kinds_of, merged, of, raised_each, taken
from .stories import (
    ALLEGATION,
    DEPUTY,
    DSL,
    LEAD,
    LEARNER,
    MENTOR,
    SECOND_DEPUTY,
    a_concern,
    a_link,
    a_passing_on,
    a_referral,
    a_rota,
    a_task,
    acknowledgement,
    addition,
    an_action,
    an_addition,
    closure,
    deputy,
    dsl,
    due_comes,
    lead,
    mentor,
    platform,
    reopening,
)

LOW_LEVEL = events.CONCERN_CATEGORY_STAFF_LOW_LEVEL
FRIEND = "person-friend"
# Passed on to the deputy, who takes it: the DSL reads it still.
TAKEN_BY_DEPUTY = calls.AcknowledgeConcernRequest()


class TestMerge:
    def test_the_leading_concern_knows_first_and_the_others_clocks_run_until_it_says_so(self) -> None:
        matter = taken()
        before = matter.state(B)
        begun = matter.give(a_merging(), dsl)
        assert kinds_of(begun) == ["ConcernMergeExplained", "ConcernMergeBegun"]
        assert matter.state(B) == before
        assert matter.deliver() == [merging.ConcernMerged(concern_id=B, leading_id=A, number=1)]
        assert matter.state(B).status == calls.CONCERN_STATUS_MERGED
        assert (matter.state(B).due, matter.state(B).acknowledge_by) == ((), None)
        assert {one.kind for one in matter.state(A).due} == {handling.CONCERN_DUE_ACTION, handling.CONCERN_DUE_ACTIVITY}

    def test_whoever_has_the_leading_concern_is_told_where_another_merged_it(self) -> None:
        matter = taken()
        matter.give(a_passing_on(DEPUTY), dsl)
        matter.give(acknowledgement, deputy)
        matter.give(a_merging(), dsl)
        (*_, told) = matter.deliver()
        assert isinstance(told, events.ConcernAssigned)
        assert (told.concern_id, told.assignee_id, told.assignee_role) == (A, DEPUTY, events.ASSIGNEE_ROLE_HANDLER)
        assert matter.state(A).acknowledge_by is not None

    def test_given_again_it_is_nothing_whether_it_is_on_its_way_or_done(self) -> None:
        matter = taken()
        matter.give(a_merging(), dsl)
        assert matter.give(a_merging(), dsl) == []
        matter.deliver()
        assert matter.give(a_merging(), dsl) == []

    def test_alarms_of_what_is_merged_find_nothing(self) -> None:
        matter = taken()
        due = matter.state(B).due
        matter.give(a_merging(), dsl)
        matter.deliver()
        matter.tales[B].pass_time(30 * 86_400)
        for one in due:
            assert matter.give(of(B, due_comes(one.due_id)), platform) == []
        assert matter.give(of(B, calls.EscalateConcernRequest(site_id="site-1", step=0)), platform) == []

    @pytest.mark.parametrize(
        "command",
        [acknowledgement, an_action(), closure, reopening, a_link(FRIEND), a_referral(), a_task(DEPUTY), a_passing_on(DEPUTY)],
    )  # fmt: skip
    def test_what_is_merged_is_acted_on_as_its_leading_concern(self, command: Message) -> None:
        assert merged().refusal(of(B, command), dsl).code == "CONCERN_MERGED"

    def test_several_are_merged_into_one(self) -> None:
        matter = merged(a_concern(), a_concern(), a_concern())
        matter.give(a_merging(C), dsl)
        matter.deliver()
        assert [one.concern_id for one in matter.state(A).merged] == [B, C]
        assert matter.state(C).status == calls.CONCERN_STATUS_MERGED

    def test_whoever_is_kept_away_from_the_one_is_from_the_other(self) -> None:
        matter = merged(a_concern(naming=[FRIEND]), a_concern(naming=[SECOND_DEPUTY]))
        assert matter.state(A).excluded_ids == {LEARNER, FRIEND, SECOND_DEPUTY}
        assert matter.state(A).in_it_ids == {LEARNER, FRIEND}
        matter.give(an_addition(DSL), mentor)
        assigned = matter.miss_the_deadline(A)[-1]
        assert isinstance(assigned, events.ConcernAssigned)
        assert assigned.assignee_id == DEPUTY
        assigned = matter.miss_the_deadline(A)[-1]
        assert isinstance(assigned, events.ConcernAssigned)
        assert assigned.assignee_id == LEAD

    def test_of_conduct_whether_it_is_about_a_dsl_is_found_out_anew(self) -> None:
        staff = a_concern(about=MENTOR, category=LOW_LEVEL)
        matter = taken(staff, a_concern(about=MENTOR, category=LOW_LEVEL, naming=[SECOND_DEPUTY + "-new"]))
        matter.give(a_merging(), dsl)
        (due,) = [one for one in matter.state(A).due if one.kind == handling.CONCERN_DUE_LOOK_AT_ROTA]
        matter.tales[A].rota = a_rota(DSL, SECOND_DEPUTY + "-new")
        matter.miss_what_is_due(A, due.due_id)
        assert matter.state(A).past_every_dsl
        assert not matter.state(A).is_handler(DSL)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "field", "happened"),
        [
            ("CONCERN_CLOSED", "concern_id", [(A, closure)]),
            ("CONCERN_CLOSED", "duplicate_id", [(B, closure)]),
            ("DUPLICATE_UNDER_WAY", "duplicate_id", [(B, a_task(DEPUTY))]),
            ("DUPLICATE_UNDER_WAY", "duplicate_id", [(B, a_referral())]),
            ("DUPLICATE_UNDER_WAY", "duplicate_id", [(B, a_passing_on(DEPUTY))]),
            ("HANDLER_IN_THE_OTHER", "duplicate_id", [(A, a_task(DEPUTY)), (B, a_link(DEPUTY))]),
            ("HANDLER_IN_THE_OTHER", "duplicate_id", [(A, a_link(DEPUTY)), (B, TAKEN_BY_DEPUTY)]),
            ("HANDLER_IN_THE_OTHER", "duplicate_id", [(A, TAKEN_BY_DEPUTY), (B, a_link(DEPUTY))]),
            ("HANDLER_IN_THE_OTHER", "duplicate_id", [(A, a_passing_on(DEPUTY)), (B, a_link(DEPUTY.upper()))]),
        ],
    )
    def test_of_what_stands_in_the_way(self, code: str, field: str, happened: list[tuple[str, Message]]) -> None:
        matter = taken()
        for concern_id, command in happened:
            if command is TAKEN_BY_DEPUTY:
                matter.give(of(concern_id, a_passing_on(DEPUTY)), dsl)
            matter.give(of(concern_id, command), deputy if command is TAKEN_BY_DEPUTY else dsl)
        refusal = matter.refusal(a_merging(), dsl)
        assert (refusal.code, refusal.field) == (code, field)
        matter.deliver()
        assert matter.state(B).status != calls.CONCERN_STATUS_MERGED

    @pytest.mark.parametrize(("concern_id", "field"), [(A, "concern_id"), (B, "duplicate_id")])
    def test_nothing_that_is_unread_is_merged(self, concern_id: str, field: str) -> None:
        matter = taken()
        matter.give(of(concern_id, addition), mentor)
        refusal = matter.refusal(a_merging(), dsl)
        assert (refusal.code, refusal.field) == ("CONCERN_NOT_ACKNOWLEDGED", field)

    @pytest.mark.parametrize(
        ("leading", "duplicate", "code"),
        [
            ({}, {"category": LOW_LEVEL}, "CONCERNS_KEPT_APART"),
            ({"category": LOW_LEVEL}, {}, "CONCERNS_KEPT_APART"),
            ({"category": LOW_LEVEL}, {"category": ALLEGATION}, "CONCERNS_KEPT_APART"),
            ({"category": ALLEGATION}, {"category": LOW_LEVEL}, "CONCERNS_KEPT_APART"),
            ({"severity": events.SEVERITY_OTHER}, {}, "LEADING_LESS_SERIOUS"),
            ({}, {"severity": events.SEVERITY_IMMEDIATE_DANGER}, "LEADING_LESS_SERIOUS"),
        ],
    )
    def test_of_what_does_not_belong_together(
        self, leading: dict[str, events.Severity.ValueType], duplicate: dict[str, events.Severity.ValueType], code: str
    ) -> None:
        matter = taken(a_concern(about=MENTOR, **leading), a_concern(about=MENTOR, **duplicate))  # type: ignore[arg-type]
        assert matter.refusal(a_merging(), dsl).code == code

    def test_one_about_a_dsl_stays_with_the_senior_lead(self) -> None:
        conduct = a_concern(about=MENTOR, category=ALLEGATION)
        matter = raised_each(conduct, a_concern(about=MENTOR, category=ALLEGATION, naming=[DEPUTY]))
        for _ in range(3):
            matter.miss_the_deadline(A)
        for concern_id in (A, B):
            matter.give(of(concern_id, acknowledgement), lead)
        assert matter.refusal(a_merging(), lead).code == "CONCERNS_KEPT_APART"

    def test_into_itself_into_a_merged_one_and_of_one_that_leads(self) -> None:
        matter = merged(a_concern(), a_concern(), a_concern())
        assert matter.refusal(a_merging(A, A), dsl).code == "MERGED_INTO_ITSELF"
        into_merged = matter.refusal(a_merging(C, B), dsl)
        assert (into_merged.code, into_merged.field) == ("CONCERN_MERGED", "concern_id")
        leads = matter.refusal(a_merging(A, C), dsl)
        assert (leads.code, leads.field) == ("CONCERN_LEADS_OTHERS", "duplicate_id")
        again = matter.refusal(a_merging(B, C), dsl)
        assert (again.code, again.field) == ("CONCERN_MERGED", "duplicate_id")

    def test_to_whoever_does_not_handle_both(self) -> None:
        matter = taken()
        matter.give(a_passing_on(DEPUTY), dsl)
        assert matter.refusal(a_merging(), deputy).code == "CONCERN_NOT_YOURS"
        assert matter.refusal(a_merging(), lead).code == "CONCERN_NOT_YOURS"

    def test_to_whoever_had_the_other_and_has_it_no_more_since_who_has_it_would_lose_it_unheard(self) -> None:
        matter = taken()
        matter.give(of(B, a_passing_on(DEPUTY)), dsl)
        matter.give(of(B, acknowledgement), deputy)
        refusal = matter.refusal(a_merging(), dsl)
        assert (refusal.code, refusal.field) == ("CONCERN_HELD_BY_ANOTHER", "duplicate_id")
        matter.give(a_merging(A, B), dsl)
        (*_, told) = matter.deliver()
        assert isinstance(told, events.ConcernAssigned)
        assert (told.concern_id, told.assignee_id) == (B, DEPUTY)

    def test_what_leads_another_is_not_triaged_across_to_the_conduct_of_staff(self) -> None:
        command = TriageConcernRequest(
            concern_id=A, site_id="site-1", category=ALLEGATION, severity=events.SEVERITY_SERIOUS
        )
        refusal = merged().refusal(command, dsl)
        assert (refusal.code, refusal.field) == ("CONCERNS_KEPT_APART", "category")

    def test_what_leads_another_is_not_triaged_as_less_serious_for_its_times_are_the_others_too(self) -> None:
        lower = TriageConcernRequest(
            concern_id=A, site_id="site-1", category=events.CONCERN_CATEGORY_PHYSICAL, severity=events.SEVERITY_OTHER
        )
        matter = merged()
        refusal = matter.refusal(lower, dsl)
        assert (refusal.code, refusal.field) == ("CONCERNS_KEPT_TOGETHER", "severity")
        lower.severity = events.SEVERITY_IMMEDIATE_DANGER
        matter.give(lower, dsl)

    def test_an_allegation_that_leads_another_is_not_triaged_as_less_for_the_lados_time_is_the_others_too(self) -> None:
        conduct = a_concern(about=MENTOR, category=ALLEGATION)
        matter = merged(conduct, a_concern(about=MENTOR, category=ALLEGATION))
        command = TriageConcernRequest(
            concern_id=A, site_id="site-1", category=LOW_LEVEL, severity=events.SEVERITY_SERIOUS
        )
        refusal = matter.refusal(command, dsl)
        assert (refusal.code, refusal.field) == ("CONCERNS_KEPT_APART", "category")
        assert handling.CONCERN_DUE_REFERRAL_TO_LADO in {one.kind for one in matter.state(A).due}

    def test_what_turns_out_to_be_an_allegation_is_one_though_it_leads_others(self) -> None:
        conduct = a_concern(about=MENTOR, category=LOW_LEVEL)
        matter = merged(conduct, a_concern(about=MENTOR, category=LOW_LEVEL))
        command = TriageConcernRequest(
            concern_id=A, site_id="site-1", category=ALLEGATION, severity=events.SEVERITY_SERIOUS
        )
        matter.give(command, dsl)
        assert handling.CONCERN_DUE_REFERRAL_TO_LADO in {one.kind for one in matter.state(A).due}


class TestMeanwhile:
    @pytest.mark.parametrize(
        ("concern_id", "command"),
        [
            (A, closure),
            (A, addition),
            (B, closure),
            (B, addition),
            (B, a_task(DEPUTY)),
            (B, a_referral()),
            (B, a_link(FRIEND)),
            (B, an_addition(DSL)),
        ],
    )
    def test_what_changed_before_it_was_merged_stays_on_its_own(self, concern_id: str, command: Message) -> None:
        matter = taken()
        matter.give(a_merging(), dsl)
        matter.give(of(concern_id, command), dsl if command is not addition else mentor)
        before = matter.state(B)
        assert kinds_of(matter.deliver()) == ["ConcernSeparated", "MergedConcernLetGo"]
        after = matter.state(B)
        assert (after.status, after.due, after.acknowledge_by) == (before.status, before.due, before.acknowledge_by)
        assert matter.state(A).merged == ()

    def test_what_another_took_before_it_was_merged_stays_theirs(self) -> None:
        matter = taken()
        before = matter.state(B)
        matter.give(of(B, a_passing_on(DEPUTY)), dsl)
        matter.give(of(B, acknowledgement), deputy)
        matter.give(a_merging(), dsl, seeing=before)
        assert kinds_of(matter.deliver())[0] == "ConcernSeparated"
        assert (matter.state(B).leading, matter.state(B).held_by_id) == (None, DEPUTY)
        assert matter.state(A).merged == ()

    def test_two_that_are_merged_into_each_other_both_go_on(self) -> None:
        matter = taken()
        before = matter.state(A)
        matter.give(a_merging(B, A), dsl)
        matter.give(a_merging(A, B), dsl, seeing=before)
        matter.deliver()
        assert {matter.state(one).status for one in (A, B)} == {calls.CONCERN_STATUS_ACKNOWLEDGED}
        assert matter.state(A).merged == matter.state(B).merged == ()

    def test_one_that_is_merged_into_two_is_merged_into_one(self) -> None:
        matter = taken(a_concern(), a_concern(), a_concern())
        matter.give(a_merging(C, A), dsl)
        matter.give(a_merging(C, B), dsl)
        matter.deliver()
        assert matter.state(C).leading == Leading(A, 1)
        assert [len(matter.state(one).merged) for one in (A, B)] == [1, 0]

    def test_what_comes_twice_or_late_changes_nothing(self) -> None:
        matter = taken()
        matter.give(a_merging(), dsl)
        (joining,) = matter.on_its_way
        matter.deliver()
        assert matter.give(joining, platform) == []
        matter.give(a_separation(), dsl)
        (letting_go,) = matter.on_its_way
        matter.deliver()
        assert matter.give(letting_go, platform) == matter.give(joining, platform) == []
        matter.give(of(B, acknowledgement), dsl)
        matter.give(a_merging(), dsl)
        matter.deliver()
        assert matter.state(B).leading is not None
        assert matter.give(letting_go, platform) == matter.give(joining, platform) == []
        late = LetGoOfMergedConcernRequest(concern_id=A, merged_id=B, number=2)
        assert matter.give(late, platform) == [], "it is merged still"

    def test_a_merging_right_after_a_separation_is_another_one(self) -> None:
        matter = merged()
        matter.give(a_separation(), dsl)
        matter.give(of(B, acknowledgement), dsl)
        matter.give(a_merging(), dsl)
        matter.deliver()
        assert matter.state(B).leading is not None
        assert [(one.concern_id, one.number) for one in matter.state(A).merged] == [(B, 2)]
