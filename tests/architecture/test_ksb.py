"""`docs/KSB.md` names what serves each KSB of ST0148: all 27 are there, and what it names is in the contracts and the read models."""

import json
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import pytest
from mentorstream.contracts import CONTRACTS, SERVICES
from mentorstream.standards import ST0148

ROOT = Path(__file__).resolve().parents[2]
RPCS = {f"{name}.{call.method}" for name, contract in CONTRACTS.items() for call in contract.calls.values()}
EVENTS = {event.type.rsplit(".", 1)[-1] for contract in CONTRACTS.values() for event in contract.events.values()}
READ_MODELS = {
    projection.name for name in SERVICES for projection in import_module(f"{name}.service").build().projections
}
NAMES: tuple[tuple[str, set[str]], ...] = (("RPC", RPCS), ("event", EVENTS), ("read model", READ_MODELS))
Rows = Mapping[str, list[str]]


def rows(text: str) -> Rows:
    """The table's cells by KSB, in its order."""
    lines = re.findall(r"^\| ([KSB][0-9]{1,2}) \|(.*)\|$", text, re.MULTILINE)
    return {code: [cell.strip() for cell in cells.split("|")] for code, cells in lines}


def faults(found: Rows, codes: list[str]) -> list[str]:
    """What is wrong with the table: rows missing, too many or out of order; names that do not exist; rows that say nothing."""
    wrong = [] if list(found) == codes else [f"rows {list(found)} instead of {codes}"]
    for code, cells in found.items():
        *named, to_come = cells
        for (kind, known), cell in zip(NAMES, named, strict=True):
            wrong += [f"{code}: no {kind} {name}" for name in re.findall("`([^`]+)`", cell) if name not in known]
        if not named[0] and not to_come:
            wrong.append(f"{code}: neither an RPC nor what is to come")
    return wrong


def table() -> str:
    return (ROOT / "docs" / "KSB.md").read_text()


def codes() -> list[str]:
    return [ksb["code"] for ksb in json.loads(ST0148.read_text())["ksbs"]]


def test_every_ksb_has_its_row_and_everything_named_exists() -> None:
    assert len(codes()) == 27
    assert faults(rows(table()), codes()) == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda text: re.sub(r"^\| S5 .*\n", "", text, flags=re.MULTILINE), "rows"),
        (lambda text: text.replace("`sessions.HoldSession`", "`sessions.HoldSeance`"), "no RPC sessions.HoldSeance"),
        (lambda text: text.replace("`session-held`", "`session-sat`"), "no event session-sat"),
        (lambda text: text.replace("`ksb_progress`", "`ksb_advance`"), "no read model ksb_advance"),
        (lambda text: re.sub(r"^\| K8 .*$", "| K8 | | | | |", text, flags=re.MULTILINE), "K8: neither"),
    ],
    ids=["a row missing", "an RPC", "an event", "a read model", "an empty row"],
)
def test_what_is_wrong_is_found(spoil: Callable[[str], str], named: str) -> None:
    assert any(named in fault for fault in faults(rows(spoil(table())), codes()))
