"""What its author may do with a piece after it was submitted, and its witness."""

from datetime import timedelta
from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.scenario import NOON, person
from evidence.domain.standard import Standard
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed, StandardVersion
from mentoring.evidence.v1 import judging_events_pb2 as events
from mentoring.evidence.v1 import kinds_pb2 as kinds
from mentoring.evidence.v1.events_pb2 import (
    EVIDENCE_KIND_OBSERVATION,
    EVIDENCE_KIND_PROFESSIONAL_DISCUSSION,
    EVIDENCE_KIND_REFLECTION,
    EVIDENCE_KIND_WITNESS_TESTIMONY,
    EVIDENCE_KIND_WORK_PRODUCT,
    EvidenceSubmitted,
)
from mentoring.evidence.v1.evidence_pb2 import SubmitEvidenceRequest
from mentoring.evidence.v1.judging_events_pb2 import (
    EvidenceClaimsChanged,
    EvidenceResubmitted,
    EvidenceWithdrawn,
)
from mentoring.evidence.v1.judging_pb2 import (
    ChangeClaimsRequest,
    ConfirmTestimonyRequest,
    WithdrawEvidenceRequest,
)
from mentoring.evidence.v1.kinds_pb2 import (
    OBSERVATION_PLACE_WORKPLACE,
    WITNESS_RELATIONSHIP_LINE_MANAGER,
    Discussion,
    Observation,
)

from .pieces import (
    ASSESSOR,
    BEFORE,
    LEARNER,
    MENTOR,
    ST0148,
    accept,
    asked,
    at,
    judge_claims,
    refer,
    resubmit,
    standing,
    story,
    submitted,
    supersede,
)

PART = (judge_claims(accept("K1"), refer("K2", "S1")), ASSESSOR)
REFERRED = (judge_claims(refer("K1", "K2", "S1")), ASSESSOR)
TOMORROW = at(NOON + timedelta(days=1))
WITNESS = person("witness-1", "employer_contact")
TESTIMONY = kinds.Testimony(witness_id="witness-1", relationship=WITNESS_RELATIONSHIP_LINE_MANAGER)
OBSERVATION = Observation(
    observer_id="observer-1", observed_at=BEFORE, place=OBSERVATION_PLACE_WORKPLACE, duration=Duration(seconds=1800)
)
DISCUSSION = Discussion(participant_ids=["assessor-1", "learner-1"], duration=Duration(seconds=2400))


def change_claims(*codes: str, attempt: int = 1, **changes: Any) -> ChangeClaimsRequest:
    asking: dict[str, Any] = {"evidence_id": "evidence-1", "learner_id": "learner-1", "standard": ST0148}
    return ChangeClaimsRequest(ksb_codes=codes, attempt=attempt, **{**asking, **changes})


def withdraw(**changes: Any) -> WithdrawEvidenceRequest:
    asking = {"evidence_id": "evidence-1", "learner_id": "learner-1", "reason": "CONFIDENTIAL reason"}
    return WithdrawEvidenceRequest(**{**asking, **changes})


def confirm(attempt: int = 1) -> ConfirmTestimonyRequest:
    return ConfirmTestimonyRequest(evidence_id="evidence-1", attempt=attempt)


def submit(kind: Any, **changes: Any) -> SubmitEvidenceRequest:
    claim: dict[str, Any] = {
        "evidence_id": "evidence-1", "learner_id": "learner-1", "standard": ST0148, "ksb_codes": ["K1"],
        "title": "CONFIDENTIAL title", "produced_at": BEFORE,
    }  # fmt: skip
    return SubmitEvidenceRequest(kind=kind, **{**claim, **changes})


