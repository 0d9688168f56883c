"""What a learner's pieces of evidence come to, KSB by KSB."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from google.protobuf.message import Message

from .ksb_stories import (
    accepted,
    claims_changed,
    figures,
    ksb,
    on_day,
    referred,
    resubmitted,
    shown,
    submitted,
    superseded,
    withdrawn,
)


async def test_mapped_and_signed_off_are_separate_figures(reader: Callable[..., Any]) -> None:
    response = await shown(reader, submitted("K1", "K2"), submitted("K2", "S1", piece="b"), accepted("K1", "K2"))
    assert (response.mapped, response.signed_off) == (3, 2)


async def test_who_accepted_last_is_who_decided_whatever_comes_in_first(reader: Callable[..., Any]) -> None:
    newest = (accepted("K1", piece="b", assessor_id="assessor-2"), 9)
    older = (accepted("K1", piece="a", assessor_id="assessor-1"), 4)
    one = await ksb(reader, "K1", (submitted("K1", piece="a"), 1), (submitted("K1", piece="b"), 2), newest, older)
    assert (one.evidenced, one.assessed, one.decided_by) == (2, 2, "assessor-2")
    assert one.last_touched_at.ToDatetime(tzinfo=UTC) == on_day(9).at


async def test_a_referral_assesses_nothing(reader: Callable[..., Any]) -> None:
    one = await ksb(reader, "K1", submitted("K1"), referred("K1"))
    assert (one.evidenced, one.assessed, one.decided_by) == (1, 0, "")


async def claims(reader: Callable[..., Any], *events: Message) -> dict[str, tuple[int, int, str]]:
    response = await shown(reader, *events)
    return {one.code: (one.evidenced, one.assessed, one.decided_by) for one in response.ksbs}


async def test_a_piece_that_was_accepted_in_part_counts_for_that_part(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), accepted("K1"), referred("K2"))
    assert await claims(reader, *events) == {"K1": (1, 1, "assessor-1"), "K2": (1, 0, ""), "S1": (0, 0, "")}
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (1, 0, 1)


async def test_a_resubmitted_piece_is_still_one_piece(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2", "S1"), accepted("K1"), referred("K2", "S1"), resubmitted("K2", withdrawing=("S1",)))
    assert await claims(reader, *events) == {"K1": (1, 1, "assessor-1"), "K2": (1, 0, ""), "S1": (0, 0, "")}
    assert (await claims(reader, *events, accepted("K2")))["K2"] == (1, 1, "assessor-1")
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (1, 0, 0)


async def test_claims_that_changed_count_as_they_are_now(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), claims_changed("K2", "S1", withdrawing=("K1",)))
    assert await claims(reader, *events) == {"K1": (0, 0, ""), "K2": (1, 0, ""), "S1": (1, 0, "")}


async def test_a_superseded_acceptance_counts_no_longer_and_an_older_one_is_who_decided(
    reader: Callable[..., Any],
) -> None:
    both = (
        submitted("K1", piece="a"),
        accepted("K1", piece="a", assessor_id="assessor-0"),
        submitted("K1"),
        accepted("K1"),
    )
    assert (await claims(reader, *both))["K1"] == (2, 2, "assessor-1")
    assert (await claims(reader, *both, superseded("K1"), referred("K1")))["K1"] == (2, 1, "assessor-0")


async def test_a_withdrawn_piece_counts_for_nothing(reader: Callable[..., Any]) -> None:
    events = (submitted("K1", "K2"), referred("K1", "K2"), withdrawn("K1", "K2"))
    assert (await claims(reader, *events))["K1"] == (0, 0, "")
    found = figures(*events)
    assert (found.evidence_submitted, found.evidence_accepted, found.evidence_referred) == (0, 0, 0)
