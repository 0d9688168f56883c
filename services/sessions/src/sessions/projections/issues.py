"""Issues, one document an issue, for finding them: a learner's, and anybody's own open ones for all learners.

Of which kind an issue is, is published nowhere, so no document says it. What a list shows, and to whom, is said by the issues themselves
as they stand.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from eventkernel.messages import Metadata
from eventkernel.paging import cut, list_name
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from eventkernel.timestamps import timestamp
from mentoring.sessions.v1.issue_events_pb2 import (
    ISSUE_KIND_UNSPECIFIED,
    ISSUE_OUTCOME_UNSPECIFIED,
    IssueClosed,
    IssueKind,
    IssueOutcome,
    IssueRaised,
    IssueReferralDeclined,
    IssueReferralWithdrawn,
    IssueReferred,
    IssueReopened,
    ReferredAs,
)
from mentoring.sessions.v1.issue_pb2 import (
    ISSUE_PART_LEARNER,
    ISSUE_PART_MENTOR,
    ISSUE_PART_REFERRED_TO,
    ISSUE_PART_UNSPECIFIED,
    ISSUE_STATUS_CLOSED,
    ISSUE_STATUS_OPEN,
    ISSUE_STATUS_UNSPECIFIED,
    IssuePart,
    IssueReferral,
    IssueStatus,
    IssueSummary,
    ListIssuesRequest,
    ListIssuesResponse,
    ListMyIssuesRequest,
    ListMyIssuesResponse,
    ReferralStatus,
)
from mentoring.sessions.v1.mentorship_pb2 import MENTORSHIP_STATUS_ACTIVE
from pydantic import BaseModel

from sessions.domain.issue import issue
from sessions.domain.issue_sight import Sight, sight_of
from sessions.domain.issue_state import Issue, IssueStage, Referral
from sessions.domain.mentorship import mentorships
from sessions.projections.mentorship_register import mentorship_register
from sessions.projections.times import milliseconds


class FoundIssue(BaseModel):
    """Where to find an issue: whose it is, whether it is open, and who has a referral that is not over."""

    issue_id: str
    learner_id: str = ""
    mentorship_id: str = ""
    status: IssueStatus.ValueType = ISSUE_STATUS_UNSPECIFIED
    raised_at_ms: int = 0
    referred_to_ids: list[str] = []


issues = Projection(
    "issues",
    version=1,
    document=FoundIssue,
    key="issue_id",
    indexes=("learner_id", "mentorship_id", "status", "referred_to_ids"),
)


@issues.on
def raised(document: FoundIssue, event: IssueRaised, meta: Metadata) -> None:
    """One more."""
    document.learner_id = event.learner_id
    document.mentorship_id = event.mentorship_id
    document.status = ISSUE_STATUS_OPEN
    document.raised_at_ms = milliseconds(meta.at)


@issues.on
def referred(document: FoundIssue, event: IssueReferred, _meta: Metadata) -> None:
    """One more has it."""
    document.referred_to_ids = [*document.referred_to_ids, event.referred_to_id]


@issues.on
def declined(document: FoundIssue, event: IssueReferralDeclined, _meta: Metadata) -> None:
    """One has it no more."""
    document.referred_to_ids = [one for one in document.referred_to_ids if one != event.referred_to_id]


@issues.on
def withdrawn(document: FoundIssue, event: IssueReferralWithdrawn, _meta: Metadata) -> None:
    """One has it no more."""
    document.referred_to_ids = [one for one in document.referred_to_ids if one != event.referred_to_id]


@issues.on
def closed(document: FoundIssue, _event: IssueClosed, _meta: Metadata) -> None:
    """It has its outcome."""
    document.status = ISSUE_STATUS_CLOSED


@issues.on
def reopened(document: FoundIssue, _event: IssueReopened, _meta: Metadata) -> None:
    """It has none after all."""
    document.status = ISSUE_STATUS_OPEN


@dataclass(frozen=True, slots=True)
class _Seen:
    """An issue that the caller sees, and how much of it."""

    document: FoundIssue
    state: Issue
    sight: Sight


async def list_issues(request: ListIssuesRequest, read: Reader) -> ListIssuesResponse:
    """The learner's issues that the request selects. The relation has let the learner and their mentor in, each of whom sees their own."""
    seen = [
        one
        for one in await _seen(await read.documents(issues, learner_id=request.learner_id), read)
        if request.status in (ISSUE_STATUS_UNSPECIFIED, one.state.stage)
        and request.kind in (ISSUE_KIND_UNSPECIFIED, one.state.kind)
        and request.mentorship_id in ("", one.state.mentorship_id)
    ]
    of = list_name("issues", request.learner_id, request.status, request.kind, request.mentorship_id)
    shown, cursor = cut(seen, request.page, key=_age, of=of)
    return ListIssuesResponse(issues=[_listed(one, read) for one in shown], next_cursor=cursor)


