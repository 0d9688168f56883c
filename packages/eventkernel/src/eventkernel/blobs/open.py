"""Which store of bytes a process uses, from its settings."""

from pathlib import Path

from eventkernel.blobs.folder import FolderBlobs
from eventkernel.blobs.port import Blobs

_S3 = "s3://"


class BlobsFault(Exception):
    """The setting BLOBS names nothing that can be used; the text says what to do."""


def open_blobs(where: str, *, beside: Path, endpoint: str = "") -> Blobs:
    """The store that the setting BLOBS names: a folder, `s3://bucket/prefix`, or where it is empty the folder `blobs` beside a file.

    Raises BlobsFault.
    """
    if not where.startswith(_S3):
        return FolderBlobs(Path(where) if where else beside.parent / "blobs")
    bucket, _, prefix = where.removeprefix(_S3).partition("/")
    if not bucket:
        raise BlobsFault(f"BLOBS: {where} names no bucket; use s3://bucket/prefix")
    try:
        from eventkernel.blobs.s3 import S3Blobs  # noqa: PLC0415 - an extra, not installed everywhere
    except ImportError:
        raise BlobsFault("BLOBS: s3 needs the extra: install mentorstream-eventkernel[s3]") from None
    return S3Blobs(bucket, prefix=prefix.strip("/"), endpoint=endpoint)
