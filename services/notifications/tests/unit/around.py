"""Random circles, matrices and conditions of one learner, for properties."""

from datetime import date
from itertools import product

from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded, Detail, NeedToKnowRule
from notifications.domain.conditions import Conditions
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, NeedToKnow

PEOPLE = ("ada", "p1", "p2", "p3", "p4")
_PERSON = st.sampled_from(PEOPLE)
# Few, so that a matrix has rules for what is told.
_KINDS = (
    InformationKind.INFORMATION_KIND_SESSION,
    InformationKind.INFORMATION_KIND_ACTION,
    InformationKind.INFORMATION_KIND_ISSUE_PROGRESS,
    InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING,
)
KINDS = st.sampled_from(_KINDS)
# Everything that a rule may be about, twice: a cell may have two rules, under different conditions.
CELLS = tuple(product(_KINDS, CIRCLE_RELATIONSHIPS))
_PARTY = st.builds(
    lambda person_id, relationship: Party(person_id=person_id, relationship=relationship),
    _PERSON,
    st.sampled_from([relationship for relationship in PartyRelationship.values() if relationship]),
)


def _recorded(mentorship_id: str, mentor_id: str, parties: list[Party], ended: bool) -> CircleRecorded:
    return CircleRecorded(
        learner_id="ada",
        mentorship_id=mentorship_id,
        mentor_id="" if ended else mentor_id,
        parties=[] if ended else parties,
        ended=ended,
    )


RECORD = st.builds(
    _recorded, st.sampled_from(["m-1", "m-2"]), _PERSON, st.lists(_PARTY, max_size=5), st.integers(0, 4).map(lambda one: not one)
)  # fmt: skip
CIRCLES = st.lists(RECORD, min_size=1, max_size=4)
_DEPENDS = st.sampled_from(
    [
        (),
        (Condition.CONDITION_UNDER_18,),
        (Condition.CONDITION_LEARNER_AGREES,),
        (Condition.CONDITION_UNDER_18, Condition.CONDITION_LEARNER_AGREES),
    ]
)


def _rules(told: list[tuple[Detail.ValueType, tuple[Condition.ValueType, ...]]]) -> list[NeedToKnowRule]:
    rules = [
        NeedToKnowRule(
            kind=kind, because=because, detail=detail, conditions=depends if because != Because.BECAUSE_LEARNER else ()
        )
        for (kind, because), (detail, depends) in zip(CELLS * 2, told, strict=True)
    ]
    # Two rules of one name would be refused; a guardian's without a condition has the name of the one for under 18.
    return list({next(iter(NeedToKnow.of([rule]).rules)).name: rule for rule in rules if rule.detail}.values())


_TOLD = st.tuples(st.sampled_from(Detail.values()), _DEPENDS)
RULES = st.lists(_TOLD, min_size=2 * len(CELLS), max_size=2 * len(CELLS)).map(_rules)
MATRICES = RULES.map(NeedToKnow.of)
CONDITIONS = st.builds(
    lambda agreed, day: Conditions(tuple(sorted(agreed)), day),
    st.sets(st.sampled_from(CELLS)),
    st.sampled_from([None, date(2020, 1, 1), date(2030, 1, 1)]),
)