async def list_my_issues(request: ListMyIssuesRequest, read: Reader) -> ListMyIssuesResponse:
    """The caller's own. What is no affair of theirs any more is taken out before the pages are cut."""
    found = await _documents(request.part, read)
    seen = [
        one
        for one in await _seen(found, read)
        if one.state.stage is IssueStage.OPEN
        and request.part in (ISSUE_PART_UNSPECIFIED, _part(one))
        and request.kind in (ISSUE_KIND_UNSPECIFIED, one.state.kind)
    ]
    of = list_name("my issues", read.principal.person_id, request.part, request.kind)
    shown, cursor = cut(seen, request.page, key=_age, of=of)
    return ListMyIssuesResponse(issues=[_listed(one, read) for one in shown], next_cursor=cursor)


def summary(state: Issue, sight: Sight, person_id: str, raised_at_ms: int) -> IssueSummary:
    """What somebody with this sight is shown of an issue, without its texts."""
    all_of_it = sight >= Sight.WHOLE
    shown = IssueSummary(
        issue_id=state.issue_id,
        learner_id=state.learner_id,
        mentorship_id=state.mentorship_id,
        kind=IssueKind.ValueType(state.kind),
        status=IssueStatus.ValueType(state.stage),
        raised_by_id=state.raised_by_id if sight > Sight.OUTLINE else "",
        outcome=IssueOutcome.ValueType(state.outcome) if sight > Sight.OUTLINE else ISSUE_OUTCOME_UNSPECIFIED,
        referrals=[_referral(one) for one in state.referrals.values() if all_of_it or one.referred_to_id == person_id],
        idle=sight is Sight.MENTOR and state.told_idle > 0,
    )
    shown.raised_at.FromMilliseconds(raised_at_ms)
    return shown


async def _documents(part: IssuePart.ValueType, read: Reader) -> list[FoundIssue]:
    me = read.principal.person_id
    found = dict[str, FoundIssue]()
    if part in (ISSUE_PART_UNSPECIFIED, ISSUE_PART_LEARNER):
        found |= _by_id(await read.documents(issues, learner_id=me, status=ISSUE_STATUS_OPEN))
    if part in (ISSUE_PART_UNSPECIFIED, ISSUE_PART_REFERRED_TO):
        found |= _by_id(await read.documents(issues, referred_to_ids=me, status=ISSUE_STATUS_OPEN))
    if part in (ISSUE_PART_UNSPECIFIED, ISSUE_PART_MENTOR):
        mine = await read.documents(mentorship_register, mentor_id=me, status=MENTORSHIP_STATUS_ACTIVE)
        ids = frozenset(one.mentorship_id for one in mine)
        found |= _by_id(await read.documents(issues, mentorship_id=ids, status=ISSUE_STATUS_OPEN)) if ids else {}
    return list(found.values())


def _by_id(documents: Iterable[FoundIssue]) -> dict[str, FoundIssue]:
    return {one.issue_id: one for one in documents}


async def _seen(documents: Iterable[FoundIssue], read: Reader) -> list[_Seen]:
    # Without the first event of its stream a document tells of nobody's issue yet.
    found = [one for one in documents if one.learner_id]
    return [one for one in await asyncio.gather(*(_look(one, read) for one in found)) if one.sight is not Sight.NOTHING]


async def _look(document: FoundIssue, read: Reader) -> _Seen:
    state, people = await asyncio.gather(
        read.state(issue, f"issue-{document.issue_id}"),
        read.state(mentorships, f"mentorships-{document.learner_id}"),
    )
    return _Seen(document, state, sight_of(state, people, read.principal))


def _part(one: _Seen) -> IssuePart.ValueType:
    parts = {Sight.WHOLE: ISSUE_PART_LEARNER, Sight.MENTOR: ISSUE_PART_MENTOR}
    return parts.get(one.sight, ISSUE_PART_REFERRED_TO)


def _age(one: _Seen) -> tuple[int, str]:
    return one.document.raised_at_ms, one.document.issue_id


def _listed(one: _Seen, read: Reader) -> IssueSummary:
    return summary(one.state, one.sight, read.principal.person_id, one.document.raised_at_ms)


def _referral(of: Referral) -> IssueReferral:
    return IssueReferral(
        referral_id=of.referral_id,
        referred_to_id=of.referred_to_id,
        referred_as=ReferredAs.ValueType(of.referred_as),
        status=ReferralStatus.ValueType(of.stage),
        answer_by=timestamp(of.answer_by),
        learner_agreed=of.learner_agreed,
    )
