"""`mentorstream relay`: who publishes, and what waits."""

import typer
from mentoring.operations.v1 import operations_pb2 as pb

from mentorstream.operate.reach import HERE, Address, AsJson, DataDir, Reach, Token, reach
from mentorstream.operate.show import ago, as_json, table
from mentorstream.outcome import run

app = typer.Typer(no_args_is_help=True, help="From the commits to the topics.")


@app.callback()
def relay() -> None:
    """From the commits to the topics."""


@app.command()
def status(address: Address = None, token: Token = "", data_dir: DataDir = HERE, json: AsJson = False) -> None:
    """Show who holds each slot, how much waits in it, and since when."""
    found = run(_status(reach(address, token, "", data_dir)))
    if json:
        as_json(found)
        return
    rows = [
        (
            service, slot.slot, slot.holder or "nobody", slot.pending, ago(slot.oldest_at) if slot.pending else "-"
        )
        for service, answer in found
        for slot in answer.slots
    ]  # fmt: skip
    table("Relay slots", ("Service", "Slot", "Holder", "Pending", "Oldest"), rows, ("Slot", "Pending", "Oldest"))


async def _status(found: Reach) -> list[tuple[str, pb.GetRelayStatusResponse]]:
    answers = []
    for service in found.addresses:
        async with found.client(service) as client:
            answers.append((service, await client.call(pb.GetRelayStatusRequest(), pb.GetRelayStatusResponse)))
    return answers
