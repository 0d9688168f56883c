"""`mentorstream rota`: whether somebody is on duty at each site at all times, before a concern finds that out."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from eventkernel.client import Client
from eventkernel.timestamps import timestamp
from mentoring.common.v1.common_pb2 import Page
from mentoring.safeguarding.v1.duty_pb2 import (
    CheckDutyRequest,
    CheckDutyResponse,
    GetRotaRequest,
    GetRotaResponse,
    ListRotasRequest,
    ListRotasResponse,
)
from mentoring.safeguarding.v1.routing_pb2 import GetRoutingPolicyRequest, GetRoutingPolicyResponse

from mentorstream.operate.reach import HERE
from mentorstream.operate.show import console, dumped
from mentorstream.rota.findings import Finding, Kind, Site, findings, without_rota
from mentorstream.rota.shown import show_site
from mentorstream.safeguarding_calls import (
    A_PAGE,
    Address,
    AsJson,
    Caller,
    DataDir,
    Person,
    Provider,
    Roles,
    Token,
)

rota = typer.Typer(no_args_is_help=True, help="Who is on duty for safeguarding.")
_LONGEST_DAYS = 62
_FAULTS = {Kind.NO_ROTA, Kind.GAP}


@rota.callback()
def _rota() -> None:
    """Without this, the only command would stand for the group."""


@rota.command("check")
def check(
    *, site: Annotated[list[str] | None, typer.Option(help="This site; all that have a rota where not given.")] = None,
    days: Annotated[int, typer.Option(min=1, max=_LONGEST_DAYS, help="How far to look ahead.")] = 28,
    person: Person = "", role: Roles = None, address: Address = "", token: Token = "",
    provider: Provider = "northfield", data_dir: DataDir = HERE, json: AsJson = False,
) -> None:  # fmt: skip
    """Show each site's gaps, overlaps, leave (to the senior lead alone) and changes of the clocks. Ends with 1 where there is a gap."""
    begins = datetime.now(UTC).replace(second=0, microsecond=0)
    ends = begins + timedelta(days=days)

    async def call(client: Client) -> tuple[GetRoutingPolicyResponse, list[Site]]:
        policy = await client.call(GetRoutingPolicyRequest(), GetRoutingPolicyResponse)
        return policy, [await _site(client, one, begins, ends, policy) for one in site or await _sites(client)]

    policy, sites = Caller(person, role, address, token, provider, data_dir).asks(call)
    found = [(one, findings(one, begins, ends)) for one in sites]
    if json:
        typer.echo(dumped([{"site_id": one.site_id, "findings": list(map(_plain, its))} for one, its in found]))
    elif not sites:
        console.print(f"no site has a rota, {without_rota(policy)}.")
    else:
        for one, its in found:
            show_site(console, one, its, days)
    if not sites or any(each.kind in _FAULTS for _, its in found for each in its):
        raise typer.Exit(1)


def _plain(one: Finding) -> dict[str, object]:
    return {
        "kind": one.kind.value, "first": one.first.isoformat(), "ends": one.ends.isoformat(), "last": one.last.isoformat(),
        "times": one.times, "said": one.said,
    }  # fmt: skip


async def _sites(client: Client) -> list[str]:
    found, page = list[str](), Page(size=A_PAGE)
    while True:
        answer = await client.call(ListRotasRequest(page=page), ListRotasResponse)
        found += answer.site_ids
        page.cursor = answer.next_cursor
        if not page.cursor:
            return found


async def _site(
    client: Client, site_id: str, begins: datetime, ends: datetime, policy: GetRoutingPolicyResponse
) -> Site:
    duty = CheckDutyRequest(site_id=site_id, begins_at=timestamp(begins), ends_at=timestamp(ends))
    return Site(
        site_id,
        await client.call(GetRotaRequest(site_id=site_id), GetRotaResponse),
        await client.call(duty, CheckDutyResponse),
        policy,
    )
