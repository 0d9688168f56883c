"""Conditions: what the learner agrees to and when they come of age. What nobody said is not met."""

from datetime import UTC, date, datetime

import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given, person
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because
from mentoring.notifications.v1.need_to_know_events_pb2 import AgreementGiven, AgreementWithdrawn, LearnerComesOfAgeSet
from mentoring.notifications.v1.need_to_know_pb2 import (
    GetMyAgreementsRequest,
    GetMyAgreementsResponse,
    GetNeedToKnowRequest,
    GetNeedToKnowResponse,
    GiveAgreementRequest,
    SetLearnerComesOfAgeRequest,
    WithdrawAgreementRequest,
)
from mentoring.notifications.v1.notifications_pb2 import SetNeedToKnowRequest
from notifications.default_matrix import default_matrix, default_rules
from notifications.domain.conditions import Conditions, conditions
from notifications.domain.need_to_know import CIRCLE_RELATIONSHIPS, need_to_know
from notifications.projections.policy import policy_queries
from pydantic import TypeAdapter

WELL_BEING, EMPLOYER = InformationKind.INFORMATION_KIND_ISSUE_WELL_BEING, Because.BECAUSE_EMPLOYER_CONTACT
BY_AGE, AGREES = Condition.CONDITION_UNDER_18, Condition.CONDITION_LEARNER_AGREES
CELL = (WELL_BEING, EMPLOYER)


def give(kind: InformationKind.ValueType = WELL_BEING, because: Because.ValueType = EMPLOYER) -> GiveAgreementRequest:
    return GiveAgreementRequest(learner_id="ada", kind=kind, because=because)


WITHDRAW = WithdrawAgreementRequest(learner_id="ada", kind=WELL_BEING, because=EMPLOYER)
GIVEN = AgreementGiven(learner_id="ada", kind=WELL_BEING, because=EMPLOYER)
WITHDRAWN = AgreementWithdrawn(learner_id="ada", kind=WELL_BEING, because=EMPLOYER)


def comes_of_age(on: str) -> SetLearnerComesOfAgeRequest:
    return SetLearnerComesOfAgeRequest(learner_id="ada", comes_of_age_on=on)


def test_a_learner_agrees_and_agrees_no_more_and_may_agree_again() -> None:
    agreed = given(conditions).when(give()).then(GIVEN)
    agreed.when(give()).then_nothing()
    assert agreed.state.is_met(AGREES, CELL, NOON)
    withdrawn = agreed.when(WITHDRAW).then(WITHDRAWN)
    withdrawn.when(WITHDRAW).then_nothing()
    assert not withdrawn.state.is_met(AGREES, CELL, NOON)
    assert withdrawn.when(give()).then(GIVEN).state.is_met(AGREES, CELL, NOON)


def test_what_was_never_agreed_to_is_not_withdrawn() -> None:
    given(conditions).when(WITHDRAW).then_nothing()


def test_an_agreement_is_for_one_kind_and_one_relationship() -> None:
    state = given(conditions, GIVEN).state
    others = {(kind, because) for kind in InformationKind.values() for because in Because.values()} - {CELL}
    assert not any(state.is_met(AGREES, cell, NOON) for cell in others)


def test_no_agreement_opens_a_concern_or_is_about_anybody_who_is_not_related() -> None:
    concern = given(conditions).when(give(kind=InformationKind.INFORMATION_KIND_CONCERN))
    assert concern.then_refused("NOTHING_TO_AGREE_TO").field == "kind"
    related = set(CIRCLE_RELATIONSHIPS) - {Because.BECAUSE_LEARNER}
    for because in set(Because.values()) - {Because.BECAUSE_UNSPECIFIED}:
        outcome = given(conditions).when(give(because=because))
        if because in related:
            assert outcome.events == (AgreementGiven(learner_id="ada", kind=WELL_BEING, because=because),)
        else:
            assert outcome.then_refused("NOTHING_TO_AGREE_TO").field == "because"


def test_the_day_is_set_and_set_anew_and_forgotten() -> None:
    first = given(conditions).when(comes_of_age("2027-03-31")).then(set_on("2027-03-31"))
    first.when(comes_of_age("2027-03-31")).then_nothing()
    other = first.when(comes_of_age("2027-04-01")).then(set_on("2027-04-01"))
    assert other.state.comes_of_age == date(2027, 4, 1)
    forgotten = other.when(comes_of_age("")).then(set_on(""))
    assert forgotten.state.comes_of_age is None
    given(conditions).when(comes_of_age("")).then_nothing()


def set_on(day: str) -> LearnerComesOfAgeSet:
    return LearnerComesOfAgeSet(learner_id="ada", comes_of_age_on=day)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    assert given(conditions).when(comes_of_age("2027-02-30")).then_refused("DAY_UNKNOWN").field == "comes_of_age_on"


