"""How a projection's document lies in the store: the model's fields, the tenant, and which version of each stream it has seen."""

from binascii import b2a_base64
from hashlib import blake2b

SEEN = "_seen"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def document_id(tenant: str, key: str) -> str:
    """Where a tenant's document with this key is kept."""
    return f"{tenant}/{key}"


def seen_key(stream: str) -> str:
    """A stream's short name in a document: 72 bits of its hash, since a document may see hundreds of streams."""
    return b2a_base64(blake2b(stream.encode(), digest_size=9).digest(), newline=False).translate(_URL_SAFE).decode()
