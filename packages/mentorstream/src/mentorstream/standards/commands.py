"""`mentorstream standard`: standards as a provider's manager imports, retires, maps and exports them, and brings learners over."""

import json as json_text
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import grpc
import typer
from eventkernel.client import CallFailed, Client
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import CommandReply, Page
from mentoring.evidence.v1.standard_events_pb2 import KsbMapping
from mentoring.evidence.v1.standard_pb2 import (
    ExportStandardRequest,
    ExportStandardResponse,
    GetStandardRequest,
    GetStandardResponse,
    ListStandardsRequest,
    ListStandardsResponse,
    MapStandardRequest,
    MigrateLearnerRequest,
    PreviewMigrationRequest,
    PreviewMigrationResponse,
    RetireStandardRequest,
)

from mentorstream.contracts import CONTRACTS
from mentorstream.embedded import StartFailure
from mentorstream.listening import address_of
from mentorstream.operate.reach import HERE
from mentorstream.operate.show import as_json, console, table
from mentorstream.outcome import fail, local_token, run, told
from mentorstream.progress.commands import Address, AsJson, DataDir, Provider, Token, version_of
from mentorstream.standards import ST0148, StandardFault, load_standard
from mentorstream.standards.shown import show_migration, show_standard

Answer = TypeVar("Answer", bound=Message)
standard = typer.Typer(no_args_is_help=True, help="Occupational standards.")
Which = Annotated[str, typer.Argument(help="REFERENCE VERSION, as one word: ST0148/1.0.")]
Reference = Annotated[str, typer.Option(help="For a CASE package that does not say: the standard's reference.")]
Level = Annotated[int, typer.Option(help="For a CASE package that does not say: the standard's level.")]
_PAGE = 200


@standard.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A standard as JSON: the platform's own form, or a CASE package.")],
    reference: Reference = "",
    level: Level = 0,
) -> None:
    """Say everything that is wrong with a standard's file, or that it can be imported."""
    try:
        request = load_standard(file, reference=reference, level=level)
    except StandardFault as fault:
        fail(str(fault))
    console.print(f"{request.standard.reference} {request.standard.version}: {len(request.ksbs)} KSBs, ready to import")


@standard.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="As for `check`; ST0148 where not given.")] = ST0148, *,
    reference: Reference = "", level: Level = 0, address: Address = "", token: Token = "", provider: Provider = "northfield",
    data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Import a standard into the local platform. The same file again changes nothing."""
    try:
        request = load_standard(file, reference=reference, level=level)
    except StandardFault as fault:
        fail(str(fault))
    reply = _called(request, CommandReply, (address, token, provider, data_dir))
    done = "imported" if reply.event_types else "was there already"
    console.print(f"{request.standard.reference} {request.standard.version}: {done}")


@standard.command("list")
def list_(
    *, address: Address = "", token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False
) -> None:  # fmt: skip
    """List the standards in their versions, and what became of them."""
    found, cursor = ListStandardsResponse(), ""
    while True:
        request = ListStandardsRequest(page=Page(size=_PAGE, cursor=cursor))
        page = _called(request, ListStandardsResponse, (address, token, provider, data_dir))
        found.standards.extend(page.standards)
        cursor = page.next_cursor
        if not cursor:
            break
    if json:
        as_json([("standards", found)])
        return
    rows = [
        (one.standard.reference, one.standard.version, one.title, one.level, one.ksbs, one.retired_from or "-",
         f"{one.successor.reference}/{one.successor.version}" if one.HasField("successor") else "-")
        for one in found.standards
    ]  # fmt: skip
    columns = ("Standard", "Version", "Title", "Level", "KSBs", "Retired from", "Successor")
    table("Standards", columns, rows, numbers=("Level", "KSBs"))


@standard.command("show")
def show(
    which: Which, *, address: Address = "", token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Show a version: its KSBs, and what it takes to sign each off."""
    request = GetStandardRequest(standard=version_of(which))
    answer = _called(request, GetStandardResponse, (address, token, provider, data_dir))
    if json:
        as_json([("standard", answer)])
        return
    show_standard(console, answer)


