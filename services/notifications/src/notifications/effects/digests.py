"""Sends a digest at its time. It goes as a notice of its own: by one way after another, and at most once.

What it lists is recorded before it is handed over, so that a process which takes over knows what went out. Only then is each notice that it
lists settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TypeAlias

from eventkernel.reaction import Doing, TryAgain
from mentoring.notifications.v1.digests_pb2 import CloseDigestRequest, SendDigestRequest
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion, Outcome
from mentoring.notifications.v1.notifications_pb2 import StartNoticeRequest

from notifications.domain.digest import Digest, digest
from notifications.domain.notice import Notice, notice
from notifications.effects.giving import insist
from notifications.effects.holding import Holding
from notifications.effects.sending import SendNotice, ended_as

# In one try: a row is leased for thirty seconds, and to settle a notice takes two commands.
_SETTLED_AT_ONCE = 50
# A notice, and as what it ends.
_End: TypeAlias = tuple[StartNoticeRequest, Outcome.ValueType]


@dataclass(frozen=True)
class SendDigest:
    """The effect of a SendDigestRequest that is due.

    Args:
        look_again: a digest that waits is looked at so often, since its person may have changed their mind.
    """

    notices: SendNotice
    holding: Holding
    look_again: timedelta = timedelta(hours=6)

    async def __call__(self, request: SendDigestRequest, doing: Doing) -> None:
        """Sends it, and closes it. Raises TryAgain until its time has come, and until one of the ways took it."""
        known = await _digest(request, doing)
        if not known.is_open(request.number):
            return
        start = _as_notice(request, known)
        out = await _notice(start, doing)
        if out.may_start:
            await self._wait(request, doing)
            await self._list(request, known, doing)
            known = await _digest(request, doing)
        if known.listed:
            await self.notices(start, doing)
        else:
            await _settle([(start, Outcome.OUTCOME_NOT_NEEDED)], doing)
        listed = [(one.for_person(request.person_id), Outcome.OUTCOME_IN_DIGEST) for one in known.listed]
        await _settle(listed, doing)
        await self._close(request, known, doing)

    async def _wait(self, request: SendDigestRequest, doing: Doing) -> None:
        """Until the time at which its person wishes it now. Quiet hours are the notice's own to keep."""
        goes_at = (await self.holding.wishes(request.person_id, doing)).digest_at(request.begun_at.ToDatetime(UTC))
        if doing.now < goes_at:
            raise TryAgain(min(self.look_again, goes_at - doing.now).total_seconds(), "DIGEST")

    async def _list(self, request: SendDigestRequest, known: Digest, doing: Doing) -> None:
        """Records what may still be told, and ends all else with its reason."""
        found, ended = SendDigestRequest(), list[_End]()
        found.CopyFrom(request)
        for one in known.waiting:
            waiting = one.for_person(request.person_id)
            if (await _notice(waiting, doing)).is_finished:
                continue
            dropped = await self.holding.dropped(waiting, doing)
            if dropped:
                ended.append((waiting, dropped))
            else:
                found.notice_ids.append(one.notice_id)
        await _settle(ended, doing)
        await insist(doing, found)

    async def _close(self, request: SendDigestRequest, known: Digest, doing: Doing) -> None:
        waiting = [one.for_person(request.person_id) for one in known.waiting]
        done = [one.notice_id for one in waiting if (await _notice(one, doing)).is_finished]
        close = CloseDigestRequest(person_id=request.person_id, number=request.number, notice_ids=done)
        await insist(doing, close)


async def _digest(request: SendDigestRequest, doing: Doing) -> Digest:
    return await doing.state(digest, f"digest-{request.person_id}")


async def _notice(request: StartNoticeRequest, doing: Doing) -> Notice:
    return await doing.state(notice, f"notice-{request.notice_id}")


def _as_notice(request: SendDigestRequest, known: Digest) -> StartNoticeRequest:
    return StartNoticeRequest(
        notice_id=known.notice_id,
        telling_id=known.notice_id,
        recipient_id=request.person_id,
        occasion=Occasion.OCCASION_DIGEST,
        because=Because.BECAUSE_CHOSE_A_DIGEST,
        detail=Detail.DETAIL_FULL,
        requested_at=request.begun_at,
    )


async def _settle(ends: Sequence[_End], doing: Doing) -> None:
    """Ends each that is not ended. Raises TryAgain where they are more than a try has time for."""
    settled = 0
    for request, outcome in ends:
        known = await _notice(request, doing)
        if known.is_finished:
            continue
        if settled == _SETTLED_AT_ONCE:
            raise TryAgain(0, "SETTLING")
        await ended_as(request, known, outcome, doing)
        settled += 1
