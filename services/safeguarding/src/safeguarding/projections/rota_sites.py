"""The sites that have a rota: what finds them. The rota itself says who stands on it."""

from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reading import Reader
from mentoring.safeguarding.v1.duty_events_pb2 import RotaChanged
from mentoring.safeguarding.v1.duty_pb2 import ListRotasRequest, ListRotasResponse
from pydantic import BaseModel


class RotaSite(BaseModel):
    """That a site has a rota. The provider's own names no site, so the stream is what tells documents apart."""

    stream: str
    site_id: str = ""


rota_sites = Projection("rota_sites", version=1, document=RotaSite, key="stream", of_streams=True, indexes=("site_id",))


@rota_sites.on
def changed(document: RotaSite, event: RotaChanged, _meta: Metadata) -> None:
    """A rota that was set is never taken away: another takes its place."""
    document.site_id = event.site_id


async def list_rotas(request: ListRotasRequest, read: Reader) -> ListRotasResponse:
    """By their ids, the provider's own first."""
    found, cursor = await read.page(rota_sites, request.page, order="site_id")
    return ListRotasResponse(site_ids=[one.site_id for one in found], next_cursor=cursor)
