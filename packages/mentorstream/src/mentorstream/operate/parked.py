"""`mentorstream parked`: what was set aside, and what is to become of it."""

import asyncio
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from eventkernel.client import Client
from mentoring.operations.v1 import operations_pb2 as pb

from mentorstream.operate.reach import HERE, Address, AsJson, DataDir, Provider, Reach, Token, one_of, reach
from mentorstream.operate.show import ago, as_json, console, reason_of, table
from mentorstream.outcome import fail, run

app = typer.Typer(no_args_is_help=True, help="Records that could not be handled.")
_LOOK_AGAIN = 0.5
_ID_PARTS = 4
_ASKED = {pb.ASKED_REPLAY: "replay", pb.ASKED_DISCARD: "discard"}

RecordId = Annotated[str, typer.Argument(help="A record's id, as `list` tells it.")]
Record = Annotated[str, typer.Argument(help="One record, by its id. Else --stream or --all.")]
Service = Annotated[str, typer.Option("--service", help="Of one service.")]
Subscription = Annotated[str, typer.Option("--subscription", help="Of one subscription.")]
Stream = Annotated[str, typer.Option("--stream", help="One stream, of --subscription.")]
Topic = Annotated[str, typer.Option("--topic", help="Where two topics have a stream of that name.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Where two providers have a stream of that name.")]
All = Annotated[bool, typer.Option("--all", help="All, of --subscription or --service where one is given.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; asked for where not given, and kept.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")]
Wait = Annotated[float, typer.Option("--wait", help="Seconds to wait for what comes of it.")]


