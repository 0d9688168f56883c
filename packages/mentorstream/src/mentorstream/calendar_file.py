"""`mentorstream calendar`: a person's sessions as a file that a calendar imports, or at an address that it subscribes to."""

import secrets
import sys
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from mentoring.common.v1.common_pb2 import CommandReply
from mentoring.sessions.v1.calendar_feed_pb2 import CloseCalendarFeedRequest, OpenCalendarFeedRequest
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest, GetCalendarResponse

from mentorstream.contracts import CONTRACTS
from mentorstream.embedded import StartFailure
from mentorstream.listening import address_of, pages_of
from mentorstream.outcome import fail, local_token, run, told


def calendar(
    person: Annotated[str, typer.Argument(help="Whose sessions: a learner's or a mentor's id.")],
    *,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output where not given.", dir_okay=False)
    ] = None,
    days_back: Annotated[
        int,
        typer.Option(
            min=0,
            max=3660,
            help="How many days back it begins; the platform's own 90 days where not given.",
            show_default=False,
        ),
    ] = 0,
    subscribe: Annotated[
        bool, typer.Option("--subscribe", help="Print an address to subscribe to instead; the one before is closed.")
    ] = False,
    unsubscribe: Annotated[bool, typer.Option("--unsubscribe", help="Close that address instead.")] = False,
    base_url: Annotated[
        str, typer.Option(help="What the address begins with, https://HOST; the one of `make up` where not given.")
    ] = "",
    address: Annotated[str, typer.Option(help="The sessions service; the one of `make up` where not given.")] = "",
    token: Annotated[
        str, typer.Option(envvar="MENTORSTREAM_TOKEN", help="The person's own; a local one where not given.")
    ] = "",
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: Annotated[
        Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")
    ] = Path(".data"),
) -> None:
    """Write a person's sessions as an iCalendar file (.ics), which any calendar imports; or open them to be subscribed to."""
    if subscribe and unsubscribe:
        fail("Give --subscribe or --unsubscribe, not both.")
    bearer = token or local_token(data_dir, person, provider, ["learner", "mentor"])
    try:
        where = address or address_of("sessions", data_dir)
        if unsubscribe:
            run(_give(where, bearer, CloseCalendarFeedRequest(person_id=person)))
            typer.echo("The calendar is at no address any more.")
            return
        if subscribe:
            secret = secrets.token_urlsafe(32)
            run(_give(where, bearer, OpenCalendarFeedRequest(person_id=person, secret=secret)))
            base = base_url.rstrip("/") or pages_of("sessions", data_dir)
            typer.echo(f"{base}/calendar/{provider}/{person}/{secret}.ics")
            return
        answer = run(_calendar(where, bearer, GetCalendarRequest(person_id=person, days_back=days_back)))
    except StartFailure as failure:
        fail(str(failure))
    except CallFailed as failed:
        fail(told(failed, "sessions", where, "--address HOST:PORT"))
    _write(answer.calendar, output)


def _write(calendar: str, output: Path | None) -> None:
    if "BEGIN:VEVENT" not in calendar:
        typer.echo(
            "No session is known of that person that you may see: the calendar is empty. Check the id and --provider.",
            err=True,
        )
    # Its lines end as RFC 5545 has them, whatever this machine's do.
    document = calendar.encode()
    if output is None:
        sys.stdout.buffer.write(document)
    else:
        output.write_bytes(document)


async def _calendar(address: str, token: str, request: GetCalendarRequest) -> GetCalendarResponse:
    async with grpc.aio.insecure_channel(address) as channel:
        return await Client(channel, CONTRACTS["sessions"], token).call(request, GetCalendarResponse)


async def _give(address: str, token: str, command: OpenCalendarFeedRequest | CloseCalendarFeedRequest) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        await Client(channel, CONTRACTS["sessions"], token).call(command, CommandReply)