def test_a_new_attempt_claims_what_was_referred_and_keeps_what_was_accepted() -> None:
    past = story(PART)
    (event,) = asked(resubmit("K2", "B1"), *past, by=LEARNER).events
    assert event == EvidenceResubmitted(
        evidence_id="evidence-1", learner_id="learner-1", author_id="learner-1", standard=ST0148, attempt=2,
        ksb_codes=["K2", "B1"], withdrawn_ksb_codes=["S1"], title=Sealed(to_be_sealed="CONFIDENTIAL title"),
        changes=Sealed(to_be_sealed="CONFIDENTIAL changes"), produced_at=BEFORE,
    )  # fmt: skip
    assert standing((*past, event)) == {"K1": "accepted", "K2": "waits", "B1": "waits"}


def test_resubmitting_again_changes_nothing_also_once_it_was_judged() -> None:
    past = story(PART, (resubmit("K2"), LEARNER))
    asked(resubmit("K2"), *past, by=LEARNER).then_nothing()
    judged = story(PART, (resubmit("K2"), LEARNER), (judge_claims(accept("K2"), attempt=2), ASSESSOR))
    asked(resubmit("K2"), *judged, by=LEARNER).then_nothing()


@pytest.mark.parametrize(
    ("command", "steps", "code", "field"),
    [
        (resubmit("S1"), [PART, (resubmit("K2"), LEARNER)], "ATTEMPT_EXISTS", "attempt"),
        (resubmit("K2", attempt=3), [PART], "ATTEMPT_OUT_OF_TURN", "attempt"),
        (resubmit("K2"), [], "AWAITING_JUDGEMENT", "attempt"),
        (resubmit("K2"), [(judge_claims(accept("K1", "K2", "S1")), ASSESSOR)], "NOTHING_REFERRED", "evidence_id"),
        (resubmit("K1"), [PART], "CLAIM_ACCEPTED", "ksb_codes"),
        (resubmit("K2", "K9"), [PART], "UNKNOWN_KSB", "ksb_codes"),
        (resubmit("K2", produced_at=TOMORROW), [PART], "EVIDENCE_IN_FUTURE", "produced_at"),
        (resubmit("K2", standard=StandardVersion(reference="ST0148", version="1.1")), [PART], "STANDARD_MISMATCH", "standard"),
        (resubmit("K2", account="CONFIDENTIAL"), [PART], "DETAILS_OF_ANOTHER_KIND", "account"),
        (resubmit("K2"), [REFERRED, (withdraw(), LEARNER)], "EVIDENCE_WITHDRAWN", "evidence_id"),
        (resubmit("K2", learner_id="learner-2"), [PART], "EVIDENCE_UNKNOWN", "evidence_id"),
        (change_claims("K2", attempt=1), [PART], "ALREADY_JUDGED", "attempt"),
        (change_claims("K2", attempt=2), [], "ALREADY_JUDGED", "attempt"),
        (change_claims("K9"), [], "UNKNOWN_KSB", "ksb_codes"),
        (change_claims("K1", "K2", attempt=2), [PART, (resubmit("K2"), LEARNER)], "CLAIM_ACCEPTED", "ksb_codes"),
        (change_claims("K2", learner_id="learner-2"), [], "EVIDENCE_UNKNOWN", "evidence_id"),
        (change_claims("K2"), [(withdraw(), LEARNER)], "EVIDENCE_WITHDRAWN", "evidence_id"),
        (withdraw(), [PART], "EVIDENCE_ACCEPTED", "evidence_id"),
        (withdraw(learner_id="learner-2"), [], "EVIDENCE_UNKNOWN", "evidence_id"),
    ],
)  # fmt: skip
def test_what_its_author_may_not(
    command: Message, steps: list[tuple[Message, Principal]], code: str, field: str
) -> None:
    assert asked(command, *story(*steps), by=LEARNER).then_refused(code).field == field


def test_only_its_author_changes_it() -> None:
    for command, steps in ((resubmit("K2"), [PART]), (change_claims("K2"), []), (withdraw(), [])):
        asked(command, *story(*steps), by=MENTOR).then_refused("NOT_THE_AUTHOR")


