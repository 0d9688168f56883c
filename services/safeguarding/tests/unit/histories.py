"""Random histories of one concern: any people in any part, any rota, time that jumps both ways, commands from anybody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from eventkernel.messages import Principal
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from hypothesis import strategies as st
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import handling_events_pb2 as handling_events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.domain.rota import Rota
from safeguarding.domain.route_rules import Rule

from .stories import (
    POLICY,
    Tale,
    a_concern,
    a_file,
    a_link,
    a_passing_on,
    a_referral,
    a_rota,
    a_task,
    acknowledgement,
    addition,
    an_action,
    an_addition,
    an_answer,
    closure,
    escalation_of,
    finishing,
    reopening,
)

PEOPLE = tuple(f"person-{number}" for number in range(8))
PLATFORM = Principal.system("provider-1")
_THREE_DAYS = 3 * 86_400


@dataclass(frozen=True)
class Given:
    """A command as somebody gives it."""

    command: Message
    by: Principal

    def __call__(self, tale: Tale) -> Sequence[Message]:
        return tale.give_or_not(self.command, self.by)


@dataclass(frozen=True)
class OfTheRaiser:
    """A command of whoever raised it."""

    command: Message

    def __call__(self, tale: Tale) -> Sequence[Message]:
        return tale.give_or_not(self.command, person(tale.state.raiser_id, "mentor"))


@dataclass(frozen=True)
class AHandler:
    """A command of one who is or was asked, the newest or an earlier one; nothing where nobody was."""

    command: Message
    place: int

    def __call__(self, tale: Tale) -> Sequence[Message]:
        asked = tale.state.asked_ids
        return tale.give_or_not(self.command, person(asked[-1 - self.place % len(asked)], "dsl")) if asked else []


@dataclass(frozen=True)
class TheHolder:
    """A command of whoever has it; nothing where nobody does."""

    command: Message

    def __call__(self, tale: Tale) -> Sequence[Message]:
        held_by_id = tale.state.held_by_id
        return tale.give_or_not(self.command, person(held_by_id, "dsl")) if held_by_id else []


class TheTasksAreDone:
    """Whoever was given a task finishes it; nothing where nobody was."""

    def __repr__(self) -> str:
        return "TheTasksAreDone()"

    def __call__(self, tale: Tale) -> Sequence[Message]:
        todo = [task for task in tale.state.given if task.is_open]
        return [
            event
            for task in todo
            for event in tale.give_or_not(finishing(task.task_id), person(task.assignee_id, "dsl"))
        ]


@dataclass(frozen=True)
class ToAColleague:
    """Whoever has it passes it on, or gives a task, to one who stands on the rota now, in the concern or not."""

    command: Callable[[str], Message]
    place: int

    def __call__(self, tale: Tale) -> Sequence[Message]:
        rota, holder = tale.rota, tale.state.held_by_id
        colleagues = [one for one in (rota.dsl_id, *rota.deputy_ids, rota.senior_lead_id) if one not in ("", holder)]
        if not colleagues:
            return []
        return TheHolder(self.command(colleagues[self.place % len(colleagues)]))(tale)


class TheReceiverTakes:
    """Whoever it is passed on to acknowledges it; nothing where nobody is."""

    def __repr__(self) -> str:
        return "TheReceiverTakes()"

    def __call__(self, tale: Tale) -> Sequence[Message]:
        offer = tale.state.offer
        return tale.give_or_not(acknowledgement, person(offer.receiver_id, "dsl")) if offer is not None else []


@dataclass(frozen=True)
class FileEnds:
    """What was announced came, or did not; nothing where nothing was announced."""

    place: int
    came: bool

    def __call__(self, tale: Tale) -> Sequence[Message]:
        if not tale.state.attachments:
            return []
        attachment_id = tale.state.attachments[self.place % len(tale.state.attachments)].attachment_id
        kind = attachments.AttachToConcernRequest if self.came else attachments.ExpireAttachmentRequest
        return tale.give_or_not(kind(concern_id="concern-1", attachment_id=attachment_id), PLATFORM)


class DeadlinePasses:
    """Nobody acknowledges in time, and the alarm rings."""

    def __repr__(self) -> str:
        return "DeadlinePasses()"

    def __call__(self, tale: Tale) -> Sequence[Message]:
        return tale.miss_the_deadline() if tale.state.acknowledge_by is not None else []


@dataclass(frozen=True)
class DueComes:
    """What is to be done is not done in time; nothing where nothing is due."""

    place: int

    def __call__(self, tale: Tale) -> Sequence[Message]:
        due = tale.state.due
        return tale.miss_what_is_due(due[self.place % len(due)].due_id) if due else []


@dataclass(frozen=True)
class Alarm:
    """The platform's alarm for the concern's own step, or one near it."""

    steps_off: int

    def __call__(self, tale: Tale) -> Sequence[Message]:
        return tale.give_or_not(escalation_of(max(0, tale.state.step + self.steps_off)), PLATFORM)


@dataclass(frozen=True)
class TimeJumps:
    """The clock moves, forward or back."""

    seconds: float

    def __call__(self, tale: Tale) -> Sequence[Message]:
        tale.pass_time(self.seconds)
        return []


@dataclass(frozen=True)
class RotaChanges:
    """The senior lead sets another rota; who stood on the one before is remembered."""

    rota: Rota

    def __call__(self, tale: Tale) -> Sequence[Message]:
        tale.rota = replace(self.rota, stood_ids=tale.rota.stood_ids | self.rota.stood_ids)
        return []


@dataclass(frozen=True)
class RulesChange:
    """The senior lead sets other rules on who is asked first."""

    rules: tuple[Rule, ...]

    def __call__(self, tale: Tale) -> Sequence[Message]:
        tale.policy = replace(tale.policy, rules=self.rules, version=tale.policy.version + 1)
        return []


Deed = Callable[[Tale], Sequence[Message]]

somebody = st.builds(
    lambda who, roles: person(who, *roles),
    st.sampled_from(PEOPLE),
    st.sets(st.sampled_from(["mentor", "learner", "dsl", "deputy_dsl", "senior_lead"])),
)
set_rotas = st.builds(
    lambda people, deputies: a_rota(people[0], *people[1 : 1 + deputies], lead_id=people[-1]),
    st.permutations(PEOPLE),
    st.integers(0, 4),
)
# Now and then nobody is on it.
rotas = st.integers(0, 9).flatmap(lambda number: st.just(Rota()) if number == 9 else set_rotas)
STAFF_ALLEGATION, PHYSICAL = events.CONCERN_CATEGORY_STAFF_ALLEGATION, events.CONCERN_CATEGORY_PHYSICAL
rules = st.builds(
    lambda first, categories, sites: Rule(tuple(first), categories, site_ids=sites),
    # Some are on the rota, some are not, and some are spelled in other letters.
    st.lists(
        st.sampled_from([*PEOPLE, "person-prevent", PEOPLE[0].upper()]), unique_by=str.casefold, min_size=1, max_size=3
    ),
    st.sampled_from([frozenset(), frozenset({PHYSICAL}), frozenset({STAFF_ALLEGATION, PHYSICAL})]),
    st.sampled_from([frozenset(), frozenset({"site-1"}), frozenset({"site-2"})]),
)
some_rules: st.SearchStrategy[tuple[Rule, ...]] = st.lists(rules, max_size=2).map(tuple)
concerns = st.builds(
    a_concern,
    about=st.sampled_from(PEOPLE),
    naming=st.lists(st.sampled_from(PEOPLE), unique=True, max_size=4),
    category=st.sampled_from(
        [
            events.CONCERN_CATEGORY_PHYSICAL,
            events.CONCERN_CATEGORY_STAFF_LOW_LEVEL,
            events.CONCERN_CATEGORY_STAFF_ALLEGATION,
        ]
    ),
    severity=st.sampled_from([events.SEVERITY_IMMEDIATE_DANGER, events.SEVERITY_SERIOUS, events.SEVERITY_OTHER]),
    narrative=st.sampled_from(["the-narrative: one", "the-narrative: two"]),
    anonymous=st.booleans(),
)
actions: st.SearchStrategy[calls.RecordActionRequest] = st.builds(
    an_action, st.sampled_from([events.REFERRAL_BODY_UNSPECIFIED, events.REFERRAL_BODY_LADO])
)
additions: st.SearchStrategy[calls.AddToConcernRequest] = st.builds(
    lambda named: an_addition(*named), st.lists(st.sampled_from(PEOPLE), unique=True, max_size=2)
)
passings: st.SearchStrategy[Message] = st.builds(a_passing_on, st.sampled_from(PEOPLE))
tasks: st.SearchStrategy[Message] = st.builds(a_task, st.sampled_from(PEOPLE))


def a_second_task(assignee_id: str) -> Message:
    return a_task(assignee_id, "t-2", within=timedelta(days=40))


of_handlers: st.SearchStrategy[Message] = st.one_of(
    st.just(acknowledgement),
    st.just(acknowledgement),
    actions,
    st.just(addition),
    additions,
    st.builds(a_file, st.sampled_from(["upload-1", "upload-2"])),
    st.just(closure),
    st.just(reopening),
    st.builds(a_link, st.sampled_from(PEOPLE), st.sampled_from(["", "the-note: saw it"])),
    passings,
    tasks,
    st.builds(finishing, st.sampled_from(["t-1", "t-2"])),
    st.builds(a_referral, st.sampled_from(list(handling_events.ReferredTo.values()[1:]))),
    st.builds(an_answer, st.sampled_from(list(handling_events.ReferralAnswer.values()[1:]))),
)
deeds: st.SearchStrategy[Deed] = st.one_of(
    st.builds(AHandler, of_handlers, st.integers(0, 2)),
    st.just(TheHolder(acknowledgement)),
    st.builds(TheHolder, of_handlers),
    st.builds(TheHolder, of_handlers),
    st.builds(ToAColleague, st.sampled_from([a_passing_on, a_task, a_second_task]), st.integers(0, 5)),
    st.builds(ToAColleague, st.sampled_from([a_passing_on, a_task]), st.integers(0, 5)),
    st.builds(DeadlinePasses),
    st.builds(TheReceiverTakes),
    st.builds(TheTasksAreDone),
    st.builds(DueComes, st.integers(0, 2)),
    st.builds(FileEnds, st.integers(0, 2), st.sampled_from([True, True, False])),
    st.builds(Given, st.one_of(concerns, of_handlers), somebody),
    st.builds(OfTheRaiser, st.one_of(st.just(addition), st.builds(a_file, st.sampled_from(["upload-1", "upload-2"])))),
    st.builds(Alarm, st.sampled_from([0, 0, -1, 1])),
    st.builds(TimeJumps, st.floats(-_THREE_DAYS, _THREE_DAYS)),
    st.builds(RotaChanges, rotas),
    st.builds(RulesChange, some_rules),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Tale, list[Deed]]:
    """A concern that somebody has just raised, and what is done from then on; often whoever is asked takes it first."""
    tale = Tale(rota=draw(rotas), policy=replace(POLICY, rules=draw(some_rules)))
    tale.give(draw(concerns), draw(somebody))
    taken: list[Deed] = [TheHolder(acknowledgement)] if draw(st.booleans()) else []
    return tale, taken + draw(st.lists(deeds, min_size=draw(st.sampled_from([0, 12])), max_size=25))
