"""Random circles, matrices and conditions of one learner, for properties."""

from datetime import date

from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import CircleRecorded, Detail, NeedToKnowRule
from notifications.domain.conditions import Conditions
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, NeedToKnow

PEOPLE = ("ada", "p1", "p2", "p3", "p4")
_PERSON = st.sampled_from(PEOPLE)
# Few, so that a matrix often has a rule for what is told.
KINDS = st.sampled_from(
    [
        InformationKind.INFORMATION_KIND_SESSION,
        InformationKind.INFORMATION_KIND_ACTION,
        InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING,
    ]
)
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
CELL = st.tuples(KINDS, st.sampled_from(CIRCLE_RELATIONSHIPS))
_DEPENDS = st.frozensets(st.sampled_from([Condition.CONDITION_UNDER_18, Condition.CONDITION_LEARNER_AGREES]))


_CELLS = st.dictionaries(st.tuples(CELL, _DEPENDS), st.sampled_from(Detail.values()), max_size=24)
RULES = _CELLS.map(
    lambda cells: [
        NeedToKnowRule(kind=kind, because=because, detail=detail, conditions=sorted(conditions))
        for ((kind, because), conditions), detail in cells.items()
    ]
)
MATRICES = RULES.map(NeedToKnow.of)
CONDITIONS = st.builds(
    lambda agreed, day: Conditions(tuple(sorted(agreed)), day),
    st.frozensets(CELL, max_size=10),
    st.sampled_from([None, date(2020, 1, 1), date(2030, 1, 1)]),
)