def test_claims_are_changed_before_they_are_judged() -> None:
    past = story()
    (event,) = asked(change_claims("K2", "B1"), *past, by=LEARNER).events
    assert event == EvidenceClaimsChanged(
        evidence_id="evidence-1", learner_id="learner-1", author_id="learner-1", standard=ST0148, attempt=1,
        ksb_codes=["K2", "B1"], withdrawn_ksb_codes=["K1", "S1"],
    )  # fmt: skip
    assert standing((*past, event)) == {"K2": "waits", "B1": "waits"}
    asked(change_claims("B1", "K2"), *past, event, by=LEARNER).then_nothing()
    first = submit(EVIDENCE_KIND_WORK_PRODUCT, ksb_codes=["K1", "K2", "S1"])
    asked(first, *past, event, by=LEARNER).then_nothing()


def test_a_claim_that_was_superseded_may_be_made_again_with_the_attempt_that_waits() -> None:
    past = story(PART, (resubmit("K2", "S1"), LEARNER), (supersede(refer("K1")), ASSESSOR))
    (event,) = asked(change_claims("K1", "K2", "S1", attempt=2), *past, by=LEARNER).events
    assert standing((*past, event)) == {"K1": "waits", "K2": "waits", "S1": "waits"}


def test_a_withdrawn_piece_claims_nothing_and_is_not_judged() -> None:
    past = story(REFERRED)
    (event,) = asked(withdraw(), *past, by=LEARNER).events
    assert event == EvidenceWithdrawn(
        evidence_id="evidence-1", learner_id="learner-1", author_id="learner-1", standard=ST0148,
        ksb_codes=["K1", "K2", "S1"], reason=Sealed(to_be_sealed="CONFIDENTIAL reason"),
    )  # fmt: skip
    assert standing((*past, event)) == {}
    asked(withdraw(), *past, event, by=LEARNER).then_nothing()
    again = judge_claims(accept("K1", "K2", "S1"))
    asked(again, *past, event, by=ASSESSOR).then_refused("EVIDENCE_WITHDRAWN")
    asked(supersede(accept("K1", "K2", "S1")), *past, event, by=ASSESSOR).then_refused("EVIDENCE_WITHDRAWN")


NEEDED: dict[int, dict[str, Any]] = {
    EVIDENCE_KIND_WITNESS_TESTIMONY: {"testimony": TESTIMONY, "statement": "CONFIDENTIAL words"},
    EVIDENCE_KIND_OBSERVATION: {"observation": OBSERVATION},
    EVIDENCE_KIND_PROFESSIONAL_DISCUSSION: {"discussion": DISCUSSION},
    EVIDENCE_KIND_REFLECTION: {"account": "CONFIDENTIAL account"},
    EVIDENCE_KIND_WORK_PRODUCT: {},
}
EVERYTHING: dict[str, Any] = {name: value for each in NEEDED.values() for name, value in each.items()}


