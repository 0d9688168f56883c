"""Whether a file begins as files of its media type do. It keeps out mistakes and plain disguises; it is no virus scanner."""

import puremagic

_MIME_OF_TEXT = "text/"


def begins_as(media_type: str, head: bytes) -> bool:
    """Whether these first bytes can be of that type. Text has no mark of its own: it has to be readable, and no null byte in it."""
    if media_type.startswith(_MIME_OF_TEXT):
        return b"\0" not in head and _is_utf8(head)
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return False
    return media_type in {one.mime_type for one in found}


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut at the end.
        return error.end == len(head) and len(head) - error.start < 4
    return True
