"""Over any circle and any matrix: the people told are exactly those whom the matrix tells, each once."""

from collections import Counter

from eventkernel.testing.scenario import assert_folds_in_pieces, given
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, PartyRelationship
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleRecorded,
    Detail,
    NeedToKnowRule,
    NoticeRequested,
)
from notifications.domain.circle import Circle, circle
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, NeedToKnow
from notifications.domain.telling import telling
from pydantic import TypeAdapter

from .circles import BECAUSE_OF_PARTY, PLANNED, UNDER_18, changed, party, surrounded

STANDARDS = {"m-1": "ST0148", "m-2": "ST0001"}
PEOPLE = st.sampled_from(["ada", "p1", "p2", "p3", "p4", "p5"])
PARTIES = st.lists(
    st.builds(
        party, PEOPLE, st.sampled_from([value for value in PartyRelationship.values() if value])
    ),
    max_size=6,
)  # fmt: skip
RECORDS = st.lists(
    st.builds(
        lambda mentorship_id, mentor_id, parties, ended: CircleRecorded(
            learner_id="ada",
            mentorship_id=mentorship_id,
            mentor_id="" if ended else mentor_id,
            parties=[] if ended else parties,
            ended=ended,
            standard_reference="" if ended else STANDARDS[mentorship_id],
        ),
        st.sampled_from(["m-1", "m-2"]),
        PEOPLE,
        PARTIES,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
KINDS = st.sampled_from(
    [
        kind
        for kind in InformationKind.values()
        if kind not in (InformationKind.INFORMATION_KIND_UNSPECIFIED, InformationKind.INFORMATION_KIND_CONCERN)
    ]
)
MATRIX = st.dictionaries(
    st.tuples(KINDS, st.sampled_from(CIRCLE_RELATIONSHIPS)), st.sampled_from(Detail.values()), max_size=40
)


def _people(of: CircleRecorded) -> set[tuple[str, Because.ValueType]]:
    if of.ended:
        return set()
    parties = [one for one in of.parties if one.relationship in BECAUSE_OF_PARTY]
    return {(of.mentor_id, Because.BECAUSE_MENTOR)} | {
        (one.person_id, BECAUSE_OF_PARTY[one.relationship]) for one in parties
    }


@settings(deadline=None)
@for_all(
    records=RECORDS,
    cells=MATRIX,
    kind=KINDS,
    actor_id=st.one_of(st.just(""), PEOPLE),
    belongs=st.sampled_from([("", ""), ("m-1", ""), ("m-2", ""), ("", "ST0148"), ("", "ST0001"), ("", "ST0002")]),
)
def test_the_people_told_are_exactly_those_whom_the_matrix_tells_each_once(
    records: list[CircleRecorded],
    cells: dict[tuple[InformationKind.ValueType, Because.ValueType], Detail.ValueType],
    kind: InformationKind.ValueType,
    actor_id: str,
    belongs: tuple[str, str],
) -> None:
    mentorship_id, standard = belongs
    matrix = NeedToKnow.of(NeedToKnowRule(kind=k, because=b, detail=d) for (k, b), d in cells.items())
    request = changed(PLANNED, kind=kind, actor_id=actor_id, mentorship_id=mentorship_id, standard_reference=standard)
    outcome = given(telling).beside(surrounded(*records), matrix, UNDER_18).when(request)

    newest = {record.mentorship_id: record for record in records}
    if mentorship_id and mentorship_id not in newest:
        outcome.then_refused("CIRCLE_UNKNOWN")
        return
    if mentorship_id:
        meant = [newest[mentorship_id]]
    elif standard:
        meant = [one for one in newest.values() if one.standard_reference == standard]
    else:
        meant = [one for one in newest.values() if one.ended or one.mentor_id == actor_id]
    people = [_people(one) for one in meant]
    related = {("ada", Because.BECAUSE_LEARNER), *(set.intersection(*people) if people else set())}
    expected: dict[str, int] = {}
    for person_id, because in related:
        detail = cells.get((kind, because), Detail.DETAIL_UNSPECIFIED)
        if detail and person_id != actor_id:
            expected[person_id] = max(detail, expected.get(person_id, 0))

    notices = [event for event in outcome.events if isinstance(event, NoticeRequested)]
    assert Counter(event.recipient_id for event in notices) == Counter(expected.keys())
    assert len({event.notice_id for event in notices}) == len(notices)
    for event in notices:
        assert event.detail == expected[event.recipient_id]
        assert (event.recipient_id, event.because) in related
        assert cells[kind, event.because] == event.detail
        assert "ada" not in event.about_id
    outcome.after().when(request).then(*(() if notices else outcome.events))


@settings(deadline=None)
@for_all(records=RECORDS)
def test_any_circle_folds_in_pieces_and_survives_its_snapshot(records: list[CircleRecorded]) -> None:
    assert_folds_in_pieces(circle, records)
    adapter = TypeAdapter(Circle)
    state = surrounded(*records)
    assert adapter.validate_json(adapter.dump_json(state)) == state
