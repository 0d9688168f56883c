"""`mentorstream concern export`: a concern as PDF, written only once all of it is there and its hash is right."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from eventkernel.client import Client
from mentoring.safeguarding.v1.export_pb2 import ConcernExport, ExportConcernRequest, ExportConcernResponse

from mentorstream.operate.reach import HERE
from mentorstream.operate.show import console, reason_of
from mentorstream.outcome import fail
from mentorstream.safeguarding_calls import Address, Caller, DataDir, Person, Provider, Roles, Token


def export(
    concern_id: Annotated[str, typer.Argument(help="The concern's id.")], *,
    to: Annotated[Path, typer.Option(help="The PDF to write; a file that is there is not overwritten.", dir_okay=False)],
    reason: Annotated[str, typer.Option(help="For whom and what for: it is kept in the concern, and stands in the document.")] = "",
    only_about: Annotated[str, typer.Option(help="Of those who are in it, name this person alone.")] = "",
    person: Person = "", role: Roles = None, address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Write a whole concern as PDF, for a court or an inspection, with the hash of each event and who read what. That it is exported is recorded."""
    if to.exists():
        fail(f"FILE_EXISTS: {to} is there already: give a name that is not, or move it away")
    request = ExportConcernRequest(concern_id=concern_id, reason=reason_of(reason), only_about_id=only_about)

    async def call(client: Client) -> tuple[ConcernExport, bytes]:
        told, content = ConcernExport(), bytearray()
        async for part in client.stream(request, ExportConcernResponse):
            if part.HasField("export"):
                told = part.export
            content += part.content
        return told, bytes(content)

    told, content = Caller(person, role, address, token, provider, data_dir).asks(call)
    if hashlib.sha256(content).digest() != told.sha256:
        fail("DOCUMENT_DAMAGED: what came is not what was made: export it again")
    try:
        # For nobody else's eyes: others of this machine neither read it nor find one there to write into.
        to.touch(mode=0o600, exist_ok=False)
        to.write_bytes(content)
    except OSError as error:
        fail(f"FILE_NOT_WRITTEN: {to}: {error.strerror}")
    console.print(f"{to}: {told.version} events, SHA-256 {told.events_sha256.hex()}", soft_wrap=True, markup=False)
