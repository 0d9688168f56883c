"""What both adapters agree on about stored things, so that what passes in memory passes on MongoDB as well."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import bson
from bson.codec_options import CodecOptions

from eventkernel.messages import DocumentWrite

# The store's own fields of a projection's document.
ID = "_id"
REVISION = "_rev"

# What MongoDB keeps at the most.
_MOST_BYTES = 16 * 1024 * 1024

BSON_DATES: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)


def stream_key(tenant: str, stream: str) -> str:
    """The stream's key within the database. Raises ValueError for a tenant that could be taken for another's stream."""
    if not tenant or "/" in tenant:
        raise ValueError(f"a tenant is not empty and has no '/': {tenant!r}")
    return f"{tenant}/{stream}"


def milliseconds(at: datetime) -> datetime:
    """The time as a BSON date can keep it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def is_too_large(document: DocumentWrite) -> bool:
    """Whether no store keeps a projection's document, with its id and revision. It has to be of types that can be kept."""
    stored = {**document.body, ID: document.id, REVISION: document.revision + 1}
    return len(bson.encode(stored)) > _MOST_BYTES


def check_fields(fields: Iterable[str]) -> None:
    """Raises ValueError where a projection's document, or a query for one, names a field that is the store's own."""
    for field in fields:
        if field in (ID, REVISION) or field.startswith("$"):
            raise ValueError(f"the field {field!r} belongs to the store: a read model needs another name")
