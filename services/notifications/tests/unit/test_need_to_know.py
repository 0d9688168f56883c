"""The need-to-know matrix: the default is that of the domain, and a provider can replace it."""

from collections.abc import Sequence
from datetime import date
from itertools import product

import pytest
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, Detail, NeedToKnowRule, NeedToKnowSet
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest
from notifications.default_matrix import MatrixFault, default_matrix, default_rules, read_rules
from notifications.domain.conditions import Conditions
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, NeedToKnow, need_to_know
from pydantic import TypeAdapter

# DOMAIN.md, "Need to know (default matrix; a provider can change it)", word for word.
DOMAIN = """
| information | learner | mentor | assessor | employer contact | provider manager | DSL | guardian (under 18) |
|---|---|---|---|---|---|---|---|
| session planned, moved, missed | full | full | - | outline | - | - | outline |
| session record | shared part | full | - | - | - | - | - |
| progress, review due, signed | full | full | full | full | full | - | outline |
| evidence judged | full | full | full | outline | - | - | - |
| action assigned, overdue | own and shared | full | own | own | outline | - | - |
| issue: progress | full | full | outline | outline | full | - | - |
| issue: well-being | full | full | - | - only with the learner's agreement | outline | outline | - |
| concern | - | that it was received (raiser) | - | - | - | full | - |
| data breach, erasure, export done | full (own) | - | - | - | full | - | full |
"""
KINDS = {
    "session planned, moved, missed": InformationKind.INFORMATION_KIND_SESSION,
    "session record": InformationKind.INFORMATION_KIND_SESSION_RECORD,
    "progress, review due, signed": InformationKind.INFORMATION_KIND_PROGRESS,
    "evidence judged": InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED,
    "action assigned, overdue": InformationKind.INFORMATION_KIND_ACTION,
    "issue: progress": InformationKind.INFORMATION_KIND_ISSUE_PROGRESS,
    "issue: well-being": InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING,
    "concern": InformationKind.INFORMATION_KIND_CONCERN,
    "data breach, erasure, export done": InformationKind.INFORMATION_KIND_DATA_PROTECTION,
}
# The DSL is no relationship in a circle: a DSL is told of concerns, by the part in each.
COLUMNS = {
    "learner": Because.BECAUSE_LEARNER,
    "mentor": Because.BECAUSE_MENTOR,
    "assessor": Because.BECAUSE_ASSESSOR,
    "employer contact": Because.BECAUSE_EMPLOYER_CONTACT,
    "provider manager": Because.BECAUSE_PROVIDER_MANAGER,
    "guardian (under 18)": Because.BECAUSE_GUARDIAN,
}
FULL, OUTLINE, NOTHING = Detail.DETAIL_FULL, Detail.DETAIL_OUTLINE, Detail.DETAIL_UNSPECIFIED
CELLS = {
    "full": FULL,
    "full (own)": FULL,
    # What is published of a record is its shared part alone.
    "shared part": FULL,
    "outline": OUTLINE,
    "-": NOTHING,
    # Told by the part that somebody has in it, never by the matrix.
    "own": NOTHING,
    "own and shared": NOTHING,
    "that it was received (raiser)": NOTHING,
}
ONLY_IF_AGREED = "- only with the learner's agreement"
GUARDIAN, EMPLOYER = Because.BECAUSE_GUARDIAN, Because.BECAUSE_EMPLOYER_CONTACT
TODAY, UNDER_18, OF_AGE, UNKNOWN = NOON, date(2026, 3, 4), date(2026, 3, 2), None


