"""`mentorstream verify`: whether the invariants hold on the running platform."""

from dataclasses import dataclass, field
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from mentoring.operations.v1 import operations_pb2 as pb
from rich.progress import Progress, SpinnerColumn, TextColumn

from mentorstream.operate.reach import HERE, Address, AsJson, DataDir, Reach, Token, one_of, reach
from mentorstream.operate.show import console, dumped, table
from mentorstream.outcome import run

# As docs/FAULTS.md numbers them.
NAMES = {
    "I1": "no gap in the log",
    "I2": "once, in order on topic",
    "I4": "documents are the fold",
}


@dataclass
class Told:
    """What one service answered."""

    verdicts: list[pb.Verdict] = field(default_factory=list)
    violations: list[pb.Violation] = field(default_factory=list)


def verify(
    *, service: Annotated[str, typer.Option("--service", help="One service alone.")] = "", address: Address = None,
    token: Token = "", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Read the log, the topics and the read models, and compare them.

    It changes nothing, and is safe at any time.

    Checked are three of the six invariants that docs/FAULTS.md names:
    I1, as far as the log tells: no stream has a gap, or a version twice;
    I2: each published event is on its topic once, in its stream's order;
    I4: each document of a read model is the fold of the topics.

    Not checked are those that take a record of what callers and the mail
    server were answered, or that know what a concern is:
    the rest of I1: nothing that was acknowledged is lost;
    I3: nothing happens twice;
    I5: nobody is told twice;
    I6: each concern is acknowledged or escalated in time (an alert watches).
    `make faults` proves them all; docs/FAULTS.md shows how, and when it did.

    Exits with 1 where anything is violated.
    """
    found = reach(address, token, "", data_dir)
    services = [one_of(found, service)] if service else list(found.addresses)
    told = run(_verified(found, services))
    if json:
        typer.echo(dumped({name: _as_dict(one) for name, one in told.items()}))
    else:
        tell(told)
    raise typer.Exit(int(any(verdict.violated for one in told.values() for verdict in one.verdicts)))


async def _verified(found: Reach, services: list[str]) -> dict[str, Told]:
    told = {name: Told() for name in services}
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as progress:
        shown = progress.add_task("")
        for name in services:
            progress.update(shown, description=name)
            async with found.client(name) as client:
                async for part in client.stream(pb.VerifyRequest(), pb.VerifyResponse):
                    kind = part.WhichOneof("told")
                    if kind == "verdict":
                        told[name].verdicts.append(part.verdict)
                    elif kind == "violation":
                        told[name].violations.append(part.violation)
                    else:
                        step = part.progress
                        progress.update(
                            shown, description=f"{name} {step.invariant}: {step.part}, {step.checked} checked"
                        )
    return told


def tell(told: dict[str, Told]) -> None:
    """What was found, as a table, and each violation in a line."""
    rows = [
        (
            name,
            f"{verdict.invariant} {NAMES.get(verdict.invariant, '')}",
            verdict.checked,
            verdict.violated,
            verdict.not_judged,
        )
        for name, one in told.items()
        for verdict in one.verdicts
    ]
    numbers = ("Checked", "Violated", "Not judged")
    table("Invariants", ("Service", "Invariant", *numbers), rows, numbers, whole=("Service", "Invariant"))
    console.print("Not judged: on its way, or no event of the log.")
    console.print("I3, I5, I6 and the rest of I1 are not checked here: see --help.")
    for name, one in told.items():
        for violation in one.violations:
            typer.echo(f"{name} {violation.invariant} VIOLATED {violation.about}: {violation.text}")


def _as_dict(one: Told) -> dict[str, object]:
    return {
        "verdicts": [
            {"invariant": verdict.invariant, "name": NAMES.get(verdict.invariant, ""), "checked": verdict.checked, "violated": verdict.violated, "not_judged": verdict.not_judged}
            for verdict in one.verdicts
        ],
        "violations": [MessageToDict(violation) for violation in one.violations],
    }  # fmt: skip
