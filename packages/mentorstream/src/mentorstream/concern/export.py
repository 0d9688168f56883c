"""`mentorstream concern export`: a concern as PDF, written only once all of it is there and its hash is right."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

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
    only_about: Annotated[str, typer.Option(help="Of those who are in it name this person alone, beside who raised and handled it.")] = "",
    person: Person = "", role: Roles = None, address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Write a whole concern as PDF, for a court or an inspection, with the hash of each event and who read what. That it is exported is recorded."""
    request = ExportConcernRequest(concern_id=concern_id, reason=reason_of(reason), only_about_id=only_about)

    async def call(client: Client) -> tuple[ConcernExport, bytes]:
        told, content = ConcernExport(), bytearray()
        async for part in client.stream(request, ExportConcernResponse):
            if part.HasField("export"):
                told = part.export
            content += part.content
        return told, bytes(content)

    # The export is in the concern for good once it is asked for: that there is a place for it comes first.
    with _new_file(to) as file:
        told, content = Caller(person, role, address, token, provider, data_dir).asks(call)
        if hashlib.sha256(content).digest() != told.sha256:
            fail("DOCUMENT_DAMAGED: what came is not what was made: export it again")
        try:
            file.write(content)
            file.flush()
        except OSError as error:
            _fail_to_write(to, error)
    console.print(f"{to}: {told.version} events, SHA-256 {told.events_sha256.hex()}", soft_wrap=True, markup=False)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """An empty file, open to be written, which is removed again unless all goes well. For nobody else's eyes: others of this machine neither
    read it nor find one there to write into.
    """
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        fail(f"FILE_EXISTS: {path} is there already: give a name that is not, or move it away")
    except OSError as error:
        _fail_to_write(path, error)
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _fail_to_write(path: Path, error: OSError) -> NoReturn:
    fail(f"FILE_NOT_WRITTEN: {path}: {error.strerror}")
