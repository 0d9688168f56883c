"""Blobs as objects of an S3-compatible server. Credentials and region come from AWS_ACCESS_KEY_ID and its like.

The server has to honour `If-None-Match: *` when an object is put: that is how a blob is never overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from eventkernel.blobs.port import BlobExists, BlobMissing, BlobsUnavailable, segments

if TYPE_CHECKING:
    from obstore.store import S3Config


class S3Blobs:
    """As the port says.

    Args:
        bucket: it has to be there.
        prefix: what all its objects' keys begin with; nothing where empty.
        endpoint: the server's address; Amazon's own where empty.
    """

    def __init__(self, bucket: str, *, prefix: str = "", endpoint: str = "") -> None:
        config: S3Config = {"endpoint": endpoint} if endpoint else {}
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"allow_http": endpoint.startswith("http://")},
        )

    async def put(self, name: str, content: bytes) -> None:
        """As the port says."""
        segments(name)
        try:
            await self._store.put_async(name, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            raise BlobExists(name) from None
        except BaseError as error:
            raise _unavailable(error) from error

    async def get(self, name: str) -> bytes:
        """As the port says."""
        segments(name)
        try:
            found = await self._store.get_async(name)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise BlobMissing(name) from None
        except BaseError as error:
            raise _unavailable(error) from error

    async def sizes(self, prefix: str) -> dict[str, int]:
        """As the port says."""
        segments(prefix)
        try:
            return {one["path"]: one["size"] async for page in self._store.list(f"{prefix}/") for one in page}
        except BaseError as error:
            raise _unavailable(error) from error

    async def delete(self, prefix: str) -> None:
        """As the port says."""
        names = list(await self.sizes(prefix))
        try:
            if names:
                await self._store.delete_async(names)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _unavailable(error) from error


def _unavailable(error: BaseError) -> BlobsUnavailable:
    return BlobsUnavailable(f"the store of bytes does not answer as it should: {type(error).__name__}")
