"""Whether a file begins as its media type does."""

import pytest
from eventkernel.media import begins_as


@pytest.mark.parametrize(
    ("media_type", "head", "fits"),
    [
        ("application/pdf", b"%PDF-1.7\n" + b"x" * 100, True),
        ("application/pdf", b"MZ" + b"\0" * 100, False),
        ("image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, True),
        ("image/jpeg", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, False),
        ("video/mp4", b"\0\0\0\x20ftypisom" + b"\0" * 100, True),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04" + b"\0" * 100, True),
        ("text/plain", "Grüße".encode(), True),
        ("text/plain", "Grüße".encode()[:3], True),
        ("text/plain", b"MZ\0\0", False),
        ("text/csv", b"a;b\xff\xfe;c and more", False),
        ("image/png", b"x", False),
    ],
)
def test_a_file_begins_as_its_media_type_does(media_type: str, head: bytes, fits: bool) -> None:
    assert begins_as(media_type, head) is fits