@pytest.mark.parametrize(
    ("now", "is_under_18"),
    [
        (datetime(2026, 3, 1, 9, 59, 59, tzinfo=UTC), True),
        # The second of March has begun on the first island.
        (datetime(2026, 3, 1, 10, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 0, 0, tzinfo=UTC), False),
        (datetime(2046, 3, 2, 0, 0, tzinfo=UTC), False),
    ],
)
def test_a_learner_is_under_18_until_their_day_begins_anywhere(now: datetime, is_under_18: bool) -> None:
    assert Conditions(comes_of_age=date(2026, 3, 2)).is_met(BY_AGE, CELL, now) is is_under_18


def test_what_is_not_known_is_not_met() -> None:
    assert not any(Conditions().is_met(one, CELL, NOON) for one in (*Condition.values(), Condition.ValueType(99)))
    everything = Conditions(agreed=(CELL,), comes_of_age=date(2030, 1, 1))
    assert [one for one in (*Condition.values(), Condition.ValueType(99)) if everything.is_met(one, CELL, NOON)] == [
        BY_AGE,
        AGREES,
    ]


CELLS = st.tuples(st.sampled_from(InformationKind.values()), st.sampled_from(CIRCLE_RELATIONSHIPS[1:]))
COMMANDS = st.one_of(
    st.builds(lambda cell: give(*cell), CELLS),
    st.builds(lambda cell: WithdrawAgreementRequest(learner_id="ada", kind=cell[0], because=cell[1]), CELLS),
    st.dates(date(2026, 1, 1), date(2026, 6, 30)).map(lambda day: comes_of_age(day.isoformat())),
    st.just(comes_of_age("")),
)


@settings(deadline=None, max_examples=50)
@for_all(commands=st.lists(COMMANDS, max_size=12))
def test_what_is_agreed_is_what_was_said_last_and_any_history_folds_in_pieces(commands: list[Message]) -> None:
    story, agreed, day = given(conditions), dict[object, bool](), None
    for command in commands:
        outcome = story.when(command)
        if isinstance(command, SetLearnerComesOfAgeRequest):
            day = date.fromisoformat(command.comes_of_age_on) if command.comes_of_age_on else None
        elif outcome.refusal is None:
            assert isinstance(command, GiveAgreementRequest | WithdrawAgreementRequest)
            agreed[command.kind, command.because] = isinstance(command, GiveAgreementRequest)
        story = story if outcome.refusal else outcome.after()
    assert (set(story.state.agreed), story.state.comes_of_age) == (
        {cell for cell, is_so in agreed.items() if is_so},
        day,
    )
    assert_folds_in_pieces(conditions, story.past)
    adapter = TypeAdapter(Conditions)
    assert adapter.validate_json(adapter.dump_json(story.state)) == story.state


MATRIX = need_to_know(default_matrix())
QUERIES = {query.__name__: query for query in policy_queries(MATRIX)}


async def test_a_learner_reads_what_they_agree_to_and_what_they_are_asked_for() -> None:
    mentor = AgreementGiven(learner_id="ada", kind=WELL_BEING, because=Because.BECAUSE_MENTOR)
    streams: dict[str, list[Message]] = {"conditions-ada": [mentor, GIVEN, WITHDRAWN], "conditions-bob": [GIVEN]}
    reader = LaidDown(person("ada", "learner"), streams)
    answer = await QUERIES["get_my_agreements"](GetMyAgreementsRequest(), reader)
    assert isinstance(answer, GetMyAgreementsResponse)
    assert [(one.because, one.agreed, one.asked_for, one.HasField("since")) for one in answer.agreements] == [
        (Because.BECAUSE_MENTOR, True, False, True),
        (EMPLOYER, False, True, True),
    ]


async def test_a_learner_who_said_nothing_reads_what_they_are_asked_for() -> None:
    answer = await QUERIES["get_my_agreements"](GetMyAgreementsRequest(), LaidDown(person("ada", "learner")))
    assert isinstance(answer, GetMyAgreementsResponse)
    (one,) = answer.agreements
    assert (one.kind, one.because, one.agreed, one.asked_for) == (WELL_BEING, EMPLOYER, False, True)
    assert not one.HasField("since")


async def test_a_manager_reads_the_policy_with_the_names_of_its_rules() -> None:
    matrix = SetNeedToKnowRequest(rules=default_rules().rules[:3])
    (changed,) = given(MATRIX).when(matrix).events
    answer = await QUERIES["get_need_to_know"](
        GetNeedToKnowRequest(), LaidDown(person("mo", "provider_manager"), {"need-to-know": [changed]})
    )
    assert isinstance(answer, GetNeedToKnowResponse)
    assert answer.version == 2
    assert [one.name for one in answer.rules] == ["session/learner", "session/mentor", "session/employer-contact"]
    assert [one.rule for one in answer.rules] == list(matrix.rules)