@standard.command("export")
def export(
    which: Which, *, address: Address = "", token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE
) -> None:  # fmt: skip
    """Print a version as a 1EdTech CASE 1.1 package."""
    request = ExportStandardRequest(standard=version_of(which))
    typer.echo(_called(request, ExportStandardResponse, (address, token, provider, data_dir)).case_package)


@standard.command("retire")
def retire(
    which: Which, from_day: Annotated[str, typer.Option("--from", help="The first day: 2026-09-01.")], *, address: Address = "",
    token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Let no mentorship start on a version from a day on; those that have started go on."""
    request = RetireStandardRequest(standard=version_of(which), from_day=from_day)
    reply = _called(request, CommandReply, (address, token, provider, data_dir))
    console.print(f"{which}: {'retired' if reply.event_types else 'was retired already'} from {from_day}")


@standard.command("map")
def map_(
    which: Which, to: Annotated[str, typer.Option(help="The version that learners go on by: ST0148/2.0.")],
    mapping: Annotated[Path, typer.Option(help='JSON: what each KSB becomes, {"K1": ["K1", "K2"], "K2": []}; [] drops it.')], *,
    succeeds: Annotated[bool, typer.Option("--succeeds", help="The other takes this one's place.")] = False, address: Address = "",
    token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Say what each KSB of a version becomes in another."""
    request = MapStandardRequest(
        standard=version_of(which), to=version_of(to), mapping=_mapping(mapping), succeeds=succeeds
    )
    reply = _called(request, CommandReply, (address, token, provider, data_dir))
    console.print(f"{which} to {to}: {'mapped' if reply.event_types else 'was mapped so already'}")


@standard.command("migrate")
def migrate(
    learner: Annotated[str, typer.Option(help="The learner's id.")],
    from_: Annotated[str, typer.Option("--from", help="The version they are on: ST0148/1.0.")],
    to: Annotated[str, typer.Option(help="The version they go on by: ST0148/2.0.")], *,
    mapping: Annotated[Path | None, typer.Option(help="For a dry run: a mapping to try; the newest that was set where not given.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be kept, moved and lost.")] = False, address: Address = "",
    token: Token = "", provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Bring a learner over to another version, and say what was kept, moved and lost."""
    if mapping and not dry_run:
        fail("MAPPING_ONLY_TRIED: --mapping is for --dry-run; set it with `mentorstream standard map` to migrate by it")
    preview = PreviewMigrationRequest(
        learner_id=learner, standard=version_of(from_), to=version_of(to), mapping=_mapping(mapping) if mapping else ()
    )
    report = _called(preview, PreviewMigrationResponse, (address, token, provider, data_dir))
    if not dry_run:
        request = MigrateLearnerRequest(learner_id=learner, standard=preview.standard, to=preview.to)
        _called(request, CommandReply, (address, token, provider, data_dir))
    if json:
        as_json([("migration", report)])
        return
    show_migration(console, f"{learner}, {from_} to {to}{' (a dry run)' if dry_run else ''}", report)


def _called(request: Message, answer: type[Answer], reach: tuple[str, str, str, Path]) -> Answer:
    """What the evidence service answers; ends the program where it does not, saying why."""
    address, token, provider, data_dir = reach
    whose = token or local_token(data_dir, "manager-1", provider, ["provider_manager"])
    try:
        where = address or address_of("evidence", data_dir)
        return run(
            _over_a_channel(where, lambda channel: Client(channel, CONTRACTS["evidence"], whose).call(request, answer))
        )
    except StartFailure as failure:
        fail(str(failure))
    except CallFailed as failed:
        fail(told(failed, "evidence", where, "--address HOST:PORT"))


async def _over_a_channel(where: str, call: Callable[[grpc.aio.Channel], Awaitable[Answer]]) -> Answer:
    async with grpc.aio.insecure_channel(where) as channel:
        return await call(channel)


def _mapping(file: Path) -> list[KsbMapping]:
    try:
        content: Any = json_text.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(f"MAPPING_NOT_READ: {file}: {error}; give a file of JSON")
    if not isinstance(content, dict) or not all(
        isinstance(to, list) and all(isinstance(code, str) for code in to) for to in content.values()
    ):
        fail(f'MAPPING_NOT_VALID: {file}: give an object of lists: {{"K1": ["K1", "K2"], "K2": []}}')
    return [KsbMapping(code=code, to_codes=to) for code, to in content.items()]