def domain_cells() -> list[tuple[str, str, str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOMAIN.strip().splitlines()]
    header, rows = lines[0], lines[2:]
    return [
        (row[0], column, cell)
        for row in rows
        for column, cell in zip(header[1:], row[1:], strict=True)
        if column != "DSL"
    ]


def expected(cell: str, column: str, *, is_under_18: bool, agrees: bool) -> Detail.ValueType:
    if cell == ONLY_IF_AGREED:
        return OUTLINE if agrees else NOTHING
    return CELLS[cell] if is_under_18 or "under 18" not in column else NOTHING


@pytest.mark.parametrize("comes_of_age", [UNDER_18, OF_AGE, UNKNOWN])
@pytest.mark.parametrize("agreed", ["nothing", "this cell", "every other cell", "every cell"])
@pytest.mark.parametrize(("information", "column", "cell"), domain_cells())
def test_the_default_matrix_tells_what_the_domain_says_under_each_condition(
    information: str, column: str, cell: str, agreed: str, comes_of_age: date | None
) -> None:
    here = (KINDS[information], COLUMNS[column])
    cells = {
        one
        for one in product(KINDS.values(), COLUMNS.values())
        if agreed == "every cell" or (agreed != "nothing" and (one == here) is (agreed == "this cell"))
    }
    conditions = Conditions(agreed=tuple(sorted(cells)), comes_of_age=comes_of_age)
    found = default_matrix().allowing(*here, conditions, TODAY)
    wanted = expected(cell, column, is_under_18=comes_of_age == UNDER_18, agrees=here in cells)
    assert (found.detail if found else NOTHING) == wanted


def test_the_table_covers_every_kind_and_every_relationship_and_the_default_has_no_rule_beside_it() -> None:
    assert set(KINDS.values()) == set(InformationKind.values()) - {InformationKind.INFORMATION_KIND_UNSPECIFIED}
    assert set(COLUMNS.values()) == set(CIRCLE_RELATIONSHIPS)
    told = {(KINDS[row], COLUMNS[column]) for row, column, cell in domain_cells() if CELLS.get(cell, OUTLINE)}
    assert [(rule.kind, rule.because) for rule in default_matrix().rules] == sorted(told)


def test_a_rules_name_says_what_it_is_about_and_no_other_has_it() -> None:
    names = [one.name for one in default_matrix().rules]
    assert len(set(names)) == len(names)
    assert {"session/mentor", "progress/guardian/under-18", "issue-well-being/employer-contact/learner-agrees"} < set(
        names
    )


def rule(
    kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_SESSION,
    because: Because.ValueType = Because.BECAUSE_ASSESSOR,
    detail: Detail.ValueType = Detail.DETAIL_OUTLINE,
    conditions: Sequence[Condition.ValueType] = (),
) -> NeedToKnowRule:
    return NeedToKnowRule(kind=kind, because=because, detail=detail, conditions=conditions)


AGREES, BY_AGE = Condition.CONDITION_LEARNER_AGREES, Condition.CONDITION_UNDER_18


def test_a_provider_replaces_the_whole_matrix() -> None:
    aggregate = need_to_know(default_matrix())
    mine = SetNeedToKnowRequest(rules=[rule()])
    after = given(aggregate).when(mine).then(NeedToKnowSet(rules=[rule()]))
    assert after.state.rules == NeedToKnow.of([rule()]).rules
    after.when(mine).then_nothing()
    after.when(default_rules()).then(NeedToKnowSet(rules=default_rules().rules))


def test_each_matrix_that_is_another_counts_one_version_more() -> None:
    first = given(need_to_know(default_matrix()))
    second = first.when(SetNeedToKnowRequest(rules=[rule()])).after()
    third = second.when(SetNeedToKnowRequest(rules=[rule()])).after().when(default_rules()).after()
    assert [story.state.version for story in (first, second, third)] == [1, 2, 3]


def test_a_guardian_is_told_of_a_child_alone_whatever_a_provider_or_an_old_matrix_leaves_out() -> None:
    old = given(need_to_know(default_matrix()), NeedToKnowSet(rules=[rule(because=GUARDIAN)])).state
    assert [one.name for one in old.rules] == ["session/guardian/under-18"]
    for comes_of_age, told in ((UNDER_18, True), (OF_AGE, False), (UNKNOWN, False)):
        found = old.allowing(InformationKind.INFORMATION_KIND_SESSION, GUARDIAN, Conditions((), comes_of_age), TODAY)
        assert (found is not None) is told


def test_of_several_rules_for_one_cell_the_one_that_tells_most_counts_of_those_whose_conditions_are_all_met() -> None:
    kind = InformationKind.INFORMATION_KIND_SESSION
    matrix = NeedToKnow.of(
        [
            rule(kind, GUARDIAN, OUTLINE, [AGREES]),
            rule(kind, GUARDIAN, FULL, [BY_AGE, AGREES]),
            rule(kind, EMPLOYER, OUTLINE),
            rule(kind, EMPLOYER, FULL, [AGREES]),
        ]
    )

    def by(because: Because.ValueType, *, agrees: bool, comes_of_age: date) -> str:
        cells = ((kind, because),) if agrees else ()
        found = matrix.allowing(kind, because, Conditions(cells, comes_of_age), TODAY)
        return found.name if found else ""

    assert by(EMPLOYER, agrees=False, comes_of_age=OF_AGE) == "session/employer-contact"
    assert by(EMPLOYER, agrees=True, comes_of_age=OF_AGE) == "session/employer-contact/learner-agrees"
    assert by(GUARDIAN, agrees=True, comes_of_age=UNDER_18) == "session/guardian/under-18+learner-agrees"
    assert by(GUARDIAN, agrees=True, comes_of_age=OF_AGE) == "session/guardian/learner-agrees"
    assert by(GUARDIAN, agrees=False, comes_of_age=UNDER_18) == ""


def test_setting_what_applies_already_changes_nothing() -> None:
    given(need_to_know(default_matrix())).when(default_rules()).then_nothing()


def test_a_rule_of_unspecified_detail_says_the_same_as_its_absence() -> None:
    silent = rule(because=Because.BECAUSE_GUARDIAN, detail=Detail.DETAIL_UNSPECIFIED)
    aggregate = need_to_know(default_matrix())
    given(aggregate, NeedToKnowSet(rules=[rule()])).when(SetNeedToKnowRequest(rules=[silent, rule()])).then_nothing()


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule(kind=InformationKind.INFORMATION_KIND_CONCERN)], "CONCERN_NOT_IN_MATRIX"),
        ([rule(because=Because.BECAUSE_DSL_ON_DUTY)], "NOT_A_CIRCLE_RELATIONSHIP"),
        ([rule(because=Because.BECAUSE_RAISED_THE_CONCERN)], "NOT_A_CIRCLE_RELATIONSHIP"),
        ([rule(), rule(detail=Detail.DETAIL_FULL)], "RULE_TWICE"),
        ([rule(conditions=[AGREES]), rule(conditions=[AGREES])], "RULE_TWICE"),
        # A guardian's rule is for under 18 without saying so.
        ([rule(because=GUARDIAN), rule(because=GUARDIAN, conditions=[BY_AGE])], "RULE_TWICE"),
        ([rule(because=Because.BECAUSE_LEARNER, conditions=[AGREES])], "LEARNER_UNDER_CONDITION"),
        ([rule(kind=InformationKind.INFORMATION_KIND_UNSPECIFIED)], "RULE_INCOMPLETE"),
    ],
)
def test_a_rule_that_cannot_mean_anything_is_refused(rules: list[NeedToKnowRule], code: str) -> None:
    refusal = given(need_to_know(default_matrix())).when(SetNeedToKnowRequest(rules=rules)).then_refused(code)
    assert refusal.field == "rules"


