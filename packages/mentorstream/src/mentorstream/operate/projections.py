"""`mentorstream projections`: read models, built anew beside the copy that serves."""

import asyncio
from typing import Annotated

import typer
from mentoring.operations.v1 import operations_pb2 as pb
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from mentorstream.operate.reach import HERE, Address, AsJson, DataDir, Reach, Token, one_of, reach
from mentorstream.operate.show import as_json, console, reason_of, table
from mentorstream.outcome import fail, run

app = typer.Typer(no_args_is_help=True, help="Read models and their copies.")
_LOOK_AGAIN = 0.5

Service = Annotated[str, typer.Argument(help="Whose read model.")]
Name = Annotated[str, typer.Argument(help="The read model, as `list` tells it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; asked for where not given, and kept.")]


@app.command("list")
def list_(address: Address = None, token: Token = "", data_dir: DataDir = HERE, json: AsJson = False) -> None:
    """List read models with their copies: which one serves, and how far the others are."""
    answers = run(_listed(reach(address, token, "", data_dir)))
    if json:
        as_json(answers)
        return
    _tell([(service, projection) for service, answer in answers for projection in answer.projections])


@app.command()
def rebuild(
    service: Service, name: Name, *, reason: Reason = "", address: Address = None, token: Token = "", data_dir: DataDir = HERE,
    wait: Annotated[bool, typer.Option(help="Show how far it is until it has caught up.")] = True,
) -> None:  # fmt: skip
    """Build a new copy beside the one that serves. Where one is being built that goes on."""
    found = reach(address, token, "", data_dir)
    projection = run(_rebuild(found, one_of(found, service), name, reason_of(reason)))
    _tell([(service, projection)])
    if wait:
        run(_watch(found, service, name))
        console.print(f"Let it serve with: mentorstream projections switch {service} {name}")


@app.command()
def switch(
    service: Service, name: Name, *, back: Annotated[bool, typer.Option(help="To the copy that served before.")] = False,
    reason: Reason = "", address: Address = None, token: Token = "", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Let the new copy serve. Refused until it shows all that the serving one does."""
    found = reach(address, token, "", data_dir)
    request = pb.SwitchProjectionRequest(name=name, back=back, reason=reason_of(reason))
    _tell([(service, run(_switch(found, one_of(found, service), request)))])


@app.command()
def drop(
    service: Service, name: Name, number: Annotated[int, typer.Argument(min=0, help="Which copy.")], *, reason: Reason = "",
    address: Address = None, token: Token = "", data_dir: DataDir = HERE,
) -> None:  # fmt: skip
    """Drop a copy that does not serve. The next rebuild drops the previous one by itself."""
    found = reach(address, token, "", data_dir)
    request = pb.DropProjectionCopyRequest(name=name, number=number, reason=reason_of(reason))
    _tell([(service, run(_drop(found, one_of(found, service), request)))])


async def _listed(found: Reach) -> list[tuple[str, pb.ListProjectionsResponse]]:
    answers = []
    for service in found.addresses:
        async with found.client(service) as client:
            answers.append((service, await client.call(pb.ListProjectionsRequest(), pb.ListProjectionsResponse)))
    return answers


async def _rebuild(found: Reach, service: str, name: str, reason: str) -> pb.Projection:
    async with found.client(service) as client:
        request = pb.RebuildProjectionRequest(name=name, reason=reason)
        return (await client.call(request, pb.RebuildProjectionResponse)).projection
    raise AssertionError("a call that failed ended the program")


async def _switch(found: Reach, service: str, request: pb.SwitchProjectionRequest) -> pb.Projection:
    async with found.client(service) as client:
        return (await client.call(request, pb.SwitchProjectionResponse, seconds=30.0)).projection
    raise AssertionError("a call that failed ended the program")


async def _drop(found: Reach, service: str, request: pb.DropProjectionCopyRequest) -> pb.Projection:
    async with found.client(service) as client:
        return (await client.call(request, pb.DropProjectionCopyResponse)).projection
    raise AssertionError("a call that failed ended the program")


async def _watch(found: Reach, service: str, name: str) -> None:
    """Shows how far the new copy is until it is where the serving one is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
    )
    with Progress(*columns, console=console) as progress:
        shown = progress.add_task(f"{service} {name}", total=1)
        async with found.client(service) as client:
            while True:
                answer = await client.call(pb.ListProjectionsRequest(), pb.ListProjectionsResponse)
                building = [
                    copy
                    for projection in answer.projections
                    for copy in projection.copies
                    if projection.name == name and copy.state == pb.COPY_STATE_BUILDING
                ]
                if not building:
                    fail("NOTHING_BUILT: its copy is no longer being built")
                copy = building[0]
                progress.update(shown, completed=min(copy.position, copy.serving_position), total=copy.serving_position)
                if copy.position >= copy.serving_position:
                    return
                await asyncio.sleep(_LOOK_AGAIN)


def _tell(found: list[tuple[str, pb.Projection]]) -> None:
    rows = [
        (
            f"{service} {projection.name}", f"v{projection.version} {copy.number}",
            pb.CopyState.Name(copy.state).removeprefix("COPY_STATE_").lower(), copy.position,
            max(0, copy.serving_position - copy.position), copy.parked,
        )
        for service, projection in found
        for copy in projection.copies
    ]  # fmt: skip
    columns = ("Read model", "Copy", "State", "Records", "Behind", "Parked")
    table("Read models", columns, rows, ("Records", "Behind", "Parked"), whole=columns)
