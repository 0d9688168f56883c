"""Bytes sealed with a person's key, in parts of one size but for the last. Destroying the key makes them unreadable wherever they are.

AES-256-GCM, a nonce a part. The associated data are tenant, person, name and the part's place, so a part opens only where it was put.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventkernel.blobs.port import BlobMissing, Blobs
from eventkernel.keys import NONCE_BYTES, DataKeys, KeyUnknown, bound

_FORMAT = b"\x01"
_VERSION_BYTES = 4
_TAG_BYTES = 16
_OVERHEAD = len(_FORMAT) + _VERSION_BYTES + NONCE_BYTES + _TAG_BYTES


class BlobDamaged(Exception):
    """What is stored is not what was put there: altered, moved, or gone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is kept: whose it is, and its name within the tenant, ids with `/` between them."""

    tenant: str
    subject_id: str
    name: str

    @property
    def prefix(self) -> str:
        """What its parts' names begin with."""
        return f"{self.tenant}/{self.name}"

    def part(self, index: int) -> str:
        """The name of a part, from 0."""
        return f"{self.prefix}/{index:06d}"


class SealedBlobs:
    """One service's stored bytes."""

    def __init__(self, blobs: Blobs, keys: DataKeys) -> None:
        self._blobs = blobs
        self._keys = keys

    async def put(self, place: Place, index: int, content: bytes) -> None:
        """Seals a part and keeps it. Raises BlobExists, KeyDestroyed."""
        version, key = await self._keys.current(place.tenant, place.subject_id)
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, content, _bound(place, index))
        await self._blobs.put(place.part(index), _FORMAT + version.to_bytes(_VERSION_BYTES, "big") + nonce + sealed)

    async def get(self, place: Place, index: int) -> bytes:
        """A part as it was put. Raises BlobDamaged, KeyDestroyed."""
        try:
            stored = await self._blobs.get(place.part(index))
        except BlobMissing:
            raise BlobDamaged(f"part {index} of {place.name} is gone") from None
        at = len(_FORMAT) + _VERSION_BYTES
        version, nonce, sealed = stored[len(_FORMAT) : at], stored[at : at + NONCE_BYTES], stored[at + NONCE_BYTES :]
        try:
            key = await self._keys.key(place.tenant, place.subject_id, int.from_bytes(version, "big"))
            return AESGCM(key).decrypt(nonce, sealed, _bound(place, index))
        except (InvalidTag, KeyUnknown, ValueError) as error:
            raise BlobDamaged(f"part {index} of {place.name} is not what was put there") from error

    async def lengths(self, place: Place) -> list[int]:
        """How many bytes each part has that is there, from the first on, up to the first that is missing."""
        sizes = await self._blobs.sizes(place.prefix)
        found: list[int] = []
        while (size := sizes.get(place.part(len(found)))) is not None:
            found.append(size - _OVERHEAD)
        return found

    async def delete(self, place: Place) -> None:
        """Removes all of it."""
        await self._blobs.delete(place.prefix)


def _bound(place: Place, index: int) -> bytes:
    return bound("blob", place.tenant, place.subject_id, place.name, str(index))