def test_everything_that_is_wrong_is_told_at_once_with_its_place() -> None:
    wrong = [
        rule(),
        rule(because=Because.BECAUSE_OWN_SKILL),
        rule(),
        rule(kind=InformationKind.INFORMATION_KIND_CONCERN),
    ]
    refusal = (
        given(need_to_know(default_matrix()))
        .when(SetNeedToKnowRequest(rules=wrong))
        .then_refused("NOT_A_CIRCLE_RELATIONSHIP")
    )
    assert [line.partition(":")[0] for line in refusal.text.splitlines()] == ["rules[1]", "rules[2]", "rules[3]"]


def test_a_file_that_makes_no_matrix_is_not_loaded_and_the_error_names_all_that_is_wrong() -> None:
    cell = '{"kind": "INFORMATION_KIND_SESSION", "because": "BECAUSE_MENTOR", "detail": "DETAIL_FULL"}'
    concern = '{"kind": "INFORMATION_KIND_CONCERN", "because": "BECAUSE_MENTOR", "detail": "DETAIL_FULL"}'
    with pytest.raises(MatrixFault) as found:
        read_rules(f'{{"rules": [{cell}, {concern}, {cell}]}}')
    assert [line.partition(":")[0] for line in str(found.value).splitlines()] == ["rules[1]", "rules[2]"]
    with pytest.raises(MatrixFault, match="BECAUSE_FRIEND"):
        read_rules(f'{{"rules": [{cell.replace("MENTOR", "FRIEND")}]}}')


def test_a_matrix_folds_in_pieces_and_survives_its_snapshot() -> None:
    aggregate = need_to_know(default_matrix())
    assert_folds_in_pieces(aggregate, [NeedToKnowSet(rules=[rule()]), NeedToKnowSet(rules=default_rules().rules)])
    adapter = TypeAdapter(NeedToKnow)
    assert adapter.validate_json(adapter.dump_json(default_matrix())) == default_matrix()
