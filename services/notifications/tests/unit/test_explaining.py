"""The dry run: it says what would happen, whom it would not reach and why, and nothing of concerns."""

from collections.abc import Sequence

import pytest
from eventkernel.aggregate import Aggregate, Refusal
from eventkernel.reading import Reader
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, Party, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import (
    Because,
    CircleRecorded,
    Detail,
    NeedToKnowRule,
    NeedToKnowSet,
    NoticeRequested,
    Occasion,
)
from mentoring.notifications.v1.explaining_pb2 import (
    ExplainNeedToKnowRequest,
    ExplainNeedToKnowResponse,
    Explanation,
    WhyNotReason,
)
from mentoring.notifications.v1.need_to_know_events_pb2 import AgreementGiven, LearnerComesOfAgeSet
from mentoring.notifications.v1.notifications_pb2 import TellCircleRequest
from notifications.default_matrix import default_matrix, default_rules
from notifications.domain.circle import circle
from notifications.domain.conditions import Conditions
from notifications.domain.explaining import Question, explain
from notifications.domain.need_to_know import NeedToKnow, need_to_know
from notifications.domain.occasions import PARTS_TOLD, TOLD_TO_A_CIRCLE, is_about_an_issue, is_safeguarding
from notifications.domain.telling import telling
from notifications.projections.explaining import explaining_queries

from .around import CIRCLES, CONDITIONS, KINDS, MATRICES

WELL_BEING, PROGRESS = InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING, InformationKind.INFORMATION_KIND_PROGRESS
SESSION, CONCERN = InformationKind.INFORMATION_KIND_SESSION, InformationKind.INFORMATION_KIND_CONCERN
RELATED = PartyRelationship
PARTIES = {
    "boss": RELATED.PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    "chief": RELATED.PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    "coach": RELATED.PARTY_RELATIONSHIP_COACH,
    "judge": RELATED.PARTY_RELATIONSHIP_ASSESSOR,
    "mum": RELATED.PARTY_RELATIONSHIP_GUARDIAN,
}
(EXPLAIN,) = explaining_queries(need_to_know(default_matrix()))


def recorded(*names: str, mentor: str = "mia", mentorship: str = "m-1", ended: bool = False) -> CircleRecorded:
    parties = [Party(person_id=name, relationship=PARTIES[name]) for name in names]
    return CircleRecorded(
        learner_id="ada", mentorship_id=mentorship, mentor_id=mentor, parties=parties, ended=ended, standard_reference="ST0148"
    )  # fmt: skip


AROUND = [recorded(*PARTIES, "mum"), recorded(*(set(PARTIES) - {"judge"}))]
AGREED = AgreementGiven(learner_id="ada", kind=WELL_BEING, because=Because.BECAUSE_EMPLOYER_CONTACT)


def of_age(on: str) -> LearnerComesOfAgeSet:
    return LearnerComesOfAgeSet(learner_id="ada", comes_of_age_on=on)


def reader(
    circles: Sequence[Message] = AROUND, conditions: Sequence[Message] = (), policy: Sequence[Message] = ()
) -> Reader:
    streams = {"circle-ada": circles, "conditions-ada": conditions, "need-to-know": policy}
    return LaidDown(person("mo", "provider_manager"), streams)


async def asked(
    kind: InformationKind.ValueType, reading: Reader | None = None, *, learner_id: str = "ada",
    occasion: Occasion.ValueType = Occasion.OCCASION_UNSPECIFIED, proposed: Sequence[NeedToKnowRule] = (),
) -> ExplainNeedToKnowResponse:  # fmt: skip
    request = ExplainNeedToKnowRequest(learner_id=learner_id, kind=kind, occasion=occasion, proposed=proposed)
    answer = await EXPLAIN(request, reading or reader())
    assert isinstance(answer, ExplainNeedToKnowResponse)
    return answer


def short(of: Explanation) -> str:
    why = [WhyNotReason.Name(one.reason).removeprefix("WHY_NOT_REASON_") for one in of.why_not]
    return ": ".join([Detail.Name(of.detail).removeprefix("DETAIL_"), *([of.rule] if of.rule else []), *why])


async def explained(kind: InformationKind.ValueType, *conditions: Message) -> dict[str, str]:
    answer = await asked(kind, reader(conditions=conditions))
    return {one.person_id: short(one.applied) for one in answer.people}


