"""Lists of evidence: what is in them, in which order, and that pages leave nothing out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from eventkernel.messages import Metadata, Principal
from eventkernel.testing.scenario import NOON, person
from evidence.projections.evidence_list import (
    EvidenceItem,
    evidence_list,
    list_evidence,
    list_evidence_to_judge,
)
from evidence.projections.support_team import Attached, Mentorship, SupportTeam
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import PARTY_RELATIONSHIP_ASSESSOR, PARTY_RELATIONSHIP_COACH, Page
from mentoring.evidence.v1.events_pb2 import (
    DECISION_ACCEPT,
    DECISION_REFER,
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_WORK_PRODUCT,
    EvidenceKind,
)
from mentoring.evidence.v1.judging_pb2 import (
    EVIDENCE_STATUS_ACCEPTED,
    EVIDENCE_STATUS_AWAITING_JUDGEMENT,
    EVIDENCE_STATUS_REFERRED,
    EVIDENCE_STATUS_WITHDRAWN,
    EvidenceStatus,
    WithdrawEvidenceRequest,
)
from mentoring.evidence.v1.listing_pb2 import ListEvidenceRequest, ListEvidenceToJudgeRequest

from .pieces import ANOTHER_ASSESSOR, ASSESSOR, LEARNER, accept, judge_claims, refer, resubmit, story, supersede

PART = (judge_claims(accept("K1"), refer("K2", "S1")), ASSESSOR)
REFERRED = (judge_claims(refer("K1", "K2", "S1")), ASSESSOR)
AGAIN = (resubmit("K2"), LEARNER)
WITHDRAW = (WithdrawEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1", reason="CONFIDENTIAL"), LEARNER)


def folded(*steps: tuple[Message, Principal]) -> EvidenceItem:
    """The document after a story, an event an hour; kept and loaded in between."""
    document = evidence_list.new("evidence-1")
    for place, event in enumerate(story(*steps)):
        meta = Metadata("id", "type", "provider-1", "evidence-evidence-1", place + 1, NOON + timedelta(hours=place))
        if type(event) in evidence_list.folds:
            evidence_list.folds[type(event)](document, event, meta)
        document = EvidenceItem.model_validate(document.model_dump())
    return document


@pytest.mark.parametrize(
    ("steps", "status", "claims"),
    [
        ([], EVIDENCE_STATUS_AWAITING_JUDGEMENT, {"K1": (0, 0), "K2": (0, 0), "S1": (0, 0)}),
        ([PART], EVIDENCE_STATUS_REFERRED, {"K1": (DECISION_ACCEPT, 1), "K2": (DECISION_REFER, 1), "S1": (DECISION_REFER, 1)}),
        ([PART, AGAIN], EVIDENCE_STATUS_AWAITING_JUDGEMENT, {"K1": (DECISION_ACCEPT, 1), "K2": (0, 0)}),
        (
            [PART, AGAIN, (judge_claims(accept("K2"), attempt=2), ASSESSOR)],
            EVIDENCE_STATUS_ACCEPTED,
            {"K1": (DECISION_ACCEPT, 1), "K2": (DECISION_ACCEPT, 2)},
        ),
        (
            [PART, (supersede(accept("K1", "K2", "S1")), ANOTHER_ASSESSOR)],
            EVIDENCE_STATUS_ACCEPTED,
            {"K1": (DECISION_ACCEPT, 2), "K2": (DECISION_ACCEPT, 2), "S1": (DECISION_ACCEPT, 2)},
        ),
        ([REFERRED, WITHDRAW], EVIDENCE_STATUS_WITHDRAWN, {}),
    ],
)  # fmt: skip
def test_a_piece_is_listed_as_it_stands(
    steps: list[tuple[Message, Principal]], status: int, claims: dict[str, tuple[int, int]]
) -> None:
    found = folded(*steps)
    assert found.status == status
    assert {code: (one.decision, one.number) for code, one in found.claims.items()} == claims
    assert (found.learner_id, found.author_id, found.reference) == ("learner-1", "learner-1", "ST0148")
    assert (found.submitted_at, found.attempt) == (NOON, 2 if AGAIN in steps else 1)


def item(
    number: int, learner_id: str = "learner-1", status: int = EVIDENCE_STATUS_AWAITING_JUDGEMENT, **more: Any
) -> EvidenceItem:
    decision = {EVIDENCE_STATUS_ACCEPTED: DECISION_ACCEPT, EVIDENCE_STATUS_REFERRED: DECISION_REFER}.get(status, 0)  # type: ignore[call-overload]
    fields: dict[str, Any] = {
        "evidence_id": f"evidence-{number}", "learner_id": learner_id, "reference": "ST0148", "kind": EVIDENCE_KIND_WORK_PRODUCT,
        "claims": {"K1": {"decision": decision}}, "submitted_at": NOON + timedelta(hours=number),
        "resubmitted_at": NOON + timedelta(hours=number),
    }  # fmt: skip
    return EvidenceItem.model_validate({**fields, **more})


ITEMS = [
    item(1),
    item(2, status=EVIDENCE_STATUS_ACCEPTED),
    item(3, kind=EVIDENCE_KIND_OBSERVATION, claims={"S1": {}}),
    item(4, status=EVIDENCE_STATUS_REFERRED),
    item(5, learner_id="learner-2"),
    item(6, learner_id="learner-3"),
    item(7, reference="ST0070"),
    item(8, learner_id="learner-2", reference="ST0070"),
]


async def listed(reader: Callable[..., Any], **asking: Any) -> list[str]:
    """All pages, one piece each."""
    read, found, cursor = reader(LEARNER, documents=ITEMS), [], ""
    while True:
        request = ListEvidenceRequest(learner_id="learner-1", page=Page(size=1, cursor=cursor), **asking)
        response = await list_evidence(request, read)
        found += [one.evidence_id for one in response.evidence]
        cursor = response.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize(
    ("asking", "found"),
    [
        ({}, [7, 4, 3, 2, 1]),
        ({"statuses": [EVIDENCE_STATUS_ACCEPTED, EVIDENCE_STATUS_REFERRED]}, [4, 2]),
        ({"statuses": [EVIDENCE_STATUS_WITHDRAWN]}, []),
        ({"kinds": [EVIDENCE_KIND_OBSERVATION]}, [3]),
        ({"ksb_code": "K1", "statuses": [EVIDENCE_STATUS_AWAITING_JUDGEMENT]}, [7, 1]),
    ],
)
async def test_a_learners_list_is_filtered_and_the_newest_comes_first(
    reader: Callable[..., Any], asking: dict[str, Any], found: list[int]
) -> None:
    assert await listed(reader, **asking) == [f"evidence-{number}" for number in found]


def team(
    learner_id: str,
    person_id: str,
    relationship: Any = PARTY_RELATIONSHIP_ASSESSOR,
    *,
    active: bool = True,
    reference: str = "ST0148",
) -> SupportTeam:
    one = Mentorship(
        mentor_id="mentor-1",
        standard_reference=reference,
        parties=[Attached(person_id=person_id, relationship=relationship)],
        active=active,
    )
    return SupportTeam(learner_id=learner_id, mentorships={"mentorship-1": one})


@pytest.mark.parametrize(
    ("caller", "found"),
    [
        (LEARNER, [7, 4, 3, 2, 1]),
        (person("mentor-1", "mentor"), [4, 3, 2, 1]),
        (person("assessor-1", "assessor"), [4, 3, 2, 1]),
        (person("assessor-2", "assessor"), [7]),
        (person("coach-1", "assessor"), []),
    ],
    ids=lambda part: getattr(part, "person_id", None),
)
async def test_whoever_stands_beside_the_learner_on_one_standard_is_shown_no_piece_of_another(
    reader: Callable[..., Any], caller: Principal, found: list[int]
) -> None:
    teams = team("learner-1", "assessor-1")
    other = team("learner-1", "assessor-2", reference="ST0070").mentorships["mentorship-1"]
    teams.mentorships["mentorship-1"].parties.append(
        Attached(person_id="coach-1", relationship=PARTY_RELATIONSHIP_COACH)
    )
    teams.mentorships["mentorship-2"] = other.model_copy(update={"mentor_id": "mentor-2"})
    response = await list_evidence(
        ListEvidenceRequest(learner_id="learner-1"), reader(caller, documents=[*ITEMS, teams])
    )
    assert [one.evidence_id for one in response.evidence] == [f"evidence-{number}" for number in found]


async def to_judge(reader: Callable[..., Any], *teams: SupportTeam, **asking: Any) -> list[str]:
    read = reader(person("assessor-1", "assessor"), documents=[*ITEMS, *teams])
    response = await list_evidence_to_judge(ListEvidenceToJudgeRequest(**asking), read)
    return [one.evidence_id for one in response.evidence]


async def test_an_assessor_is_shown_what_waits_of_their_learners_that_which_waits_longest_first(
    reader: Callable[..., Any],
) -> None:
    teams = [team("learner-1", "assessor-1"), team("learner-2", "assessor-1"), team("learner-3", "assessor-2")]
    assert await to_judge(reader, *teams) == ["evidence-1", "evidence-3", "evidence-5"]
    assert await to_judge(reader, *teams, ksb_code="S1") == ["evidence-3"]
    assert await to_judge(reader, *teams, kinds=[EVIDENCE_KIND_OBSERVATION]) == ["evidence-3"]


async def test_an_assessor_is_shown_nothing_of_a_standard_on_which_they_do_not_assess_the_learner(
    reader: Callable[..., Any],
) -> None:
    teams = [team("learner-1", "assessor-1"), team("learner-2", "assessor-1", reference="ST0070")]
    assert await to_judge(reader, *teams) == ["evidence-1", "evidence-3", "evidence-8"]


async def test_a_learner_who_comes_between_two_pages_voids_no_cursor(reader: Callable[..., Any]) -> None:
    assessor, first = person("assessor-1", "assessor"), [team("learner-1", "assessor-1")]
    asked = ListEvidenceToJudgeRequest(page=Page(size=1))
    before = await list_evidence_to_judge(asked, reader(assessor, documents=[*ITEMS, *first]))
    asked.page.cursor, asked.page.size = before.next_cursor, 9
    after = await list_evidence_to_judge(
        asked, reader(assessor, documents=[*ITEMS, *first, team("learner-2", "assessor-1")])
    )
    assert [one.evidence_id for one in (*before.evidence, *after.evidence)] == [
        "evidence-1",
        "evidence-3",
        "evidence-5",
    ]


async def test_who_assesses_nobody_now_is_shown_nothing(reader: Callable[..., Any]) -> None:
    teams = [team("learner-1", "assessor-1", active=False), team("learner-2", "assessor-1", PARTY_RELATIONSHIP_COACH)]
    assert await to_judge(reader, *teams) == []
    assert await to_judge(reader) == []


def test_what_is_stored_has_the_fields_that_lists_are_filtered_by() -> None:
    stored = item(1).model_dump()
    assert (stored["status"], stored["ksb_codes"], stored["waiting_codes"]) == (1, ["K1"], ["K1"])
    assert team("learner-1", "assessor-1").model_dump()["assessor_ids"] == ["assessor-1"]
    assert EvidenceStatus.Name(item(1).status) == "EVIDENCE_STATUS_AWAITING_JUDGEMENT"
    assert EvidenceKind.Name(item(1).kind) == "EVIDENCE_KIND_WORK_PRODUCT"
