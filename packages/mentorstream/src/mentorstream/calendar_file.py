"""`mentorstream calendar`: a person's sessions as a file that a calendar imports."""

import sys
from pathlib import Path
from typing import Annotated

import grpc
import typer
from eventkernel.client import CallFailed, Client
from mentoring.sessions.v1.calendar_pb2 import GetCalendarRequest, GetCalendarResponse

from mentorstream.contracts import CONTRACTS
from mentorstream.embedded import StartFailure
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.up import address_of


def calendar(
    person: Annotated[str, typer.Argument(help="Whose sessions: a learner's or a mentor's id.")],
    *,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output where not given.", dir_okay=False)
    ] = None,
    days_back: Annotated[
        int, typer.Option(min=0, max=3660, help="How many days back it begins; 0: as the platform has it.")
    ] = 0,
    address: Annotated[str, typer.Option(help="The sessions service; the one of `make up` where not given.")] = "",
    token: Annotated[
        str, typer.Option(envvar="MENTORSTREAM_TOKEN", help="The person's own; a local one where not given.")
    ] = "",
    provider: Annotated[str, typer.Option(help="The provider's id.")] = "northfield",
    data_dir: Annotated[
        Path, typer.Option(help="Where the local platform keeps its data.", envvar="MENTORSTREAM_DATA")
    ] = Path(".data"),
) -> None:
    """Write a person's sessions as an iCalendar file (.ics), which any calendar imports."""
    bearer = token or local_token(data_dir, person, provider, ["learner", "mentor"])
    request = GetCalendarRequest(person_id=person, days_back=days_back)
    try:
        where = address or address_of("sessions", data_dir)
        answer = run(_calendar(where, bearer, request))
    except StartFailure as failure:
        fail(str(failure))
    except CallFailed as failed:
        fail(told(failed, "sessions", where, "--address HOST:PORT"))
    # Its lines end as RFC 5545 has them, whatever this machine's do.
    document = answer.calendar.encode()
    if output is None:
        sys.stdout.buffer.write(document)
    else:
        output.write_bytes(document)


async def _calendar(address: str, token: str, request: GetCalendarRequest) -> GetCalendarResponse:
    async with grpc.aio.insecure_channel(address) as channel:
        return await Client(channel, CONTRACTS["sessions"], token).call(request, GetCalendarResponse)