async def test_each_person_is_told_by_a_rule_or_not_for_a_reason() -> None:
    assert await explained(WELL_BEING) == {
        "ada": "FULL: issue-well-being/learner",
        "mia": "FULL: issue-well-being/mentor",
        "chief": "OUTLINE: issue-well-being/provider-manager",
        "boss": "UNSPECIFIED: LEARNER_HAS_NOT_AGREED",
        "mum": "UNSPECIFIED: NO_RULE",
        "coach": "UNSPECIFIED: RELATIONSHIP_NOT_IN_POLICY",
        "judge": "UNSPECIFIED: NO_LONGER_A_PARTY",
    }


async def test_a_rule_whose_condition_is_not_met_is_named() -> None:
    answer = await asked(WELL_BEING)
    (why,) = next(one for one in answer.people if one.person_id == "boss").applied.why_not
    assert why.rule == "issue-well-being/employer-contact/learner-agrees"
    assert why.because == Because.BECAUSE_EMPLOYER_CONTACT


async def test_an_agreement_and_an_age_are_as_they_are_known() -> None:
    told = "OUTLINE: issue-well-being/employer-contact/learner-agrees"
    assert (await explained(WELL_BEING, AGREED))["boss"] == told
    assert (await explained(PROGRESS))["mum"] == "UNSPECIFIED: AGE_NOT_KNOWN"
    assert (await explained(PROGRESS, of_age("2026-01-01")))["mum"] == "UNSPECIFIED: LEARNER_IS_OF_AGE"
    assert (await explained(PROGRESS, of_age("2027-01-01")))["mum"] == "OUTLINE: progress/guardian/under-18"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        # A contact at work who is the learner's guardian too, and one who assesses: the first of their relationships tells more, or less.
        (PROGRESS, "FULL: progress/employer-contact"),
        (InformationKind.INFORMATION_KIND_EVIDENCE_JUDGED, "FULL: evidence-judged/assessor: NO_RULE"),
    ],
)
async def test_whoever_stands_in_several_relationships_is_told_by_the_one_that_tells_most(
    kind: InformationKind.ValueType, told: str
) -> None:
    ways = (PARTIES["boss"], PARTIES["judge"], PARTIES["mum"])
    both = CircleRecorded(
        learner_id="ada", mentorship_id="m-1", mentor_id="mia", parties=[Party(person_id="boss", relationship=one) for one in ways]
    )  # fmt: skip
    answer = await asked(kind, reader([both], [of_age("2027-01-01")]))
    (boss,) = [short(one.applied) for one in answer.people if one.person_id == "boss"]
    assert boss == told


async def test_nobody_of_a_mentorship_that_has_ended_is_a_party_any_more_and_each_mentorship_is_told_apart() -> None:
    circles = [recorded("boss"), recorded("boss", mentor="max", mentorship="m-2"), recorded(mentor="", ended=True)]
    answer = await asked(SESSION, reader(circles))
    assert [(one.mentorship_id, one.person_id, short(one.applied)) for one in answer.people] == [
        ("", "ada", "FULL: session/learner"),
        ("m-1", "boss", "UNSPECIFIED: NO_LONGER_A_PARTY"),
        ("m-1", "mia", "UNSPECIFIED: NO_LONGER_A_PARTY"),
        ("m-2", "max", "FULL: session/mentor"),
        ("m-2", "boss", "OUTLINE: session/employer-contact"),
    ]


async def test_an_occasion_goes_to_fewer_than_its_kind_and_to_whoever_has_a_part_in_it() -> None:
    answer = await asked(PROGRESS, occasion=Occasion.OCCASION_ASSESSMENT_ASKED)
    by_person = {one.person_id: short(one.applied) for one in answer.people}
    assert by_person["mia"] == "FULL: progress/mentor"
    assert by_person["ada"] == by_person["boss"] == by_person["chief"] == "UNSPECIFIED: OCCASION_NOT_FOR_THEM"
    assert list(answer.parts) == [Because.BECAUSE_ASKED_TO_ASSESS]


def rule(
    because: Because.ValueType, detail: Detail.ValueType, *conditions: Condition.ValueType
) -> NeedToKnowRule:  # fmt: skip
    return NeedToKnowRule(kind=WELL_BEING, because=because, detail=detail, conditions=conditions)


