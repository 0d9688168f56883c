"""Over any history, nobody is told who has neither a part in what happened nor a rule whose conditions are met: not when it is asked for,
and not when it is sent."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

from eventkernel.testing.scenario import NOON, Given, given
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.common.v1.common_pb2 import InformationKind, PartyRelationship
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import Because, CircleRecorded, Detail, NeedToKnowRule, NoticeRequested
from mentoring.notifications.v1.need_to_know_pb2 import (
    GiveAgreementRequest,
    SetLearnerComesOfAgeRequest,
    WithdrawAgreementRequest,
)
from mentoring.notifications.v1.notifications_pb2 import (
    Part,
    RecordCircleRequest,
    SetNeedToKnowRequest,
    StartNoticeRequest,
    TellCircleRequest,
)
from notifications.default_matrix import default_matrix
from notifications.domain.circle import Circle, circle
from notifications.domain.conditions import Cell, Conditions, conditions
from notifications.domain.need_to_know import NeedToKnow, need_to_know
from notifications.domain.occasions import PARTS_IN_A_CIRCLE, TOLD_AMONG
from notifications.domain.telling import Telling, telling

from .around import CELLS, KINDS, PEOPLE, RECORD, RULES

PERSON, MENTORSHIP = st.sampled_from(PEOPLE), st.sampled_from(["m-1", "m-2"])
BECAUSE_OF = {
    PartyRelationship.PARTY_RELATIONSHIP_EMPLOYER_CONTACT: Because.BECAUSE_EMPLOYER_CONTACT,
    PartyRelationship.PARTY_RELATIONSHIP_ASSESSOR: Because.BECAUSE_ASSESSOR,
    PartyRelationship.PARTY_RELATIONSHIP_PROVIDER_MANAGER: Because.BECAUSE_PROVIDER_MANAGER,
    PartyRelationship.PARTY_RELATIONSHIP_GUARDIAN: Because.BECAUSE_GUARDIAN,
}


def _record(event: CircleRecorded) -> RecordCircleRequest:
    return RecordCircleRequest(
        learner_id="ada", mentorship_id=event.mentorship_id, mentor_id=event.mentor_id, parties=event.parties, ended=event.ended
    )  # fmt: skip


def _give(cell: Cell) -> GiveAgreementRequest:
    return GiveAgreementRequest(learner_id="ada", kind=cell[0], because=cell[1])


def _withdraw(cell: Cell) -> WithdrawAgreementRequest:
    return WithdrawAgreementRequest(learner_id="ada", kind=cell[0], because=cell[1])


@st.composite
def _tell(draw: st.DrawFn) -> TellCircleRequest:
    occasion = draw(st.sampled_from(sorted(TOLD_AMONG)))
    parts = sorted(PARTS_IN_A_CIRCLE.get(occasion, ()))
    part = st.builds(Part, person_id=PERSON, because=st.sampled_from(parts)) if parts else st.nothing()
    return TellCircleRequest(
        telling_id="t-1",
        learner_id="ada",
        kind=draw(KINDS),
        or_kind=draw(st.one_of(st.just(InformationKind.INFORMATION_KIND_UNSPECIFIED), KINDS)),
        occasion=occasion,
        about_id="x-1",
        mentorship_id=draw(MENTORSHIP),
        actor_id=draw(st.sampled_from(["", *PEOPLE])),
        parts=draw(st.lists(part, max_size=2 if parts else 0)),
    )


DAY = st.sampled_from(["", "2020-01-01", "2026-03-04", "2030-01-01"])
STEP = st.one_of(
    RECORD.map(lambda event: [_record(event)]),
    RULES.map(lambda rules: [SetNeedToKnowRequest(rules=rules)]),
    st.sets(st.sampled_from(CELLS)).map(lambda cells: [_give(cell) for cell in sorted(cells)]),
    st.sets(st.sampled_from(CELLS)).map(lambda cells: [_withdraw(cell) for cell in sorted(cells)]),
    DAY.map(lambda day: [SetLearnerComesOfAgeRequest(learner_id="ada", comes_of_age_on=day)]),
    st.integers(1, 3).map(lambda days: [timedelta(days=days)]),
    st.lists(_tell(), min_size=1, max_size=3),
)
# All that may be lost is there at first.
BEGUN = st.tuples(
    RECORD.filter(lambda one: not one.ended),
    RULES,
    st.lists(_tell(), min_size=2, max_size=4),
).map(
    lambda begun: [
        _record(begun[0]),
        SetNeedToKnowRequest(rules=begun[1]),
        *map(_give, CELLS),
        SetLearnerComesOfAgeRequest(learner_id="ada", comes_of_age_on="2026-03-04"),
        *begun[2],
    ]
)  # fmt: skip
HISTORY = st.tuples(BEGUN, st.lists(STEP, max_size=6)).map(lambda found: [*found[0], *chain.from_iterable(found[1])])


@dataclass
class World:
    """What is so, as plain as can be, beside the aggregates that decide."""

    now: datetime = NOON
    people: dict[str, set[tuple[str, Because.ValueType]]] = field(default_factory=dict)
    attached: dict[str, set[str]] = field(default_factory=dict)
    left: dict[str, set[str]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    rules: list[NeedToKnowRule] = field(default_factory=list)
    agreed: set[tuple[int, int]] = field(default_factory=set)
    comes_of_age_on: str = ""

    def learns(self, step: Message | timedelta) -> None:
        match step:
            case RecordCircleRequest() if step.mentorship_id not in self.ended:
                here = [party for party in step.parties if party.relationship in BECAUSE_OF]
                mentor = [] if step.ended else [step.mentor_id]
                self.people[step.mentorship_id] = {(one, Because.BECAUSE_MENTOR) for one in mentor}
                self.people[step.mentorship_id] |= {(one.person_id, BECAUSE_OF[one.relationship]) for one in here}
                before = self.attached.get(step.mentorship_id, set()) | self.left.get(step.mentorship_id, set())
                self.attached[step.mentorship_id] = {*mentor, *(one.person_id for one in step.parties)}
                self.left[step.mentorship_id] = before - self.attached[step.mentorship_id]
                self.ended |= {step.mentorship_id} if step.ended else set()
            case SetNeedToKnowRequest():
                self.rules = list(step.rules)
            case GiveAgreementRequest():
                self.agreed.add((step.kind, step.because))
            case WithdrawAgreementRequest():
                self.agreed.discard((step.kind, step.because))
            case SetLearnerComesOfAgeRequest():
                self.comes_of_age_on = step.comes_of_age_on
            case timedelta():
                self.now += step

    def may_be_told(self, notice: NoticeRequested, of: TellCircleRequest) -> bool:
        who = notice.recipient_id
        if notice.rule.startswith("part/"):
            return Part(person_id=who, because=notice.because) in of.parts and self._belongs(notice, of.mentorship_id)
        related = self.people[of.mentorship_id] | {("ada", Because.BECAUSE_LEARNER)}
        return (
            (who, notice.because) in related
            and notice.because in TOLD_AMONG[of.occasion]
            and all(
                any(self._tells(rule, notice, kind) for rule in self.rules) for kind in (of.kind, of.or_kind) if kind
            )
        )

    def _belongs(self, notice: NoticeRequested, mentorship_id: str) -> bool:
        who = notice.recipient_id
        if notice.because == Because.BECAUSE_ISSUE_REFERRED_TO_THEM and mentorship_id not in self.ended:
            # A colleague who never was a party may be asked; one who was, and left, may not.
            return who == "ada" or who not in self.left[mentorship_id]
        return who == "ada" or who in self.attached[mentorship_id]

    def _tells(self, rule: NeedToKnowRule, notice: NoticeRequested, kind: InformationKind.ValueType) -> bool:
        depends = set(rule.conditions)
        if rule.because == Because.BECAUSE_GUARDIAN and not depends:
            depends = {Condition.CONDITION_UNDER_18}
        is_met = {
            Condition.CONDITION_LEARNER_AGREES: (kind, rule.because) in self.agreed,
            Condition.CONDITION_UNDER_18: bool(self.comes_of_age_on)
            and self.now.date() < date.fromisoformat(self.comes_of_age_on),
        }
        cell_and_detail = (rule.kind, rule.because) == (kind, notice.because) and rule.detail >= notice.detail
        return cell_and_detail and rule.detail != Detail.DETAIL_UNSPECIFIED and all(is_met[one] for one in depends)


@dataclass
class Service:
    """The aggregates of one learner, each with its past, and the notices that wait to be sent."""

    around: Given[Circle] = field(default_factory=lambda: given(circle))
    matrix: Given[NeedToKnow] = field(default_factory=lambda: given(need_to_know(default_matrix())))
    depends: Given[Conditions] = field(default_factory=lambda: given(conditions))
    waiting: list[tuple[Telling, NoticeRequested, TellCircleRequest]] = field(default_factory=list)

    def takes(self, step: Message, now: datetime) -> bool:
        """Whether it was not refused."""
        match step:
            case RecordCircleRequest():
                outcome = self.around.when(step, at=now)
                self.around = self.around if outcome.refusal else outcome.after()
                return outcome.refusal is None
            case SetNeedToKnowRequest():
                changed = self.matrix.when(step, at=now)
                self.matrix = self.matrix if changed.refusal else changed.after()
                return changed.refusal is None
            case _:
                said = self.depends.when(step, at=now)
                self.depends = self.depends if said.refusal else said.after()
                return said.refusal is None

    def tells(self, request: TellCircleRequest, now: datetime) -> list[NoticeRequested]:
        beside = given(telling).beside(self.around.state, self.matrix.state, self.depends.state)
        outcome = beside.when(request, at=now, command_id=f"command-{len(self.waiting)}")
        told = [one for one in outcome.events if isinstance(one, NoticeRequested)]
        self.waiting += ((outcome.after().state, one, request) for one in told)
        return told

    def sends(self, now: datetime) -> list[tuple[NoticeRequested, TellCircleRequest]]:
        """What would be sent of all that waits, if it were sent now."""
        states = (self.around.state, self.matrix.state, self.depends.state, now)
        return [
            (one, request)
            for asked, one, request in self.waiting
            if asked.is_still_needed(
                StartNoticeRequest(recipient_id=one.recipient_id, because=one.because, detail=one.detail), *states
            )
        ]


@settings(deadline=None, max_examples=50)
@for_all(steps=HISTORY)
def test_nobody_without_a_rule_or_a_part_is_ever_told_and_none_is_sent_when_it_is_lost(
    steps: list[Message | timedelta],
) -> None:
    world, service = World(rules=_default()), Service()
    for step in steps:
        if isinstance(step, TellCircleRequest):
            for notice in service.tells(step, world.now):
                assert notice.recipient_id != step.actor_id
                assert world.may_be_told(notice, step)
        elif isinstance(step, timedelta) or service.takes(step, world.now):
            world.learns(step)
        for notice, request in service.sends(world.now):
            assert world.may_be_told(notice, request)


def _default() -> list[NeedToKnowRule]:
    return [
        NeedToKnowRule(kind=one.kind, because=one.because, detail=one.detail, conditions=one.conditions)
        for one in default_matrix().rules
    ]
