"""The need-to-know matrix: the default is that of the domain, and a provider can replace it."""

import pytest
from eventkernel.testing.scenario import assert_folds_in_pieces, given
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Because, Detail, NeedToKnowRule, NeedToKnowSet
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest
from notifications.default_matrix import default_matrix, default_rules
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
CELLS = {
    "full": Detail.DETAIL_FULL,
    "full (own)": Detail.DETAIL_FULL,
    # What is published of a record is its shared part alone.
    "shared part": Detail.DETAIL_FULL,
    "outline": Detail.DETAIL_OUTLINE,
    "-": Detail.DETAIL_UNSPECIFIED,
    # Conditions that no relationship fulfils by itself: not told by the matrix.
    "own": Detail.DETAIL_UNSPECIFIED,
    "own and shared": Detail.DETAIL_UNSPECIFIED,
    "- only with the learner's agreement": Detail.DETAIL_UNSPECIFIED,
    "that it was received (raiser)": Detail.DETAIL_UNSPECIFIED,
}


def domain_cells() -> list[tuple[str, str, str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOMAIN.strip().splitlines()]
    header, rows = lines[0], lines[2:]
    return [
        (row[0], column, cell)
        for row in rows
        for column, cell in zip(header[1:], row[1:], strict=True)
        if column != "DSL"
    ]


@pytest.mark.parametrize(("information", "relationship", "cell"), domain_cells())
def test_the_default_matrix_is_that_of_the_domain(information: str, relationship: str, cell: str) -> None:
    assert default_matrix().detail(KINDS[information], COLUMNS[relationship]) == CELLS[cell]


def test_the_table_covers_every_kind_and_every_relationship_and_the_default_has_no_rule_beside_it() -> None:
    assert set(KINDS.values()) == set(InformationKind.values()) - {InformationKind.INFORMATION_KIND_UNSPECIFIED}
    assert set(COLUMNS.values()) == set(CIRCLE_RELATIONSHIPS)
    told = {(KINDS[row], COLUMNS[column]) for row, column, cell in domain_cells() if CELLS[cell]}
    assert {(rule.kind, rule.because) for rule in default_matrix().rules} == told


def rule(
    kind: InformationKind.ValueType = InformationKind.INFORMATION_KIND_SESSION,
    because: Because.ValueType = Because.BECAUSE_ASSESSOR,
    detail: Detail.ValueType = Detail.DETAIL_OUTLINE,
) -> NeedToKnowRule:
    return NeedToKnowRule(kind=kind, because=because, detail=detail)


def test_a_provider_replaces_the_whole_matrix() -> None:
    aggregate = need_to_know(default_matrix())
    mine = SetNeedToKnowRequest(rules=[rule()])
    after = given(aggregate).when(mine).then(NeedToKnowSet(rules=[rule()]))
    assert after.state.rules == NeedToKnow.of([rule()]).rules
    after.when(mine).then_nothing()
    after.when(default_rules()).then(NeedToKnowSet(rules=default_rules().rules))


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
    ],
)
def test_a_rule_that_cannot_mean_anything_is_refused(rules: list[NeedToKnowRule], code: str) -> None:
    refusal = given(need_to_know(default_matrix())).when(SetNeedToKnowRequest(rules=rules)).then_refused(code)
    assert refusal.field == "rules"


def test_a_matrix_folds_in_pieces_and_survives_its_snapshot() -> None:
    aggregate = need_to_know(default_matrix())
    assert_folds_in_pieces(aggregate, [NeedToKnowSet(rules=[rule()]), NeedToKnowSet(rules=default_rules().rules)])
    adapter = TypeAdapter(NeedToKnow)
    assert adapter.validate_json(adapter.dump_json(default_matrix())) == default_matrix()
