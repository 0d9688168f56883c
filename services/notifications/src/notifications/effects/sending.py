"""Sends a notice: at each try by one of its ways, until one takes it.

Between NoticeStarted and NoticeSettled there is nothing but the sending itself, so that an attempt that was never settled was truly under
way. A try is one attempt: all ways together could take longer than a due row is leased for, and then the row would be another's.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eventkernel import tracing
from eventkernel.reaction import Doing, TryAgain
from mentoring.notifications.v1.channel_pb2 import Channel
from mentoring.notifications.v1.digests_events_pb2 import GatheredNotice
from mentoring.notifications.v1.digests_pb2 import AddToDigestRequest
from mentoring.notifications.v1.events_pb2 import NoticeRequested, NoticeStarted, Outcome
from mentoring.notifications.v1.notifications_pb2 import SettleNoticeRequest, StartNoticeRequest
from opentelemetry.trace import SpanKind

from notifications.domain.addresses import addresses
from notifications.domain.contact import contact
from notifications.domain.delivering import Dropped, Gather
from notifications.domain.notice import Notice, Status, notice, to_be_started
from notifications.domain.trying import Trying
from notifications.domain.ways import Way, in_order
from notifications.effects.giving import insist, type_of
from notifications.effects.holding import Holding
from notifications.effects.leaving import Addresses, Leaving
from notifications.effects.line import Line
from notifications.effects.mailer import NotTaken, Unsure
from notifications.effects.outlets import CONTACT_UNKNOWN, Ended, Outlet, Ready
from notifications.effects.patience import Patience

# Longer than an attempt may last: by then it is settled, or its process died.
_ELSEWHERE_SECONDS = 30.0


@dataclass(frozen=True)
class SendNotice:
    """The effect of a StartNoticeRequest that is due.

    Args:
        outlets: each channel that this platform has; the ways by others are passed over.
        lines: what holds back each channel that can be held back.
        holding: looks whether it goes now.
        leaving: makes the addresses at which mail is unsubscribed; None: no mail has any.
    """

    outlets: Mapping[Channel.ValueType, Outlet]
    lines: Mapping[Channel.ValueType, Line]
    patience: Patience = field(default_factory=Patience)
    holding: Holding = field(default_factory=Holding)
    leaving: Addresses | None = None

    async def __call__(self, request: StartNoticeRequest, doing: Doing) -> None:
        """Makes one attempt, and records how it ended; what waits for a digest is given to that. Raises TryAgain where there is to be another."""
        # At the first try there is nothing to be known of it yet. Were there, it would not be started.
        first = doing.attempt == 1 and request.occasion
        known = notice.initial if first else await doing.state(notice, f"notice-{request.notice_id}")
        if known.is_finished:
            return
        if not request.occasion:
            request = await _as_asked_for(request, doing)
        attempt = Attempt(request, doing, known.attempt + 1)
        ways = await self._ways(request, known, doing)
        looked = await self.holding.looked_at(request, doing) if ways else Dropped(Outcome.OUTCOME_NOT_NEEDED)
        if isinstance(looked, Dropped):
            # What came back and goes no other way stays one that came back.
            if known.status is not Status.BOUNCED:
                await ended_as(request, known, looked.outcome, doing)
            return
        if isinstance(looked, Gather):
            await insist(doing, _gathering(request))
            return
        trying = Trying(ways, insisted_on=looked.insists)
        way = trying.next(known)
        if way is None:
            return
        rounds = trying.round_of(known)
        language = (await self.holding.wishes(request.recipient_id, doing)).language
        leaving = await self.leaving.of(request, way, doing) if self.leaving else None
        ready = await self.outlets[way.channel].prepare(
            request, way.registration, language, doing, unsubscribe=leaving.address if leaving else ""
        )
        ended = await replace(attempt, leaving=leaving).make(
            way, ready, self.lines.get(way.channel), last=self.patience.gives_up(rounds, insists=looked.insists)
        )
        after = known.after(way, ended.outcome)
        following = trying.next(after)
        if following is None or ended.is_over(safeguarding=request.safeguarding):
            return
        # The next one at once; a round that is over begins anew after a pause.
        dead = trying.is_dead(after) or (ended.failure == CONTACT_UNKNOWN and len(trying.still_open(after)) == 1)
        pause = 0.0 if trying.is_further_on(following, way) else self.patience.seconds(request, rounds, dead=dead)
        raise TryAgain(pause, ended.failure)

    async def _ways(self, request: StartNoticeRequest, known: Notice, doing: Doing) -> tuple[Way, ...]:
        theirs, mail = await asyncio.gather(
            doing.state(addresses, f"addresses-{request.recipient_id}"),
            doing.state(contact, f"contact-{request.recipient_id}"),
        )
        ways = in_order(request, theirs, mail, doing.now)
        return tuple(way for way in ways if way.channel in self.outlets and not known.came_back_from(way))


@dataclass(frozen=True)
class Attempt:
    """One attempt, from its start to its end."""

    request: StartNoticeRequest
    doing: Doing
    number: int
    leaving: Leaving | None = None

    async def end(self, outcome: Outcome.ValueType) -> None:
        """It is not to be sent."""
        if await self._started(None):
            await self.settle(Ended(outcome))

    async def make(self, way: Way, ready: Ready | Ended, line: Line | None, *, last: bool) -> Ended:
        """Hands it over, unless there is nothing to. `last`: what fails for now fails for good."""
        if not await self._started(way):
            return await self._elsewhere()
        ended = ready if isinstance(ready, Ended) else await self._hand_over(ready, line)
        if last and ended.outcome == Outcome.OUTCOME_FAILED_FOR_NOW:
            ended = replace(ended, outcome=Outcome.OUTCOME_FAILED)
        await self.settle(ended)
        return ended

    async def _started(self, way: Way | None) -> bool:
        start = StartNoticeRequest()
        start.CopyFrom(self.request)
        start.attempt = self.number
        if way is not None:
            start.channel, start.way_registration, start.stands_in = way.channel, way.registration, way.stands_in
        if self.leaving is not None:
            start.leaves_out.extend(self.leaving.kinds)
            start.unsubscribe_sha256 = self.leaving.sha256
        reply = await insist(self.doing, start)
        return type_of(NoticeStarted) in reply.event_types

    async def _hand_over(self, ready: Ready, line: Line | None) -> Ended:
        try:
            with tracing.step("send notice", kind=SpanKind.CLIENT):
                if line is None:
                    await ready.hand_over()
                else:
                    await line.through(ready.circuit, ready.hand_over, urgent=self.request.safeguarding)
        except NotTaken as refused:
            outcome = Outcome.OUTCOME_FAILED_FOR_NOW if refused.passing else Outcome.OUTCOME_FAILED
            return Ended(outcome, refused.code, gone=refused.gone)
        except Unsure as unsure:
            return Ended(Outcome.OUTCOME_UNKNOWN, unsure.code)
        return Ended(ready.outcome)

    async def settle(self, ended: Ended) -> None:
        """Records how it ended."""
        settle = SettleNoticeRequest(
            notice_id=self.request.notice_id,
            attempt=self.number,
            outcome=ended.outcome,
            failure=ended.failure,
            gone=ended.gone,
        )
        await insist(self.doing, settle)

    async def _elsewhere(self) -> Ended:
        """It was not to be started: it is finished, or another process has it. Of that nobody knows yet that it will not fail."""
        known = await self.doing.state(notice, f"notice-{self.request.notice_id}")
        if known.is_finished:
            return Ended(Outcome.OUTCOME_NOT_NEEDED)
        raise TryAgain(_ELSEWHERE_SECONDS, "ELSEWHERE")


async def ended_as(request: StartNoticeRequest, known: Notice, outcome: Outcome.ValueType, doing: Doing) -> None:
    """The notice is not to be sent. Where a process died between the two commands of that, what it began is settled: it is not unknown."""
    if known.is_being_ended:
        await Attempt(request, doing, known.attempt).settle(Ended(outcome))
    else:
        await Attempt(request, doing, known.attempt + 1).end(outcome)


async def _as_asked_for(request: StartNoticeRequest, doing: Doing) -> StartNoticeRequest:
    """With what its message is composed of. Raises LookupError where it was never asked for."""
    for item in await doing.reader().history(f"telling-{request.telling_id}"):
        if isinstance(item.event, NoticeRequested) and item.event.notice_id == request.notice_id:
            return to_be_started(item.event, item.meta.at)
    raise LookupError(f"notice {request.notice_id} is none of telling {request.telling_id}")


def _gathering(request: StartNoticeRequest) -> AddToDigestRequest:
    return AddToDigestRequest(
        person_id=request.recipient_id,
        notice=GatheredNotice(
            notice_id=request.notice_id,
            telling_id=request.telling_id,
            occasion=request.occasion,
            because=request.because,
            detail=request.detail,
            about_id=request.about_id,
            requested_at=request.requested_at if request.HasField("requested_at") else None,
        ),
    )
