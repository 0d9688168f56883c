"""`mentorstream issues`: the open issues that somebody has, or those of one learner, the oldest first."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from mentoring.common.v1.common_pb2 import Page
from mentoring.sessions.v1.issue_events_pb2 import IssueKind
from mentoring.sessions.v1.issue_pb2 import (
    ISSUE_STATUS_OPEN,
    REFERRAL_STATUS_DECLINED,
    REFERRAL_STATUS_WAITING,
    IssueSummary,
    ListIssuesRequest,
    ListIssuesResponse,
    ListMyIssuesRequest,
    ListMyIssuesResponse,
)

from mentorstream.contracts import CONTRACTS
from mentorstream.listening import address_of
from mentorstream.operate.reach import HERE
from mentorstream.operate.show import ago, as_json, console, table
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.roles import RoleName

_A_PAGE = 500
_COLUMNS = ("issue", "learner", "kind", "open for", "with", "idle")


def issues(
    *,
    learner: Annotated[
        str, typer.Option(help="Of this learner alone; all open issues of the caller's where not given.")
    ] = "",
    person: Annotated[str, typer.Option("--as", help="Whose view: a person's id.")] = "",
    role: Annotated[
        list[RoleName] | None, typer.Option(help="In which role; mentor where not given.", show_default=False)
    ] = None,
    address: Annotated[str, typer.Option(help="The sessions service; the one of `make up` where not given.")] = "",
    token: Annotated[str, typer.Option(envvar="MENTORSTREAM_TOKEN", help="In place of --as and --role: a token.")] = "",
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: Annotated[
        Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")
    ] = HERE,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show open issues as far as a person sees them: those that are theirs or were referred to them, the oldest first."""
    if not (token or person):
        fail("CALLER_MISSING: give --as PERSON, or --token: nobody sees an issue who has no part in it")
    roles = [one.value for one in role or []] or ["mentor"]
    bearer = token or local_token(data_dir, person, provider, roles)
    where = address or address_of("sessions", data_dir)
    try:
        found = run(_all(where, bearer, learner))
    except CallFailed as failed:
        fail(told(failed, "sessions", where, "--address HOST:PORT"))
    if json:
        as_json([("sessions", ListMyIssuesResponse(issues=found))])
        return
    show_issues(found)


def show_issues(found: Sequence[IssueSummary]) -> None:
    """A line an issue."""
    if not found:
        console.print("no open issues")
        return
    table("Open issues", _COLUMNS, (_row(one) for one in found))


async def _all(address: str, token: str, learner_id: str) -> list[IssueSummary]:
    found, page = list[IssueSummary](), Page(size=_A_PAGE)
    async with grpc.aio.insecure_channel(address) as channel:
        client = Client(channel, CONTRACTS["sessions"], token)
        while True:
            answer = await _page(client, learner_id, page)
            found += answer.issues
            page.cursor = answer.next_cursor
            if not page.cursor:
                return found


async def _page(client: Client, learner_id: str, page: Page) -> ListIssuesResponse | ListMyIssuesResponse:
    if learner_id:
        request = ListIssuesRequest(learner_id=learner_id, status=ISSUE_STATUS_OPEN, page=page)
        return await client.call(request, ListIssuesResponse)
    return await client.call(ListMyIssuesRequest(page=page), ListMyIssuesResponse)


def _row(one: IssueSummary) -> tuple[str, ...]:
    kind = IssueKind.Name(one.kind).removeprefix("ISSUE_KIND_").lower().replace("_", "-")
    return one.issue_id, one.learner_id, kind, ago(one.raised_at), ", ".join(_with(one)), "yes" if one.idle else ""


def _with(one: IssueSummary) -> Iterator[str]:
    """Who has a referral of it; `?` where they have not answered."""
    for referral in one.referrals:
        if referral.status != REFERRAL_STATUS_DECLINED:
            yield referral.referred_to_id + ("?" if referral.status == REFERRAL_STATUS_WAITING else "")
