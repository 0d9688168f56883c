"""`mentorstream ledger`: who was told what about a learner, as a manager sees it, or as the learner does."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from mentoring.common.v1.common_pb2 import Page
from mentoring.notifications.v1.ledger_pb2 import (
    GetLedgerRequest,
    GetLedgerResponse,
    GetMyLedgerRequest,
    GetMyLedgerResponse,
    LedgerEntry,
)

from mentorstream.contracts import CONTRACTS
from mentorstream.ledger.shown import show_ledger
from mentorstream.listening import address_of
from mentorstream.operate.reach import HERE
from mentorstream.operate.show import as_json, console
from mentorstream.outcome import fail, local_token, run, told

_A_PAGE = 500
LearnerId = Annotated[
    str, typer.Option("--learner", help="Whose ledger; where not given, that of the learner whose --token is given.")
]
Most = Annotated[int, typer.Option("--most", min=1, help="How many entries at the most, the newest.")]
Address = Annotated[
    str, typer.Option("--address", help="The notifications service, HOST:PORT; the one of `make up` where not given.")
]
Token = Annotated[
    str,
    typer.Option(
        "--token", envvar="MENTORSTREAM_TOKEN", help="Whose view; with --learner a local manager's where not given."
    ),
]
Provider = Annotated[str, typer.Option("--provider", help="The provider's id.")]
DataDir = Annotated[Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def ledger(
    *, learner: LearnerId = "", most: Most = 50, address: Address = "", token: Token = "", provider: Provider = "northfield",
    data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show who was told what about a learner, when, and by which rule: newest first. Nothing of concerns is in it."""
    if not learner and not token:
        fail(
            "LEARNER_MISSING: give --learner ID for a manager's view, or the learner's own --token "
            "(mentorstream token ID --role learner prints one)"
        )
    where = address or address_of("notifications", data_dir)
    whose = token or local_token(data_dir, "manager-1", provider, ["provider_manager"])
    found = _called(_ledger(learner, most), where, whose)
    if json:
        as_json([("ledger", found)])
        return
    show_ledger(console, found.entries, is_all=not found.next_cursor)


def _ledger(learner_id: str, most: int) -> Callable[[Client], Awaitable[GetLedgerResponse]]:
    async def call(client: Client) -> GetLedgerResponse:
        entries, cursor = list[LedgerEntry](), ""
        while True:
            page = Page(size=min(_A_PAGE, most - len(entries)), cursor=cursor)
            answer = await _page(client, learner_id, page)
            entries += answer.entries
            cursor = answer.next_cursor
            if not cursor or len(entries) >= most:
                return GetLedgerResponse(entries=entries, next_cursor=cursor)

    return call


async def _page(client: Client, learner_id: str, page: Page) -> GetLedgerResponse | GetMyLedgerResponse:
    if learner_id:
        return await client.call(GetLedgerRequest(learner_id=learner_id, page=page), GetLedgerResponse)
    return await client.call(GetMyLedgerRequest(page=page), GetMyLedgerResponse)


def _called(call: Callable[[Client], Awaitable[GetLedgerResponse]], where: str, whose: str) -> GetLedgerResponse:
    async def over_a_channel() -> GetLedgerResponse:
        async with grpc.aio.insecure_channel(where) as channel:
            return await call(Client(channel, CONTRACTS["notifications"], whose))

    try:
        return run(over_a_channel())
    except CallFailed as failed:
        fail(told(failed, "notifications", where, "--address HOST:PORT"))