@pytest.mark.parametrize("kind", NEEDED)
def test_each_kind_has_what_it_needs_and_nothing_else(kind: int) -> None:
    needed = NEEDED[kind]
    (event,) = asked(submit(kind, **needed), by=LEARNER).events
    assert isinstance(event, EvidenceSubmitted)
    for name, value in needed.items():
        assert getattr(event, name) == (Sealed(to_be_sealed=value) if isinstance(value, str) else value)
    for name in needed:
        less = {other: value for other, value in needed.items() if other != name}
        assert asked(submit(kind, **less), by=LEARNER).then_refused("DETAILS_MISSING").field == name
    for name, value in EVERYTHING.items():
        if name not in needed:
            refusal = asked(submit(kind, **needed, **{name: value}), by=LEARNER).then_refused("DETAILS_OF_ANOTHER_KIND")
            assert refusal.field == name
    asked(submit(kind, **needed), event, by=LEARNER).then_nothing()


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (
            submit(
                EVIDENCE_KIND_WITNESS_TESTIMONY,
                testimony=kinds.Testimony(witness_id="learner-1", relationship=WITNESS_RELATIONSHIP_LINE_MANAGER),
                statement="CONFIDENTIAL",
            ),
            "WITNESS_IS_LEARNER",
            "testimony.witness_id",
        ),
        (
            submit(EVIDENCE_KIND_OBSERVATION, observation=Observation(observer_id="learner-1", observed_at=BEFORE)),
            "OBSERVER_IS_LEARNER",
            "observation.observer_id",
        ),
        (
            submit(EVIDENCE_KIND_OBSERVATION, observation=Observation(observer_id="observer-1", observed_at=TOMORROW)),
            "EVIDENCE_IN_FUTURE",
            "observation.observed_at",
        ),
        (
            submit(
                EVIDENCE_KIND_PROFESSIONAL_DISCUSSION, discussion=Discussion(participant_ids=["mentor-1", "mentor-2"])
            ),
            "LEARNER_NOT_IN_DISCUSSION",
            "discussion.participant_ids",
        ),
    ],
)
def test_what_a_kind_has_makes_sense(command: SubmitEvidenceRequest, code: str, field: str) -> None:
    assert asked(command, by=LEARNER).then_refused(code).field == field


def test_another_witness_is_another_submission() -> None:
    first = submit(EVIDENCE_KIND_WITNESS_TESTIMONY, testimony=TESTIMONY, statement="CONFIDENTIAL")
    (event,) = asked(first, by=LEARNER).events
    first.testimony.witness_id = "witness-2"
    asked(first, event, by=LEARNER).then_refused("EVIDENCE_EXISTS")


def words_of(author_id: str = "learner-1", witness_id: str = "witness-1") -> Message:
    said = kinds.Testimony(witness_id=witness_id, relationship=WITNESS_RELATIONSHIP_LINE_MANAGER)
    return submitted("K1", author_id=author_id, kind=EVIDENCE_KIND_WITNESS_TESTIMONY, testimony=said)


def test_the_witness_confirms_the_statement() -> None:
    confirmed = events.TestimonyConfirmed(
        evidence_id="evidence-1", learner_id="learner-1", witness_id="witness-1", attempt=1
    )
    asked(confirm(), words_of(), by=WITNESS).then(confirmed)
    asked(confirm(), words_of(), confirmed, by=WITNESS).then_nothing()


def test_to_anybody_else_there_is_no_such_testimony() -> None:
    other = asked(confirm(), words_of(), by=MENTOR).then_refused("TESTIMONY_UNKNOWN")
    none = asked(confirm(), by=MENTOR).then_refused("TESTIMONY_UNKNOWN")
    assert (other.text, other.field) == (none.text, none.field)


def test_a_new_statement_is_confirmed_anew() -> None:
    again = resubmit("K1", testimony=TESTIMONY, statement="CONFIDENTIAL more words")
    past = story((confirm(), WITNESS), (judge_claims(refer("K1")), ASSESSOR), (again, LEARNER), begun=words_of())
    asked(confirm(), *past, by=WITNESS).then_refused("ATTEMPT_OUT_OF_TURN")
    asked(judge_claims(accept("K1"), attempt=2), *past, by=ASSESSOR).then_refused("TESTIMONY_UNCONFIRMED")
    (event,) = asked(confirm(2), *past, by=WITNESS).events
    asked(judge_claims(accept("K1"), attempt=2), *past, event, by=ASSESSOR).after()


def test_a_witness_who_submits_it_has_nothing_to_confirm() -> None:
    own = words_of(author_id="mentor-1", witness_id="mentor-1")
    asked(confirm(), own, by=MENTOR).then_nothing()
    asked(judge_claims(accept("K1")), own, by=ASSESSOR).after()


def test_without_the_standard_nothing_is_claimed_on_it() -> None:
    asked(resubmit("K2"), *story(PART), by=LEARNER, standard=Standard()).then_refused("STANDARD_UNKNOWN")
