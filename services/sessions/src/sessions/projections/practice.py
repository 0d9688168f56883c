"""What is counted of how sessions were held, as their records stand: for a mentor their own, for the provider without names.

For the provider a figure is left out unless enough mentors and enough learners stand behind it: with fewer it would tell of one of them.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eventkernel.aggregate import Refusal
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.events_pb2 import Technique
from mentoring.sessions.v1.practice_pb2 import (
    AdviceCount,
    CountMyPracticeRequest,
    CountMyPracticeResponse,
    CountPracticeRequest,
    CountPracticeResponse,
    GuideCount,
    PracticeFigures,
    TechniqueCount,
)
from mentoring.sessions.v1.session_parts_pb2 import AdviceKind
from mentoring.sessions.v1.sessions_pb2 import SESSION_STATUS_HELD

from sessions.policy_defaults import LEAST_PEOPLE
from sessions.projections.learner_sessions import LearnerSession, learner_sessions

_AT_ONCE = 500
# What is counted: a kind of figure, and which of that kind.
_Cell = tuple[str, int | str]
_SESSIONS: _Cell = ("sessions", "")
_MINUTES: _Cell = ("minutes", "")


@dataclass(frozen=True, slots=True)
class _Counted:
    """Figures by cell, and who stands behind each."""

    figures: Counter[_Cell] = field(default_factory=Counter)
    mentors: defaultdict[_Cell, set[str]] = field(default_factory=lambda: defaultdict(set))
    learners: defaultdict[_Cell, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, session: LearnerSession) -> None:
        """One session more."""
        for cell, amount in _cells(session):
            self.figures[cell] += amount
            self.mentors[cell].add(session.mentor_id)
            self.learners[cell].add(session.learner_id)

    def withheld(self, least: int) -> "_Counted":
        """The same, without the cells that fewer than so many mentors or learners stand behind."""
        shown = {
            cell: amount
            for cell, amount in self.figures.items()
            if min(len(self.mentors[cell]), len(self.learners[cell])) >= least
        }
        return _Counted(Counter(shown))

    def told(self) -> PracticeFigures:
        """The figures, each kind in its order."""
        return PracticeFigures(
            sessions_held=self.figures[_SESSIONS],
            minutes=self.figures[_MINUTES] // 60_000,
            techniques=[
                TechniqueCount(technique=Technique.ValueType(number), sessions=amount)
                for number, amount in self._of("technique")
                if isinstance(number, int)
            ],
            guides=[GuideCount(guide_id=str(guide_id), sessions=amount) for guide_id, amount in self._of("guide")],
            advice=[
                AdviceCount(kind=AdviceKind.ValueType(number), pieces=amount)
                for number, amount in self._of("advice")
                if isinstance(number, int)
            ],
        )

    def _of(self, kind: str) -> list[tuple[int | str, int]]:
        return sorted(((which, amount) for (of, which), amount in self.figures.items() if of == kind), key=str)


async def count_my_practice(request: CountMyPracticeRequest, read: Reader) -> CountMyPracticeResponse:
    """A mentor's own figures of the sessions that they held in this time."""
    since, before = request.since.ToMilliseconds(), request.before.ToMilliseconds()
    counted = _Counted()
    async for session in _held(read, since, before, mentor_id=request.mentor_id):
        counted.add(session)
    return CountMyPracticeResponse(figures=counted.told())


async def count_practice(request: CountPracticeRequest, read: Reader) -> CountPracticeResponse:
    """The provider's figures of whole months, without what too few people stand behind.

    Raises Refusal ENDS_BEFORE_IT_BEGINS.
    """
    if request.last_month < request.first_month:
        raise Refusal(
            "ENDS_BEFORE_IT_BEGINS",
            f"last_month {request.last_month} lies before first_month {request.first_month}; give a later one",
            field="last_month",
        )
    since, before = _begins(request.first_month), _begins(request.last_month, months_on=1)
    months: defaultdict[str, _Counted] = defaultdict(_Counted)
    async for session in _held(read, since, before):
        months[f"{datetime.fromtimestamp(session.starts_at_ms / 1000, UTC):%Y-%m}"].add(session)
    # Each month by itself: else the figures of two months less those of one would tell of the few who stand behind the other.
    counted = _Counted()
    for one in months.values():
        counted.figures.update(one.withheld(LEAST_PEOPLE).figures)
    return CountPracticeResponse(figures=counted.told(), least_people=LEAST_PEOPLE)


async def _held(read: Reader, since: int, before: int, **equal: object) -> AsyncIterator[LearnerSession]:
    page = Page(size=_AT_ONCE)
    while True:
        found, page.cursor = await read.page(
            learner_sessions,
            page,
            order="starts_at_ms",
            descending=False,
            since=since,
            before=before,
            status=SESSION_STATUS_HELD,
            **equal,
        )
        for session in found:
            yield session
        if not page.cursor:
            return


def _cells(session: LearnerSession) -> Iterator[tuple[_Cell, int]]:
    yield _SESSIONS, 1
    yield _MINUTES, session.duration_ms
    for technique in session.techniques:
        yield ("technique", technique), 1
    if session.guide_id:
        yield ("guide", session.guide_id), 1
    for kind in session.advice_kinds:
        yield ("advice", kind), 1


def _begins(month: str, *, months_on: int = 0) -> int:
    """When the month begins, or the one so many later, in milliseconds since 1970 in UTC."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + months_on, 12)
    return int(datetime(year, number + 1, 1, tzinfo=UTC).timestamp() * 1000)
