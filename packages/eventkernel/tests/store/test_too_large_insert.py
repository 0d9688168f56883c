"""What a server says of an insert that is too large, which is not what it says of an upsert: MongoDB's own, that is not here."""

from typing import Any

import pytest
from eventkernel.messages import Checkpoint, DocumentWrite
from eventkernel.ports import DocumentTooLarge
from eventkernel.store.mongodb.documents import MongoDocuments
from pymongo.errors import BulkWriteError

NEW = [DocumentWrite(f"d{number}", 0, {"note": "CONFIDENTIAL"}) for number in range(5)]


class Refusing:
    """A database whose one collection refuses the third write."""

    def __init__(self, code: int, text: str) -> None:
        self._failure = {"index": 2, "code": code, "errmsg": text, "op": {"note": "CONFIDENTIAL"}}

    def __getitem__(self, _name: str) -> "Refusing":
        return self

    async def bulk_write(self, _writes: Any, *, ordered: bool) -> None:
        assert ordered
        raise BulkWriteError({"writeErrors": [self._failure], "writeConcernErrors": []})


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2, "object to insert too large. size in bytes: 16777300, max size: 16777216"),
        (10334, "BSONObj size is invalid"),
        (17420, "Document to upsert is larger than 16777216"),
    ],
)
async def test_it_is_told_by_its_id_and_not_quoted(code: int, text: str) -> None:
    with pytest.raises(DocumentTooLarge, match="d2 in readers") as caught:
        await MongoDocuments(Refusing(code, text)).write("readers", NEW, [Checkpoint("s", "t", 0, 1)])  # type: ignore[arg-type]
    assert "CONFIDENTIAL" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_another_bad_value_is_none_that_is_too_large() -> None:
    with pytest.raises(BulkWriteError):
        await MongoDocuments(Refusing(2, "the '_id' is odd")).write("readers", NEW, [])  # type: ignore[arg-type]
