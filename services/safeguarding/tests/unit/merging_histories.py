"""Random histories of three concerns: as of one, and they are merged, separated, and what one says to another comes late, or twice."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from eventkernel.messages import Principal
from eventkernel.reading import Reader
from eventkernel.testing.scenario import person
from google.protobuf.message import Message
from hypothesis import strategies as st
from mentoring.safeguarding.v1.safeguarding_pb2 import RaiseConcernRequest
from safeguarding.domain.concern import concern
from safeguarding.domain.concern_state import Concern, not_yours
from safeguarding.domain.rota import Rota
from safeguarding.one_matter import handles

from .histories import (
    PEOPLE,
    PHYSICAL,
    PLATFORM,
    STAFF_ALLEGATION,
    DeadlinePasses,
    Deed,
    OfTheRaiser,
    TheHolder,
    additions,
    deeds,
    set_rotas,
)
from .merging_stories import A, B, C, Matter, a_merging, a_separation, of
from .stories import LEARNER, POLICY, Tale, a_concern, acknowledgement, addition, closure

ALL = (A, B, C)
LAST_RESORT = "person-last"


@dataclass
class Reads:
    """Reads each concern as it is now."""

    matter: Matter

    async def state(self, _aggregate: object, stream: str) -> Concern:
        return self.matter.state(stream.removeprefix(f"{concern.name}-"))


@dataclass
class Part(Tale):
    """One of the concerns: commands find it by its own id, and people's are checked as the service checks them."""

    concern_id: str = ""
    matter: "Several | None" = None

    def give(self, command: Message, by: Principal) -> Sequence[Message]:
        assert self.matter is not None
        return self.matter.give(of(self.concern_id, command), by)

    def decide(self, command: Message, by: Principal) -> Sequence[Message]:
        return super().give(command, by)


@dataclass
class Several(Matter):
    """Three concerns of one rota. `decided` has what each deed came to, by concern."""

    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    carried: list[Message] = field(default_factory=list)
    decided: list[tuple[str, Message, Sequence[Message]]] = field(default_factory=list)

    def give(self, command: Message, by: Principal, seeing: Concern | None = None) -> Sequence[Message]:
        part = cast("Part", self._tale(command))
        if not (isinstance(command, RaiseConcernRequest) or by == PLATFORM or self.may(command, by)):
            raise not_yours()
        found = part.decide(command, by)
        self._on_its_way_from(found)
        self.decided.append((part.concern_id, command, found))
        return found

    def may(self, command: Message, by: Principal) -> bool:
        """As the service's relations ask it: of what is read now."""
        ids = [
            getattr(command, name) for name in ("concern_id", "duplicate_id", "leading_id") if hasattr(command, name)
        ]
        if any(one not in self.tales for one in ids):
            return False
        first = self.state(ids[0])
        if len(ids) == 1 and (first.is_raiser(by.person_id) or first.has_task(by.person_id)):
            return True
        return all(self.handlers(one) >= {by.person_id} for one in ids)

    def handlers(self, concern_id: str) -> set[str]:
        """Everybody who handles it now."""

        async def look() -> set[str]:
            read = cast("Reader", Reads(self))
            return {one for one in (*PEOPLE, LAST_RESORT) if await handles(one, self.state(concern_id), read)}

        return self.runner.run(look())


@dataclass(frozen=True)
class InOne:
    """A deed of one concern's own."""

    concern_id: str
    deed: Deed

    def __call__(self, matter: Several) -> None:
        tale = matter.tales[self.concern_id]
        self.deed(tale)
        for other in matter.tales.values():
            other.now, other.rota, other.policy = tale.now, tale.rota, tale.policy


@dataclass(frozen=True)
class Merging:
    """One who handles both merges them; where nobody does, one who handles neither tries."""

    leading_id: str
    duplicate_id: str
    place: int

    def __call__(self, matter: Several) -> None:
        both = sorted(matter.handlers(self.leading_id) & matter.handlers(self.duplicate_id)) or [PEOPLE[0]]
        matter.give_or_not(a_merging(self.duplicate_id, self.leading_id), person(both[self.place % len(both)], "dsl"))


