"""Files that come in parts: each part is kept as it comes, and the whole is checked against what was announced. Read back, it is checked again.

What is wrong leaves nothing behind. Stored parts are never changed, so of two uploads of one file at once only one gets on.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum, auto
from typing import Protocol

from eventkernel.aggregate import Refusal
from eventkernel.blobs.port import BlobExists
from eventkernel.blobs.sealed import BlobDamaged, Place, SealedBlobs
from eventkernel.media import begins_as
from eventkernel.transfers import Transfer


class Announced(Protocol):
    """What a service keeps of a file that was announced."""

    @property
    def media_type(self) -> str:
        """As what its first bytes have to begin."""
        ...

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    @property
    def sha256(self) -> str:
        """Their hash, in hexadecimal digits."""
        ...

    @property
    def part_bytes(self) -> int:
        """How many bytes each stored part has, but for the last."""
        ...

    @property
    def expires_at(self) -> int:
        """Until when bytes are taken, in nanoseconds since 1970 in UTC."""
        ...


class Part(Protocol):
    """Some of a file's bytes, as a request brings them."""

    offset: int
    content: bytes


class Wrong(Enum):
    """What about a file's bytes is not as it was announced."""

    SIZE = auto()
    MEDIA_TYPE = auto()
    HASH = auto()


End = Callable[[Wrong], Awaitable[object]]


class Taking:
    """One call's upload as it goes on. `_at` is the next byte that is wanted, `_stored` how many are kept.

    Args:
        field: the request's field that names the file.
        end: records that the upload came to nothing. It is done before what is kept is removed: where the process dies in between, the
            end is known, and what is left is found by it.
    """

    def __init__(self, transfer: Transfer, place: Place, announced: Announced, *, field: str, end: End) -> None:
        self._transfer = transfer
        self._place = place
        self._announced = announced
        self._field = field
        self._end = end
        self._buffer = bytearray()
        self._index = self._stored = self._at = 0

    async def take(self, parts: AsyncIterator[Part]) -> int:
        """Keeps what comes; how many bytes are kept by then. All of them: they are what was announced.

        Raises Refusal UPLOAD_EXPIRED, OFFSET_WRONG, UPLOAD_BUSY, and where the bytes are wrong, for good, SIZE_MISMATCH,
        MEDIA_TYPE_MISMATCH, HASH_MISMATCH.
        """
        lengths = await self._transfer.blobs.lengths(self._place)
        self._index, self._stored = len(lengths), sum(lengths)
        self._at = self._stored
        async for part in parts:
            await self._add(part)
        if self._stored == self._announced.size:
            await self._check()
        return self._stored

    async def leave_nothing(self) -> None:
        """Removes what is kept."""
        await self._transfer.blobs.delete(self._place)

    async def _add(self, part: Part) -> None:
        if part.offset != self._at:
            raise Refusal(
                "OFFSET_WRONG", f"the next byte is {self._at}; ask how far it is, and go on from there", field="offset"
            )
        self._at += len(part.content)
        if self._at > self._announced.size:
            raise await self._wrong(
                Wrong.SIZE, "SIZE_MISMATCH", f"more bytes came than the {self._announced.size} that were announced"
            )
        self._buffer += part.content
        size = self._announced.part_bytes
        while len(self._buffer) >= size or (self._buffer and self._at == self._announced.size):
            await self._keep(bytes(self._buffer[:size]))
            del self._buffer[:size]

    async def _keep(self, content: bytes) -> None:
        if self._transfer.clock().timestamp() >= self._announced.expires_at / 1e9:
            raise Refusal("UPLOAD_EXPIRED", "its time is over; begin another under a new id", field=self._field)
        media_type = self._announced.media_type
        if self._index == 0 and not begins_as(media_type, content):
            raise await self._wrong(
                Wrong.MEDIA_TYPE, "MEDIA_TYPE_MISMATCH", f"its bytes do not begin as {media_type} does"
            )
        try:
            await self._transfer.blobs.put(self._place, self._index, content)
        except BlobExists:
            raise Refusal(
                "UPLOAD_BUSY", "another call uploads this; let it end, then ask how far it is", field=self._field
            ) from None
        self._index += 1
        self._stored += len(content)

    async def _check(self) -> None:
        # What is stored is what counts, and an upload may have come in several calls: it is read again from the beginning.
        digest = hashlib.sha256()
        for index in range(self._index):
            digest.update(await self._transfer.blobs.get(self._place, index))
        if digest.hexdigest() != self._announced.sha256:
            raise await self._wrong(Wrong.HASH, "HASH_MISMATCH", "its bytes are not those whose hash was announced")

    async def _wrong(self, what: Wrong, code: str, text: str) -> Refusal:
        await self._end(what)
        await self.leave_nothing()
        return Refusal(code, f"{text}, so none is kept; begin another upload, with what it is", field="content")


async def contents(
    blobs: SealedBlobs, place: Place, *, size: int, part_bytes: int, sha256: bytes, offset: int
) -> AsyncIterator[bytes]:
    """A file's bytes from a place on. They are read from the beginning whatever is asked, so that their hash is known at the end.

    Raises BlobDamaged where they are not those of the hash: what was given before is then to be left aside.
    """
    digest, at = hashlib.sha256(), 0
    for index in range(-(-size // part_bytes)):
        content = await blobs.get(place, index)
        digest.update(content)
        wanted = content[max(0, offset - at) :]
        at += len(content)
        if wanted:
            yield wanted
    if digest.digest() != sha256:
        raise BlobDamaged(f"{place.name} is not what was put there")
