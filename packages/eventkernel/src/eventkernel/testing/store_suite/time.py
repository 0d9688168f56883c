"""What a store promises about time: it has one clock, whoever asks."""
# ruff: noqa: D102 - the name of a promise is its sentence

from datetime import timedelta

from eventkernel.ports import Store
from eventkernel.testing.store_suite.examples import Reopen


class TimePromises:
    """The time that replicas share."""

    async def test_all_that_opened_the_store_hear_one_time_that_goes_on(self, store: Store, reopen: Reopen) -> None:
        other = await reopen()
        heard = [await asked.time() for asked in (store, other, store, other)]
        assert heard == sorted(heard)
        assert [at.utcoffset() for at in heard] == [timedelta(0)] * 4