@dataclass(frozen=True)
class Separation:
    """One who handles the leading concern separates what is merged; nothing where nothing is."""

    place: int

    def __call__(self, matter: Several) -> None:
        merged = [one for one in ALL if matter.state(one).leading is not None]
        if not merged:
            return
        state = matter.state(merged[self.place % len(merged)])
        assert state.leading is not None
        able = sorted(matter.handlers(state.leading.concern_id)) or [PEOPLE[0]]
        matter.give_or_not(
            a_separation(state.concern_id, state.leading.concern_id), person(able[self.place % len(able)], "dsl")
        )


@dataclass(frozen=True)
class Carried:
    """Something that was on its way comes; out of turn with what another concern says, and now and then once more."""

    place: int
    again: bool

    def __call__(self, matter: Several) -> None:
        if self.again and matter.carried:
            matter.give_or_not(matter.carried[self.place % len(matter.carried)], PLATFORM)
        elif matter.on_its_way:
            # What one stream says comes in its order.
            request = next(
                one
                for one in matter.on_its_way
                if same_source(one, matter.on_its_way[self.place % len(matter.on_its_way)])
            )
            matter.on_its_way.remove(request)
            matter.carried.append(request)
            matter.give(request, PLATFORM)


def same_source(one: Message, other: Message) -> bool:
    """Whether the same concern said both."""
    return _source(one) == _source(other)


def _source(request: Any) -> str:
    named: str = getattr(request, "merged_id", "") or getattr(request, "leading_id", "")
    return named


@dataclass(frozen=True)
class AllIsCarried:
    """Nothing is on its way any more."""

    def __call__(self, matter: Several) -> None:
        matter.deliver()


@dataclass(frozen=True)
class Addition:
    """The raiser of what is merged adds to it, and may name somebody; nothing where nothing is merged."""

    place: int
    command: Message

    def __call__(self, matter: Several) -> None:
        merged = [one for one in ALL if matter.state(one).leading is not None]
        if merged:
            InOne(merged[self.place % len(merged)], OfTheRaiser(self.command))(matter)


Step = Callable[[Several], None]
mergings = st.builds(
    lambda pair, place: Merging(pair[0], pair[1], place),
    st.sampled_from([(A, B), (A, B), (A, C), (B, A), (B, C), (C, A)]),
    st.integers(0, 2),
)
of_one: st.SearchStrategy[Step] = st.builds(InOne, st.sampled_from(ALL), deeds)
carried: st.SearchStrategy[Step] = st.builds(Carried, st.integers(0, 3), st.sampled_from([False, False, True]))
steps: st.SearchStrategy[Step] = st.one_of(
    of_one,
    of_one,
    st.builds(InOne, st.sampled_from(ALL), st.sampled_from([TheHolder(acknowledgement), TheHolder(closure)])),
    st.builds(InOne, st.sampled_from(ALL), st.just(DeadlinePasses())),
    mergings,
    mergings,
    st.builds(Separation, st.integers(0, 2)),
    st.builds(Addition, st.integers(0, 2), st.one_of(st.just(addition), additions)),
    carried,
    carried,
    st.builds(AllIsCarried),
)


@st.composite
def several(draw: st.DrawFn) -> tuple[Several, list[Step]]:
    """Three concerns of one kind, each mostly taken by whoever was asked and two of them often merged, and what is done from then on."""
    matter = Several()
    rota: Rota = draw(set_rotas)
    category = draw(st.sampled_from([PHYSICAL, PHYSICAL, STAFF_ALLEGATION]))
    for concern_id in ALL:
        naming = draw(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=2))
        command = a_concern(about=draw(st.sampled_from([*PEOPLE[:2], LEARNER])), naming=naming, category=category)
        matter.tales[concern_id] = Part(
            rota=rota, policy=replace(POLICY, last_resort_id=LAST_RESORT), concern_id=concern_id, matter=matter
        )
        matter.tales[concern_id].give(command, person(draw(st.sampled_from(PEOPLE)), "mentor"))
        if draw(st.integers(0, 4)):
            TheHolder(acknowledgement)(matter.tales[concern_id])
    begun: list[Step] = draw(st.sampled_from([[], [Merging(A, B, 0)], [Merging(A, B, 0), AllIsCarried()]]))
    return matter, begun + draw(st.lists(steps, min_size=6, max_size=22))
