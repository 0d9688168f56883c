"""What is needed of a store of bytes. Its adapters keep these promises, and one suite checks them all.

A blob is written once and never changed: what was read and found right stays right. So two writers of one blob cannot mix.
"""

import re
from typing import Protocol

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
_MOST_SEGMENTS = 8


class BlobMissing(Exception):
    """There is no blob of this name."""


class BlobExists(Exception):
    """There is a blob of this name already, and it stays as it is."""


class BlobsUnavailable(Exception):
    """The store of bytes did not do what it was asked. Asking again is safe."""


class Blobs(Protocol):
    """Blobs by name. A name is ids with `/` between them; a prefix is a name that others go on from with `/`.

    All raise BlobsUnavailable where the store cannot do it, and ValueError for what is no name.
    """

    async def put(self, name: str, content: bytes) -> None:
        """Keeps it, whole and durably, or not at all. Raises BlobExists."""
        ...

    async def get(self, name: str) -> bytes:
        """All of it. Raises BlobMissing."""
        ...

    async def sizes(self, prefix: str) -> dict[str, int]:
        """The names below a prefix, each with its number of bytes; none where there is nothing."""
        ...

    async def delete(self, prefix: str) -> None:
        """Removes everything below a prefix. Removing what is not there does no harm."""
        ...


def segments(name: str) -> list[str]:
    """The parts of a name. Raises ValueError for one that is none: no name leads out of where blobs are kept."""
    parts = name.split("/")
    if len(parts) > _MOST_SEGMENTS or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise ValueError(f"{name!r} is no blob's name: use ids of letters, digits and hyphens with / between them")
    return parts
