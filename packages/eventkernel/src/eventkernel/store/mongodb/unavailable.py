"""The driver's errors in the port's words, so that nothing outside this folder knows which driver there is."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError, WriteConcernError

from eventkernel.ports import StoreUnavailable

# InternalError and OutOfDiskSpace: the server could not, and not because of what it was asked. A full disk shows as either.
_SERVERS_OWN = frozenset({1, 14031})
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Adapter = TypeVar("Adapter")


def translated(adapter: type[Adapter]) -> type[Adapter]:
    """The adapter with StoreUnavailable wherever a public method of it raised what the driver raises."""
    for name, method in list(vars(adapter).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(adapter, name, _translated(method))
    return adapter


def _translated(method: Callable[Parameters, Awaitable[Result]]) -> Callable[Parameters, Awaitable[Result]]:
    @functools.wraps(method)
    async def call(*given: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return await method(*given, **named)
        except PyMongoError as error:
            if not _passes(error):
                raise
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error

    return call


def _passes(error: PyMongoError) -> bool:
    """Whether the same may work later. A wrong password, a bad query or a document too large never does, and is raised as it is."""
    if isinstance(error, BulkWriteError):
        return bool(error.details.get("writeConcernErrors")) and not error.details.get("writeErrors")
    passing = isinstance(error, ConnectionFailure | WriteConcernError)
    if isinstance(error, OperationFailure) and error.code in _SERVERS_OWN:
        return True
    return passing or error.timeout or error.has_error_label("RetryableWriteError")
