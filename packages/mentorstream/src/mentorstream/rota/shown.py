"""How a check of rotas is shown: a table a site, within 80 columns, in the site's own time."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mentorstream.rota.findings import Finding, Kind, Site, without_rota


def show_site(console: Console, site: Site, found: Sequence[Finding], days: int) -> None:
    """What was found of a site, or that it is as it should be."""
    name = site.site_id or "the provider's own rota"
    if not site.rota.rota_is_set:
        console.print(Text(f"{name}: no rota is set, {without_rota(site.policy)}."))
        return
    console.print(Text(f"{name}: {_stands(site)}", style="bold"))
    if not site.duty.duty_is_set:
        console.print("No duty is set: everybody on the rota is on duty at all times.")
    elif not found:
        console.print(f"Nothing in the next {days} days: one person is on duty at each time.")
    if not found:
        return
    made = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    made.add_column("What", no_wrap=True)
    made.add_column(f"When ({site.duty.time_zone})", min_width=22)
    made.add_column("Times", justify="right")
    made.add_column("What that means", overflow="fold")
    for one in found:
        made.add_row(one.kind.value, _when(one), str(one.times), one.said, style="bold" if one.kind is Kind.GAP else "")
    console.print(made)


def _stands(site: Site) -> str:
    rota = site.rota
    deputies = f", then {', '.join(rota.deputy_ids)}" if rota.deputy_ids else ""
    return f"{rota.dsl_id}{deputies}; senior lead {rota.senior_lead_id}"


def _when(one: Finding) -> str:
    if one.kind is Kind.CLOCKS:
        return f"{one.first:%a %-d %b %Y %H:%M}"
    if one.kind is Kind.LEAVE:
        return f"{one.first:%a %-d %b} to {one.ends:%a %-d %b %Y}"
    nights = (one.ends.date() - one.first.date()).days
    later = f" +{nights} d" if nights else ""
    times = f"{one.first:%H:%M} to {one.ends:%H:%M}{later}"
    if one.times == 1:
        return f"{one.first:%a %-d %b %Y}\n{times}"
    return f"{times}\n{one.first:%a %-d %b} … {one.last:%a %-d %b}"
