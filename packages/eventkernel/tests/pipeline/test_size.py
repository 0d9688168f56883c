"""An event that the relay could never publish is refused to its caller: in the outbox it would hold up its slot for ever."""

import pytest
from eventkernel.aggregate import Refusal
from eventkernel.store.memory import MemoryStore

from .library import ADA, OPEN, TENANT, Giver, RemarkOnLoanRequest


async def test_what_is_too_large_for_the_bus_is_refused_and_not_stored(give: Giver, store: MemoryStore) -> None:
    await give(OPEN)
    with pytest.raises(Refusal) as caught:
        await give(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text="x" * 600_000), by=ADA)
    assert caught.value.code == "REQUEST_TOO_LARGE"
    assert len(await store.commits.read(TENANT, "loan-l1")) == 1
