"""What the IQA may decide on a sample, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, Outcome, assert_folds_in_pieces, given, person
from evidence.domain.piece import CRITERIA, Attempt, Details, Evidence, Judgement, Standing
from evidence.domain.sample import Sample, sample
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1.events_pb2 import DECISION_REFER, EVIDENCE_KIND_OBSERVATION
from mentoring.evidence.v1.quality_events_pb2 import (
    AGREEMENT_AGREE,
    AGREEMENT_DISAGREE,
    SAMPLE_STATUS_CONFIRMED,
    SAMPLE_STATUS_NOT_CONFIRMED,
    SAMPLING_RULE_UNIT,
    SAMPLING_STAGE_SUMMATIVE,
    CriteriaAgreement,
    SampleActionAnswered,
    SampleActionClosed,
    SampleActionOverdue,
    SampleActionRequired,
    SampleConfirmed,
    SampleOpened,
)
from mentoring.evidence.v1.quality_pb2 import (
    AnswerSampleActionRequest,
    CloseSampleActionRequest,
    DecideSampleRequest,
    MarkSampleActionOverdueRequest,
    OpenSampleRequest,
)
from pydantic import TypeAdapter

IQA = person("iqa-1", "iqa")
ANOTHER_IQA = person("iqa-2", "iqa")
ASSESSOR = person("assessor-1", "assessor")
ST0148 = StandardVersion(reference="ST0148", version="1.0")
ALL = CriteriaAgreement(**dict.fromkeys(CRITERIA, AGREEMENT_AGREE))
BUT_CURRENCY = CriteriaAgreement(**{**dict.fromkeys(CRITERIA, AGREEMENT_AGREE), "currency": AGREEMENT_DISAGREE})
DUE = "2026-03-09"
AFTER = datetime(2026, 3, 10, tzinfo=UTC)
PIECE = Evidence(
    "evidence-1",
    "learner-1",
    "mentor-1",
    "ST0148",
    "1.0",
    EVIDENCE_KIND_OBSERVATION,
    attempts=(Attempt(1, ("K1", "K2"), 0, Details(witness_id="witness-1", observer_id="observer-1")),),
    claims=(Standing("K1", 2, accepted=True), Standing("K2", 2)),
    judgements=(
        Judgement(1, 1, "assessor-2", accepted=frozenset({"K1", "K2"}), met=CRITERIA),
        Judgement(2, 1, "assessor-1", accepted=frozenset({"K1"}), referred=frozenset({"K2"}), supersedes=1),
        Judgement(3, 1, "assessor-3", accepted=frozenset({"K1", "K2"}), met=CRITERIA, supersedes=2),
    ),
)
NAMED: dict[str, Any] = {
    "sample_id": "sample-1",
    "learner_id": "learner-1",
    "evidence_id": "evidence-1",
    "assessor_id": "assessor-1",
    "plan_id": "plan-1",
}
TOLD: dict[str, Any] = {
    "stage": SAMPLING_STAGE_SUMMATIVE,
    "standard": ST0148,
    "ksb_codes": ["K1", "K2"],
    "decision": DECISION_REFER,
}
OPENS = OpenSampleRequest(
    **NAMED,
    plan_version=2,
    draw_id="draw-1",
    stage=SAMPLING_STAGE_SUMMATIVE,
    iqa_id="iqa-1",
    rules=[SAMPLING_RULE_UNIT],
    decision_number=2,
)
OPENED = SampleOpened(
    **NAMED,
    **TOLD,
    author_id="mentor-1",
    kind=EVIDENCE_KIND_OBSERVATION,
    plan_version=2,
    draw_id="draw-1",
    iqa_id="iqa-1",
    rules=[SAMPLING_RULE_UNIT],
    decision_number=2,
    accepted_ksb_codes=["K1"],
    involved_ids=["assessor-1", "assessor-2", "assessor-3", "observer-1", "witness-1"],
)
FEEDBACK = Sealed(to_be_sealed="CONFIDENTIAL feedback")
CONFIRMED = SampleConfirmed(
    **NAMED,
    **TOLD,
    iqa_id="iqa-1",
    agreement=ALL,
    feedback=FEEDBACK,
    decision_number=2,
    accepted_ksb_codes=["K1"],
)
REQUIRED = SampleActionRequired(
    **NAMED,
    **TOLD,
    iqa_id="iqa-1",
    agreement=BUT_CURRENCY,
    feedback=FEEDBACK,
    action=Sealed(to_be_sealed="CONFIDENTIAL action"),
    due_on=DUE,
)
ANSWERED = SampleActionAnswered(**NAMED, answer=Sealed(to_be_sealed="CONFIDENTIAL answer"))
OVERDUE = SampleActionOverdue(**NAMED, due_on=DUE)


def closed(status: Any, agreement: CriteriaAgreement) -> SampleActionClosed:
    return SampleActionClosed(**NAMED, iqa_id="iqa-1", status=status, agreement=agreement, feedback=FEEDBACK)


def decides(agreement: CriteriaAgreement = ALL, action: str = "", due_on: str = "") -> DecideSampleRequest:
    return DecideSampleRequest(
        sample_id="sample-1", agreement=agreement, feedback="CONFIDENTIAL feedback", action=action, due_on=due_on
    )


def requires(agreement: CriteriaAgreement = BUT_CURRENCY, due_on: str = DUE) -> DecideSampleRequest:
    return decides(agreement, "CONFIDENTIAL action", due_on)


def closes(agreement: CriteriaAgreement = ALL) -> CloseSampleActionRequest:
    return CloseSampleActionRequest(sample_id="sample-1", agreement=agreement, feedback="CONFIDENTIAL feedback")


def answers() -> AnswerSampleActionRequest:
    return AnswerSampleActionRequest(sample_id="sample-1", answer="CONFIDENTIAL answer")


def asked(command: Message, *past: Message, by: Principal = IQA, at: datetime = NOON) -> Outcome[Sample]:
    return given(sample, *past).beside(PIECE).when(command, by=by, at=at)


def test_a_drawn_piece_is_opened_once_with_the_decision_that_was_drawn() -> None:
    asked(OPENS).then(OPENED)
    asked(OPENS, OPENED).then_nothing()
    given(sample).beside(Evidence()).when(OPENS).then_refused("EVIDENCE_UNKNOWN")


def test_who_agrees_on_all_five_criteria_confirms_it() -> None:
    asked(decides(), OPENED).then(CONFIRMED)
    asked(decides(), OPENED, CONFIRMED).then_nothing()


def test_a_disagreement_asks_for_action_until_a_day() -> None:
    asked(requires(), OPENED).then(REQUIRED)
    asked(requires(), OPENED, REQUIRED).then_nothing()


@pytest.mark.parametrize("name", CRITERIA)
def test_one_criterion_that_is_not_agreed_on_is_enough(name: str) -> None:
    but_one = CriteriaAgreement(**{**dict.fromkeys(CRITERIA, AGREEMENT_AGREE), name: AGREEMENT_DISAGREE})
    asked(decides(but_one), OPENED).then_refused("ACTION_MISSING")
    assert isinstance(asked(requires(but_one), OPENED).events[0], SampleActionRequired)


def test_an_action_has_a_text_and_a_day_and_comes_with_a_disagreement_only() -> None:
    assert asked(decides(BUT_CURRENCY, due_on=DUE), OPENED).then_refused("ACTION_MISSING").field == "action"
    assert asked(decides(BUT_CURRENCY, action="x"), OPENED).then_refused("ACTION_MISSING").field == "due_on"
    asked(requires(ALL), OPENED).then_refused("ACTION_NOT_NEEDED")


def test_an_action_is_due_today_at_the_earliest() -> None:
    assert asked(requires(due_on="2026-03-01"), OPENED).then_refused("DUE_IN_PAST").field == "due_on"
    assert isinstance(asked(requires(due_on="2026-03-02"), OPENED).events[0], SampleActionRequired)
    asked(requires(due_on="2026-02-30"), OPENED).then_refused("NO_SUCH_DAY")


@pytest.mark.parametrize(
    "person_id",
    ["assessor-1", "Assessor-1", "mentor-1", "LEARNER-1", "Witness-1", "observer-1", "assessor-2", "assessor-3"],
)
def test_nobody_decides_on_what_they_assessed_or_made_or_is_about_themselves(person_id: str) -> None:
    involved = person(person_id, "iqa")
    asked(decides(), OPENED, by=involved).then_refused("OWN_ASSESSMENT")
    asked(requires(), OPENED, by=involved).then_refused("OWN_ASSESSMENT")
    asked(closes(), OPENED, REQUIRED, by=involved).then_refused("OWN_ASSESSMENT")


def test_another_iqa_may_decide_than_it_was_drawn_for() -> None:
    (event,) = asked(decides(), OPENED, by=ANOTHER_IQA).events
    assert isinstance(event, SampleConfirmed)
    assert event.iqa_id == "iqa-2"


def test_what_was_not_drawn_is_not_decided_on() -> None:
    for command in (decides(), requires(), closes()):
        assert asked(command).then_refused("SAMPLE_UNKNOWN").field == "sample_id"


def test_a_decision_is_never_overwritten() -> None:
    asked(requires(), OPENED, CONFIRMED).then_refused("SAMPLE_DECIDED")
    ended = [OPENED, REQUIRED, closed(SAMPLE_STATUS_NOT_CONFIRMED, BUT_CURRENCY)]
    asked(decides(), *ended).then_refused("SAMPLE_DECIDED")
    asked(requires(), *ended).then_refused("SAMPLE_DECIDED")
    asked(closes(), *ended).then_refused("NO_ACTION_OPEN")


def test_an_open_action_is_closed_and_not_passed_over() -> None:
    asked(decides(), OPENED, REQUIRED).then_refused("ACTION_OPEN")
    asked(closes(), OPENED).then_refused("NO_ACTION_OPEN")


def test_closing_with_all_agreed_confirms_the_sample() -> None:
    both = (closed(SAMPLE_STATUS_CONFIRMED, ALL), CONFIRMED)
    asked(closes(), OPENED, REQUIRED, ANSWERED).then(*both)
    asked(closes(), OPENED, REQUIRED, *both).then_nothing()


def test_closing_without_agreement_lets_the_assessment_fall() -> None:
    asked(closes(BUT_CURRENCY), OPENED, REQUIRED).then(closed(SAMPLE_STATUS_NOT_CONFIRMED, BUT_CURRENCY))


def test_the_pieces_assessor_alone_answers_and_nobody_else_learns_of_it() -> None:
    asked(answers(), OPENED, REQUIRED, by=ASSESSOR).then(ANSWERED)
    asked(answers(), OPENED, REQUIRED, ANSWERED, by=ASSESSOR).then_nothing()
    asked(answers(), OPENED, by=ASSESSOR).then_refused("NO_ACTION_OPEN")
    other = person("assessor-2", "assessor")
    theirs, none = asked(answers(), OPENED, REQUIRED, by=other), asked(answers(), by=other)
    assert theirs.then_refused("SAMPLE_UNKNOWN").text == none.then_refused("SAMPLE_UNKNOWN").text


def test_an_action_may_be_asked_for_anew_with_another_day() -> None:
    (event,) = asked(requires(due_on="2026-03-20"), OPENED, REQUIRED, ANSWERED, OVERDUE).events
    assert isinstance(event, SampleActionRequired)
    state = given(sample, OPENED, REQUIRED, ANSWERED, OVERDUE, event).state
    assert (state.answered, state.overdue, state.due_on) == (False, False, "2026-03-20")


def test_an_action_is_overdue_once_its_day_is_over_and_it_is_open() -> None:
    marks = MarkSampleActionOverdueRequest(sample_id="sample-1", due_on=DUE)
    asked(marks, OPENED, REQUIRED, at=AFTER).then(OVERDUE)
    asked(marks, OPENED, REQUIRED, at=AFTER - timedelta(seconds=1)).then_refused("DEADLINE_AHEAD")
    for past in (
        (OPENED,),
        (OPENED, REQUIRED, OVERDUE),
        (OPENED, REQUIRED, closed(SAMPLE_STATUS_NOT_CONFIRMED, BUT_CURRENCY)),
        (OPENED, SampleActionRequired(**NAMED, **TOLD, agreement=BUT_CURRENCY, due_on="2026-03-20")),
    ):
        asked(marks, *past, at=AFTER).then_nothing()


def test_a_story_folds_in_pieces_and_survives_its_snapshot() -> None:
    story = given(sample, OPENED, REQUIRED, OVERDUE, ANSWERED, closed(SAMPLE_STATUS_CONFIRMED, ALL), CONFIRMED)
    assert_folds_in_pieces(sample, story.past)
    assert (story.state.status, story.state.overdue, story.state.due_on) == (SAMPLE_STATUS_CONFIRMED, False, "")
    adapter = TypeAdapter(Sample)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state