async def test_a_proposed_matrix_shows_what_it_would_change_and_is_not_set() -> None:
    proposed = [
        rule(Because.BECAUSE_LEARNER, Detail.DETAIL_FULL),
        rule(Because.BECAUSE_MENTOR, Detail.DETAIL_OUTLINE),
        rule(Because.BECAUSE_PROVIDER_MANAGER, Detail.DETAIL_OUTLINE, Condition.CONDITION_LEARNER_AGREES),
        rule(Because.BECAUSE_EMPLOYER_CONTACT, Detail.DETAIL_OUTLINE),
    ]
    reading = reader(policy=[NeedToKnowSet(rules=default_rules().rules)])
    answer = await asked(WELL_BEING, reading, proposed=proposed)
    assert answer.policy_version == 2
    assert {one.person_id: (short(one.applied).split(":")[0], short(one.proposed).split(":")[0]) for one in answer.people if one.changes} == {
        "mia": ("FULL", "OUTLINE"),
        "chief": ("OUTLINE", "UNSPECIFIED"),
        "boss": ("UNSPECIFIED", "OUTLINE"),
    }  # fmt: skip
    assert not any(one.changes or one.HasField("proposed") for one in (await asked(WELL_BEING, reading)).people)


async def test_a_proposed_matrix_that_means_nothing_is_refused_as_setting_it_would_be() -> None:
    twice = [rule(Because.BECAUSE_MENTOR, Detail.DETAIL_FULL)] * 2
    with pytest.raises(Refusal) as caught:
        await asked(WELL_BEING, proposed=twice)
    assert (caught.value.code, caught.value.field) == ("RULE_TWICE", "proposed")
    assert caught.value.text.startswith("proposed[1]: ")


async def test_a_learner_of_whom_nothing_was_heard_is_not_explained() -> None:
    with pytest.raises(Refusal) as caught:
        await asked(WELL_BEING, learner_id="nobody")
    assert (caught.value.code, caught.value.field) == ("CIRCLE_UNKNOWN", "learner_id")


class Unread(LaidDown):
    """Fails where anything is read at all."""

    async def state(self, aggregate: Aggregate[object], stream: str) -> object:  # type: ignore[override]
        raise AssertionError(f"{stream} was read")


@pytest.mark.parametrize("learner_id", ["ada", "nobody"])
async def test_of_a_concern_it_says_the_same_of_everybody_and_reads_nothing(learner_id: str) -> None:
    reading = Unread(person("mo", "provider_manager"))
    alone = ExplainNeedToKnowResponse(told_to_handlers_alone=True)
    wrong = [rule(Because.BECAUSE_MENTOR, Detail.DETAIL_FULL)] * 2
    assert await asked(CONCERN, reading, learner_id=learner_id, proposed=wrong) == alone
    concerns = [one for one in Occasion.values() if one and is_safeguarding(one)]
    assert len(concerns) >= 6
    for occasion in concerns:
        assert await asked(SESSION, reading, learner_id=learner_id, occasion=occasion) == alone


async def test_what_is_about_one_person_themself_is_no_matter_of_the_policy() -> None:
    own = [one for one in PARTS_TOLD if not is_safeguarding(one)]
    assert Occasion.OCCASION_SKILL_LAPSED in own
    for occasion in own:
        with pytest.raises(Refusal) as caught:
            await asked(SESSION, occasion=occasion)
        assert (caught.value.code, caught.value.field) == ("NOT_FOR_A_CIRCLE", "occasion")


@settings(deadline=None, max_examples=40)
@for_all(
    circles=CIRCLES,
    matrix=MATRICES,
    conditions=CONDITIONS,
    kind=KINDS,
    occasion=st.sampled_from(sorted(TOLD_TO_A_CIRCLE)),
)
def test_the_dry_run_says_what_telling_would_do(
    circles: list[CircleRecorded],
    matrix: NeedToKnow,
    conditions: Conditions,
    kind: InformationKind.ValueType,
    occasion: Occasion.ValueType,
) -> None:
    around = given(circle, *circles).state
    request = TellCircleRequest(
        telling_id="t-1", learner_id="ada", kind=kind, occasion=occasion, about_id="x-1", mentorship_id="m-1"
    )
    if is_about_an_issue(occasion):
        kind = request.kind = InformationKind.INFORMATION_KIND_ISSUE_PROGRESS
        request.or_kind = WELL_BEING
    outcome = given(telling).beside(around, matrix, conditions).when(request)
    if outcome.refusal is not None:
        assert around.of("m-1") is None
        return
    told = {
        one.recipient_id: (one.because, one.detail, one.rule)
        for one in outcome.events
        if isinstance(one, NoticeRequested)
    }
    question = Question("ada", kind, occasion, conditions, NOON)
    said = dict[str, tuple[Because.ValueType, Detail.ValueType, str]]()
    for one in explain(question, around, matrix):
        if one.rule is None or one.mentorship_id not in ("", "m-1"):
            continue
        if one.person_id not in said or one.rule.detail > said[one.person_id][1]:
            said[one.person_id] = (one.rule.because, one.rule.detail, one.rule.name)
    assert said == told
