"""`mentorstream concern`: the open concerns that somebody has, and what happened in one, as far as that person may see it."""

from typing import Annotated

import typer
from eventkernel.client import Client
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1.oversight_pb2 import ListOpenConcernsRequest, ListOpenConcernsResponse
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    CONCERN_STATUS_CLOSED,
    CONCERN_STATUS_MERGED,
    ConcernSummary,
    GetConcernRequest,
    GetConcernResponse,
    ListMyConcernsRequest,
    ListMyConcernsResponse,
)

from mentorstream.concern.export import export
from mentorstream.concern.shown import show_board, show_concern
from mentorstream.operate.reach import HERE
from mentorstream.operate.show import as_json, console
from mentorstream.safeguarding_calls import (
    A_PAGE,
    Address,
    AsJson,
    Caller,
    DataDir,
    Person,
    Provider,
    Roles,
    Token,
)

concern = typer.Typer(no_args_is_help=True, help="Safeguarding concerns.")
# Of these nothing is waited for; what is merged is shown by its leading concern.
_DONE = (CONCERN_STATUS_CLOSED, CONCERN_STATUS_MERGED)
concern.command("export")(export)
ConcernId = Annotated[str, typer.Argument(help="The concern's id.")]


@concern.command("board")
def board(
    *, everybodys: Annotated[bool, typer.Option("--all", help="Of everybody: for a senior lead.")] = False,
    person: Person = "", role: Roles = None, address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show the open concerns that are or were given to a person, the nearest deadline first. None of their text is in it."""
    caller = Caller(person, role, address, token, provider, data_dir)
    found = caller.asks(_all_open if everybodys else _mine)
    if json:
        as_json([("safeguarding", ListOpenConcernsResponse(concerns=found))])
        return
    show_board(console, found)


@concern.command("show")
def show(
    concern_id: ConcernId, *,
    texts: Annotated[
        bool, typer.Option("--texts", help="With what was written. Each text that is opened is recorded as read.")
    ] = False,
    person: Person = "", role: Roles = None, address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show what happened in a concern, who did it and when, to those who handle it. That it was looked at is recorded."""

    async def call(client: Client) -> GetConcernResponse:
        return await client.call(GetConcernRequest(concern_id=concern_id, without_texts=not texts), GetConcernResponse)

    found = Caller(person, role, address, token, provider, data_dir).asks(call)
    if json:
        as_json([("safeguarding", found)])
        return
    show_concern(console, found)


async def _mine(client: Client) -> list[ConcernSummary]:
    found, page = list[ConcernSummary](), Page(size=A_PAGE)
    while True:
        answer = await client.call(ListMyConcernsRequest(page=page), ListMyConcernsResponse)
        found += [one for one in answer.concerns if one.status not in _DONE]
        page.cursor = answer.next_cursor
        if not page.cursor:
            return found


async def _all_open(client: Client) -> list[ConcernSummary]:
    found, page = list[ConcernSummary](), Page(size=A_PAGE)
    while True:
        answer = await client.call(ListOpenConcernsRequest(page=page), ListOpenConcernsResponse)
        found += answer.concerns
        page.cursor = answer.next_cursor
        if not page.cursor:
            return found
