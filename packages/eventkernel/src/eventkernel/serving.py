"""Which copy of a read model queries read: what operators decided, heard within a second."""

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from eventkernel.messages import Copies
from eventkernel.ports import CopyStore
from eventkernel.projection import Projection

Document = TypeVar("Document", bound=BaseModel)
_HEARD_SECONDS = 1.0


class Serving:
    """The serving copies, as one process knows them.

    Args:
        elapsed: seconds that never go back.
    """

    def __init__(self, copies: CopyStore, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._copies = copies
        self._elapsed = elapsed
        self._heard: dict[str, tuple[float, Copies]] = {}

    async def copy_of(self, projection: Projection[Document]) -> Projection[Document]:
        """The read model in its serving copy. What was heard more than a second ago is asked anew."""
        asked_at = self._elapsed()
        heard = self._heard.get(projection.model)
        if heard is None or asked_at >= heard[0] + _HEARD_SECONDS:
            heard = self._heard[projection.model] = (asked_at, await self._copies.load(projection.model))
        return projection.as_copy(heard[1].serving)
