"""An export as the concern knows it, who of it is named, and the hashes that tie the document to what is stored."""

import hashlib

import pytest
from eventkernel.messages import Metadata, Recorded
from eventkernel.testing.scenario import NOON
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1.export_events_pb2 import ConcernExported
from mentoring.safeguarding.v1.export_pb2 import NoteConcernExportedRequest
from mentoring.safeguarding.v1.merging_events_pb2 import ConcernMergeExplained
from safeguarding.domain.concern_state import Concern
from safeguarding.export.redaction import Redaction, redaction
from safeguarding.export.words import details, happened, words
from safeguarding.file_contents import hashes, part

from .stories import (
    DSL,
    LEARNER,
    STRANGER,
    Tale,
    acknowledged,
    an_addition,
    closure,
    dsl,
    mentor,
    platform,
    raised,
    refusal_of,
)

AUNT = "person-aunt"


def an_export(exporter_id: str = DSL, **changes: str) -> NoteConcernExportedRequest:
    named = {"concern_id": "concern-1", "export_id": "export-1", "exporter_id": exporter_id, "reason": "the-order"}
    return NoteConcernExportedRequest(**{**named, **changes})


class TestNoted:
    def test_who_takes_it_out_why_and_about_whom_is_known_and_nothing_else_changes(self) -> None:
        tale = acknowledged()
        before = tale.state
        (noted,) = tale.give(an_export(only_about_id=LEARNER), platform)
        assert isinstance(noted, ConcernExported)
        assert (noted.exporter_id, noted.only_about_id, noted.reason.to_be_sealed) == (DSL, LEARNER, "the-order")
        assert (noted.person_at_risk_id, noted.at.ToDatetime(NOON.tzinfo)) == (LEARNER, tale.now)
        assert tale.state == before

    def test_also_what_is_closed_or_waits_is_exported(self) -> None:
        closed = acknowledged()
        closed.give(closure, dsl)
        for tale in (raised(), closed):
            assert isinstance(tale.give(an_export(), platform)[0], ConcernExported)

    def test_who_is_at_risk_exports_nothing_and_of_nothing_there_is_no_export(self) -> None:
        for tale, who in ((raised(), LEARNER), (Tale(), DSL)):
            assert refusal_of(tale, an_export(who), platform).code == "CONCERN_NOT_YOURS"

    def test_who_is_named_meanwhile_exports_nothing(self) -> None:
        tale = raised()
        tale.give(an_addition(DSL), mentor)
        assert refusal_of(tale, an_export(), platform).code == "CONCERN_NOT_YOURS"

    def test_it_is_about_somebody_who_is_in_it(self) -> None:
        refusal = refusal_of(raised(), an_export(only_about_id=STRANGER), platform)
        assert (refusal.code, refusal.field) == ("PERSON_NOT_IN_CONCERN", "only_about_id")


class TestRedaction:
    def test_without_a_person_everybody_is_named_and_nothing_is_withheld(self) -> None:
        whole = redaction(Concern(in_it_ids=frozenset({AUNT, LEARNER})), "", is_anonymous=True)
        assert whole.of(f"{AUNT} and {LEARNER}") == f"{AUNT} and {LEARNER}"
        assert not whole.withholds(AUNT)

    def test_others_are_letters_however_their_ids_are_written_and_no_part_of_a_longer_id_is(self) -> None:
        state = Concern(in_it_ids=frozenset({"anna", "ben", LEARNER}), raiser_id="carl")
        found = redaction(state, LEARNER.upper(), is_anonymous=False)
        assert found.of("Anna, BEN, anna-2, banna, carl and person-learner") == (
            "person A, person B, anna-2, banna, carl and person-learner"
        )
        assert found.withholds("anna")
        assert not found.withholds(LEARNER)

    def test_a_letter_that_is_like_one_of_an_id_makes_another_word(self) -> None:
        """Turkish has an i without a dot, which is no small form of any letter of an id."""
        found = redaction(Concern(in_it_ids=frozenset({"kadir", LEARNER})), LEARNER, is_anonymous=False)
        assert found.of("Kad\u0131r, KADIR and \u017fam") == "Kad\u0131r, person A and \u017fam"

    def test_more_people_than_letters_are_told_apart(self) -> None:
        many = [f"p-{number:02}" for number in range(60)]
        found = redaction(Concern(in_it_ids=frozenset({*many, LEARNER})), LEARNER, is_anonymous=False)
        assert len({found.of(one) for one in many}) == 60
        assert found.of("p-26") == "person A2"

    @pytest.mark.parametrize(("about", "shown"), [(LEARNER, "whoever raised it"), ("carl", "carl")])
    def test_an_anonymous_raiser_is_named_where_it_is_about_them_alone(self, about: str, shown: str) -> None:
        state = Concern(in_it_ids=frozenset({LEARNER, about}), raiser_id="carl")
        assert redaction(state, about, is_anonymous=True).of("carl") == shown

    def test_nobody_in_place_of_nobody(self) -> None:
        assert Redaction({}, LEARNER).of("all of it") == "all of it"


def history(*happened_: Message) -> list[Recorded]:
    return [
        Recorded(event, Metadata(f"id-{number}", f"type-{number}", "provider-1", "concern-concern-1", number, NOON))
        for number, event in enumerate(happened_, 1)
    ]  # fmt: skip


def test_each_hash_is_of_all_events_so_far_and_the_last_is_that_of_the_files_part() -> None:
    one, two = (
        events.ConcernEscalated(concern_id="concern-1", step=1),
        events.ConcernEscalated(concern_id="concern-1", step=2),
    )
    stored = b""
    expected = []
    for number, event in enumerate((one, two), 1):
        data = event.SerializeToString(deterministic=True)
        stored += f"id-{number}\ntype-{number}\n{len(data)}\n".encode() + data
        expected.append(hashlib.sha256(stored).digest())
    assert hashes(history(one, two)) == expected
    assert part(history(one, two)).sha256 == expected[-1]
    changed = hashes(history(two, two))
    assert changed[0] != expected[0]
    assert changed[1] != expected[1]


def test_an_event_is_told_in_words_but_for_its_texts_and_what_machines_need() -> None:
    assigned = events.ConcernAssigned(
        concern_id="concern-1", site_id="hall", category=events.CONCERN_CATEGORY_NEGLECT, assignee_id=DSL, handling_id="h",
        assignee_role=events.ASSIGNEE_ROLE_DSL_ON_DUTY, step=2,
    )  # fmt: skip
    assert details(assigned) == f"category neglect; assignee {DSL}; assignee role dsl on duty; step 2"
    raised = events.ConcernRaised(narrative=Sealed(to_be_sealed="no"), named_person_ids=["a", "b"], anonymous=True)
    assert details(raised) == "named person a, b; anonymous yes"
    merged = ConcernMergeExplained(duplicate_id="concern-2", number=1, merged_by_id=DSL, kept_away_ids=["of-the-other"])
    assert details(merged) == f"number 1; merged by {DSL}"
    assert happened("mentoring.safeguarding.concern-due-set") == "due set"
    assert words(events.Severity.DESCRIPTOR, 99) == "99"
