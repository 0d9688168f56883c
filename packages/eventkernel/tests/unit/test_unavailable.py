"""Which of the driver's errors may pass, so that the same may work later, and which are raised as they are."""

import pytest
from eventkernel.ports import StoreUnavailable
from eventkernel.store.mongodb.unavailable import translated
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, PyMongoError

PASSING = [
    AutoReconnect("the connection was lost"),
    # A store whose disk is full: MongoDB's own code, and what the embedded store says.
    OperationFailure("no room", 14031),
    OperationFailure("internal server error", 1),
]
FOR_GOOD = [
    DuplicateKeyError("it is there", 11000),
    OperationFailure("wrong password", 18),
    OperationFailure("bad query", 2),
]


@translated
class Broken:
    def __init__(self, error: PyMongoError) -> None:
        self._error = error

    async def call(self) -> None:
        raise self._error


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_what_may_pass_is_told_as_the_store_being_unavailable(error: PyMongoError) -> None:
    with pytest.raises(StoreUnavailable):
        await Broken(error).call()


@pytest.mark.parametrize("error", FOR_GOOD, ids=str)
async def test_what_never_passes_is_raised_as_it_is(error: PyMongoError) -> None:
    with pytest.raises(type(error)):
        await Broken(error).call()
