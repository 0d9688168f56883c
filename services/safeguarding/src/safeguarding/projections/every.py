"""All documents that a list is made of, however many: a handler's years may hold more than one answer of the store."""

from typing import TypeVar

from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.common.v1.common_pb2 import Page
from pydantic import BaseModel

Document = TypeVar("Document", bound=BaseModel)
_AT_ONCE = 1_000


async def every(projection: Projection[Document], read: Reader, **equal: object) -> list[Document]:
    """The tenant's documents whose fields equal these, by their keys."""
    found, page = list[Document](), Page(size=_AT_ONCE)
    while True:
        part, page.cursor = await read.page(projection, page, order=projection.key, descending=False, **equal)
        found += part
        if not page.cursor:
            return found
