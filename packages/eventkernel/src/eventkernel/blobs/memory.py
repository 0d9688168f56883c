"""Blobs in this process's memory: for tests."""

import asyncio

from eventkernel.blobs.port import BlobExists, BlobMissing, segments


class MemoryBlobs:
    """As the port says."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes) -> None:
        """As the port says."""
        segments(name)
        await asyncio.sleep(0)
        if name in self.kept:
            raise BlobExists(name)
        self.kept[name] = bytes(content)

    async def get(self, name: str) -> bytes:
        """As the port says."""
        segments(name)
        await asyncio.sleep(0)
        try:
            return self.kept[name]
        except KeyError:
            raise BlobMissing(name) from None

    async def sizes(self, prefix: str) -> dict[str, int]:
        """As the port says."""
        segments(prefix)
        await asyncio.sleep(0)
        return {name: len(content) for name, content in self.kept.items() if name.startswith(f"{prefix}/")}

    async def delete(self, prefix: str) -> None:
        """As the port says."""
        for name in await self.sizes(prefix):
            self.kept.pop(name, None)