@app.command("list")
def list_(
    *, service: Service = "", subscription: Subscription = "", stream: Annotated[str, typer.Option(help="Of one stream.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 1000, address: Address = None, token: Token = "", provider: Provider = "",
    data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """List parked records, with why each was set aside."""
    found = reach(address, token, provider, data_dir)
    request = pb.ListParkedRequest(subscription=subscription, stream=stream, limit=limit)
    answers = run(_listed(found, _services(found, service or _service_of(subscription)), request))
    if json:
        as_json(answers)
        return
    records = [record for _, answer in answers for record in answer.records]
    _tell(records)
    if any(answer.more for _, answer in answers):
        console.print(f"There are more: --limit is {limit}.")


@app.command()
def show(
    record_id: RecordId, *, address: Address = None, token: Token = "", provider: Provider = "", data_dir: DataDir = HERE,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Show one record. What is sealed, confidential or says whose data it is stays hidden."""
    found = reach(address, token, provider, data_dir)
    service = one_of(found, _service_of(_id(record_id)))
    answer = run(_shown(found, service, record_id))
    if json:
        as_json([(service, answer)])
        return
    _tell([answer.record])
    console.print(f"{answer.before_it} of {answer.of_stream} parked records of its stream come before it.")
    console.print(f"{answer.value_bytes} bytes; headers: {', '.join(answer.header_names) or 'none'}")
    typer.echo(answer.content or "Its content cannot be read.")


@app.command()
def replay(
    record: Record = "", *, subscription: Subscription = "", stream: Stream = "", topic: Topic = "", tenant: Tenant = "", everything: All = False,
    service: Service = "", reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, wait: Wait = 15.0, address: Address = None,
    token: Token = "", provider: Provider = "", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Have records handled again, each stream in its order, up to the first that fails again."""
    chosen = _Chosen(record, subscription, stream, topic, tenant, everything, service)
    _do("replay", chosen, reach(address, token, provider, data_dir), _Way(reason, dry_run, yes, wait))


@app.command()
def discard(
    record: Record = "", *, subscription: Subscription = "", stream: Stream = "", topic: Topic = "", tenant: Tenant = "", everything: All = False,
    service: Service = "", reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, wait: Wait = 15.0, address: Address = None,
    token: Token = "", provider: Provider = "", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Remove records for ever. What follows them in their streams stays parked."""
    chosen = _Chosen(record, subscription, stream, topic, tenant, everything, service)
    _do("discard", chosen, reach(address, token, provider, data_dir), _Way(reason, dry_run, yes, wait))


@app.command()
def acts(
    *, service: Service = "", limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100, address: Address = None, token: Token = "",
    provider: Provider = "", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """List what operators did, and why."""
    found = reach(address, token, provider, data_dir)
    answers = run(_acts(found, _services(found, service), limit))
    if json:
        as_json(answers)
        return
    if not any(answer.acts for _, answer in answers):
        console.print("Nothing was done.")
        return
    rows = [
        (name, f"{ago(act.at)} ago", f"{act.actor_id} ({act.tenant})", f"{act.action}: {act.about}", act.reason)
        for name, answer in answers
        for act in answer.acts
    ]
    table("What operators did", ("Service", "When", "Who", "What", "Why"), rows)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which records are meant, as it was typed."""

    record: str
    subscription: str
    stream: str
    topic: str
    tenant: str
    everything: bool
    service: str

    def selection(self) -> pb.Selection:
        """The same as the contract says it; ends the program where it says nothing, or two things."""
        if [bool(self.record), bool(self.stream), self.everything].count(True) != 1:
            fail("SELECTION_NOT_VALID: give a record's id, or --subscription and --stream, or --all")
        if self.record:
            return pb.Selection(record_id=_id(self.record))
        if self.stream:
            if not self.subscription:
                fail("SELECTION_NOT_VALID: --stream needs --subscription")
            return pb.Selection(
                stream=pb.StreamSelection(
                    subscription=self.subscription, stream=self.stream, topic=self.topic, tenant=self.tenant
                )
            )
        if self.subscription:
            return pb.Selection(subscription=self.subscription)
        return pb.Selection(everything=True)

    def services(self, found: Reach) -> list[str]:
        """Who has them."""
        return _services(found, self.service or _service_of(self.record or self.subscription))


@dataclass(frozen=True, slots=True)
class _Way:
    """How it is to be done."""

    reason: str
    dry_run: bool
    yes: bool
    wait: float


def _do(what: str, chosen: _Chosen, found: Reach, way: _Way) -> None:
    selection = chosen.selection()
    worst, found_any = 0, False
    for service in chosen.services(found):
        parked = run(_dry_run(what, found, service, selection, several=chosen.everything))
        if parked is None:
            continue
        found_any = True
        _tell(parked.records)
        if parked.followers:
            console.print(
                f"{parked.followers} records follow them, and stay parked until they are replayed or discarded."
            )
        if way.dry_run:
            console.print(f"A dry run: nothing was changed. {len(parked.records)} records would be meant to {what}.")
            continue
        reason = reason_of(way.reason)
        if not way.yes and not sys.stdin.isatty():
            fail("NOT_CONFIRMED: nothing was changed: give --yes where nobody can be asked")
        if not way.yes and not typer.confirm(f"{what} these {len(parked.records)} records of {service}?"):
            fail("NOT_CONFIRMED: nothing was changed")
        worst = max(worst, run(_done(what, found, service, selection, parked=parked, reason=reason, wait=way.wait)))
    if not found_any:
        _tell([])
    raise typer.Exit(worst)


@dataclass(frozen=True, slots=True)
class _Parked:
    """What a dry run told."""

    records: list[pb.ParkedRecord]
    seen: str = ""
    followers: int = 0


async def _dry_run(what: str, found: Reach, service: str, selection: pb.Selection, *, several: bool) -> _Parked | None:
    async with found.client(service) as client:
        if several and not (await client.call(pb.ListParkedRequest(limit=1), pb.ListParkedResponse)).records:
            return None
        if what == "replay":
            replayed = await client.call(
                pb.ReplayParkedRequest(selection=selection, dry_run=True), pb.ReplayParkedResponse
            )
            return _Parked(list(replayed.records))
        told = await client.call(pb.DiscardParkedRequest(selection=selection, dry_run=True), pb.DiscardParkedResponse)
        return _Parked(list(told.records), told.seen, told.followers)


async def _done(
    what: str, found: Reach, service: str, selection: pb.Selection, *, parked: _Parked, reason: str, wait: float
) -> int:  # fmt: skip
    async with found.client(service) as client:
        if what == "replay":
            answer = await client.call(
                pb.ReplayParkedRequest(selection=selection, reason=reason), pb.ReplayParkedResponse
            )
            asked = [record.id for record in answer.records]
        else:
            request = pb.DiscardParkedRequest(selection=selection, reason=reason, seen=parked.seen)
            asked = [record.id for record in (await client.call(request, pb.DiscardParkedResponse)).records]
        left = await _settled(client, asked, {record.subscription for record in parked.records}, wait)
    waiting = [record for record in left if record.asked]
    again = [record for record in left if not record.asked]
    console.print(f"{service}: {len(asked) - len(left)} of {len(asked)} records settled.")
    if again:
        console.print(f"{len(again)} are parked again:")
        _tell(again)
    if waiting:
        console.print(f"{len(waiting)} wait for the process that consumes their partition: does one run?")
    return int(bool(again or waiting))


async def _settled(client: Client, ids: list[str], subscriptions: set[str], wait: float) -> list[pb.ParkedRecord]:
    """Those that are still parked once nothing is asked any more, or the time is over."""
    until = asyncio.get_running_loop().time() + wait
    while True:
        left = [
            record
            for subscription in subscriptions
            for record in (
                await client.call(pb.ListParkedRequest(subscription=subscription, limit=10_000), pb.ListParkedResponse)
            ).records
            if record.id in ids
        ]
        if not any(record.asked for record in left) or asyncio.get_running_loop().time() >= until:
            return left
        await asyncio.sleep(_LOOK_AGAIN)


async def _listed(
    found: Reach, services: list[str], request: pb.ListParkedRequest
) -> list[tuple[str, pb.ListParkedResponse]]:
    answers = []
    for service in services:
        async with found.client(service) as client:
            answers.append((service, await client.call(request, pb.ListParkedResponse)))
    return answers


async def _shown(found: Reach, service: str, record_id: str) -> pb.ShowParkedResponse:
    async with found.client(service) as client:
        return await client.call(pb.ShowParkedRequest(record_id=record_id), pb.ShowParkedResponse)
    raise AssertionError("a call that failed ended the program")


async def _acts(found: Reach, services: list[str], limit: int) -> list[tuple[str, pb.ListActsResponse]]:
    answers = []
    for service in services:
        async with found.client(service) as client:
            answers.append((service, await client.call(pb.ListActsRequest(limit=limit), pb.ListActsResponse)))
    return answers


def _services(found: Reach, service: str) -> list[str]:
    return [one_of(found, service)] if service else list(found.addresses)


def _id(record: str) -> str:
    """A record's id; ends the program where it cannot be one."""
    if record.count("/") != _ID_PARTS - 1:
        fail(
            f"RECORD_ID_NOT_VALID: {record}: an id is SUBSCRIPTION/TOPIC/PARTITION/OFFSET, as `mentorstream parked list` tells it"
        )
    return record


def _service_of(subscription: str) -> str:
    """A subscription, and so a record's id, begins with its service's name."""
    return subscription.partition(".")[0]


def _tell(records: list[pb.ParkedRecord]) -> None:
    if not records:
        console.print("Nothing is parked.")
        return
    # No table: ids, streams and reasons are long, and are copied from here.
    for record in records:
        asked = f"; {_ASKED[record.asked]} is asked" if record.asked else ""
        what = f"{record.event_type.rpartition('.')[2] or 'a record'}{f' at version {record.version}' if record.version else ''}"
        typer.echo(f"{record.id}")
        typer.echo(f"    {what} of {record.stream}")
        typer.echo(f"    {record.reason}")
        typer.echo(f"    parked {ago(record.parked_at)} ago, tried {record.attempts} times{asked}")
