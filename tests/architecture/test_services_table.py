"""docs/ARCHITECTURE.md's table of services names every stream of theirs, and every read model with its version where that is not 1."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from eventkernel.service import Service
from mentorstream.contracts import SERVICES

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "ARCHITECTURE.md").read_text()


def as_it_is(service: Service) -> tuple[set[str], set[str]]:
    """The streams, and the read models."""
    streams = {re.sub(r"\{\w+\.", "{", call.stream) for call in service.contract.calls.values() if call.stream}
    models = {f"`{one.name}`{f' {one.version}' if one.version > 1 else ''}" for one in service.projections}
    return streams, models


def as_told(text: str, service: str) -> tuple[set[str], set[str]]:
    """The same as the table has it."""
    row = re.search(rf"^\| {service} \|(.*)\|(.*)\|(.*)\|$", text, re.MULTILINE)
    assert row is not None, f"no row of {service}"
    return set(re.findall("`([^`]+)`", row[1])), {cell.strip() for cell in row[3].split(",")}


def faults(text: str) -> list[str]:
    """What the table leaves out, and what it has that is not so."""
    found = []
    for name in SERVICES:
        so = as_it_is(import_module(f"{name}.service").build())
        for there, told in zip(so, as_told(text, name), strict=True):
            found += [f"{name}: {one} is missing" for one in sorted(there - told)]
            found += [f"{name}: {one} is not so" for one in sorted(told - there)]
    return found


def test_the_table_of_services_is_as_they_are() -> None:
    assert faults(DOCUMENT) == []


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda text: text.replace(" `rota-{site_id}`,", ""), ["safeguarding: rota-{site_id} is missing"]),
        (lambda text: text.replace("`rota-{site_id}`", "`rota-{id}`"), ["safeguarding: rota-{site_id} is missing", "safeguarding: rota-{id} is not so"]),
        (lambda text: re.sub(r"`ksb_progress` \d+,", "`ksb_progress`,", text), ["evidence: `ksb_progress` is not so"]),
        (lambda text: text.replace("| `handled_concerns`,", "|"), ["safeguarding: `handled_concerns` is missing"]),
    ],
    ids=["a stream missing", "a stream misnamed", "a version", "a read model missing"],
)  # fmt: skip
def test_what_is_wrong_is_found(spoil: Callable[[str], str], found: list[str]) -> None:
    assert set(found) <= set(faults(spoil(DOCUMENT)))
