"""A command that finds its work done: a true repeat is answered, and text that nobody could compare is never dropped in silence."""

from collections.abc import Callable

import pytest
from eventkernel.aggregate import AlreadyDone, Refusal
from eventkernel.commands import Order
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.store.memory import MemoryStore

from .library import CLOSE, OPEN, TENANT, CloseLoanRequest, Giver, OpenLoanRequest, all_commits, loan, someone, told

CLOSE_BECAUSE = CloseLoanRequest(loan_id="l1", reasons=[{"text": "a torn page"}])
CLOSE_OTHERWISE = CloseLoanRequest(loan_id="l1", reasons=[{"text": "a torn page, and a wet one"}])


async def test_the_same_words_under_a_new_key_are_a_repeat(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    await give(CLOSE_BECAUSE)
    assert told(await give(CLOSE_BECAUSE)) == ("loan-l1", 2, [])
    assert len(await all_commits(store, "loan-l1")) == 2


@pytest.mark.parametrize("first", [CLOSE, CLOSE_BECAUSE], ids=["done without words", "done with other words"])
async def test_other_words_are_refused_and_not_dropped_in_silence(
    give: Giver, another: Callable[..., Node], first: CloseLoanRequest
) -> None:
    await give(OPEN)
    await give(first)
    for giver in (give, Giver(another())):
        with pytest.raises(Refusal) as refused:
            await giver(CLOSE_OTHERWISE)
        assert refused.value.code == "DONE_WITH_OTHER_TEXT"
        assert "torn" not in refused.value.text


async def test_the_same_words_of_somebody_else_are_no_repeat(give: Giver) -> None:
    await give(OPEN)
    await give(CLOSE_BECAUSE)
    with pytest.raises(Refusal) as refused:
        await give(CLOSE_BECAUSE, by=someone("another mentor", "mentor"))
    assert refused.value.code == "DONE_WITH_OTHER_TEXT"


async def test_a_decision_that_has_compared_the_words_itself_is_believed_once_it_saw_what_is_stored(
    give: Giver, another: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await give(OPEN, key="first")
    await give(CLOSE_BECAUSE)
    seen: list[object] = []

    def knows_it(state: object, _command: object, _context: object) -> AlreadyDone:
        seen.append(state)
        return AlreadyDone()

    monkeypatch.setitem(loan.decisions, CloseLoanRequest, knows_it)
    elsewhere = Giver(another())
    assert told(await elsewhere(CLOSE_OTHERWISE)) == ("loan-l1", 2, [])
    assert seen[0] == loan.initial
    assert seen[-1] != loan.initial
    # Under a key that was given before, the first answer stands.
    monkeypatch.setitem(loan.decisions, OpenLoanRequest, knows_it)
    assert await elsewhere(OPEN, key="first") == first


async def test_without_words_there_is_nothing_to_lose(give: Giver) -> None:
    await give(OPEN)
    await give(CLOSE_BECAUSE)
    assert told(await give(CLOSE, by=someone("another mentor", "mentor"))) == ("loan-l1", 2, [])


async def test_the_platform_is_answered_as_before(give: Giver, node: Node) -> None:
    await give(OPEN)
    await give(CLOSE_BECAUSE)
    reply = await node.commands.give(Order(CLOSE_OTHERWISE, Principal.system(TENANT), "derived"))
    assert told(reply) == ("loan-l1", 2, [])
