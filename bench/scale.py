"""What was measured of sizes, of a rebuild and of a simulated year, as the tables of docs/SCALE.md and as lines on the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import report
from bench.simulation import CALLED, EVENTS_A_LEARNER, SYSTEMS, TOLD

DOCUMENT = report.ROOT / "docs" / "SCALE.md"
YEARS, COPIES, PARTITIONS = 5, 3, 8
_GB = 1e9
# What is added to with every event and never taken away; keys and leases are a person's, or a handful.
_GROWING = ("access_log", "due")
_KINDS = ("API", "store", "relay", "projections", "reactions and mail")

Found = Mapping[str, Any]


def document() -> None:
    """Puts the tables into the documentation, between its markers: as many as there are results for."""
    results = report.load()
    report.between(DOCUMENT, "\n".join(_lines(results)))


def lines(name: str, found: Found) -> list[str]:
    """The same of one benchmark, for the terminal."""
    return list(_per_event(found) if name == "sizes" else _queues(found))


def _lines(results: Found) -> Iterator[str]:
    known = [name for name in ("sizes", "rebuild", "simulation") if name in results]
    if "sizes" in results:
        sizes = results["sizes"]["found"]
        yield from _per_event(sizes)
        yield from _needs(sizes, _rebuild_rate(results))
    if "rebuild" in results:
        yield from _rebuild(results["rebuild"]["figures"])
    if "simulation" in results:
        yield from _queues(results["simulation"]["found"])
    yield "\nTaken on:\n"
    for name in known:
        yield report.taken_on(name, results[name]["facts"])


def _per_event(sizes: Found) -> Iterator[str]:
    services = sizes["services"]
    total = _events(services)
    yield "### An event, by service\n"
    yield (
        "| Service | Events in the demo | Share | Commits | Published | A commit, bytes | Its index entries | A record, bytes | Were it gzip | "
        "In the demo's log |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, one in services.items():
        index = one["collections"]["commits"]["index_bytes"] / one["commits"]
        cells = (one["commit_bytes"], index, one["record_bytes"], one["record_gzip_bytes"], one["log_bytes"])
        shown = " | ".join(f"{each:,.0f}" for each in cells)
        yield (
            f"| {name} | {one['events']:,} | {one['events'] / total:.0%} | {one['commits']:,} | {one['published']:,} | {shown} |"
        )
    told = services[TOLD]
    notices, access, due = told["types"]["notice-settled"], *(_kept(told, each) for each in _GROWING)
    yield (
        f"\nEach notice leaves beside its events {access / notices:,.0f} bytes in the access log and {due / notices:,.0f} of a due row that is "
        f"done. In a burst of {sizes['notices']['notices']:,}, {sizes['notices']['rate']:.3g} notices a second were settled."
    )
    for name, one in sizes["documents"].items():
        yield (
            f"\nA learner's year in `{name}`: {one['documents']} document{'s' if one['documents'] > 1 else ''} of {one['bytes']:,.0f} bytes, "
            f"of {one['events']} events. In a projector's memory each takes {one['memory_bytes']:,.0f}."
        )


@dataclass(frozen=True, slots=True)
class _Year:
    """One system's year, from the sizes of an event."""

    sizes: Found
    learners: int

    @property
    def events(self) -> int:
        """That people bring about."""
        return EVENTS_A_LEARNER * self.learners

    def of(self, service: str, what: str) -> float:
        """Events, commits or published ones of a service."""
        services = self.sizes["services"]
        return float(self.events * services[service][what] / sum(services[name]["events"] for name in CALLED))

    def log(self, service: str) -> float:
        """Its commits' bytes."""
        return self.of(service, "commits") * float(self.sizes["services"][service]["commit_bytes"])

    def indexes(self, service: str) -> float:
        """Its commits' index entries."""
        one = self.sizes["services"][service]
        return self.of(service, "commits") * float(one["collections"]["commits"]["index_bytes"] / one["commits"])

    def beside(self, service: str) -> float:
        """Access log and due rows."""
        one = self.sizes["services"][service]
        return self.of(service, "events") * sum(_kept(one, each) for each in _GROWING) / float(one["events"])

    def topic(self, service: str, which: str) -> float:
        """Its records, in one copy."""
        return self.of(service, "published") * float(self.sizes["services"][service][which])

    def notices(self) -> float:
        """The read model of notices."""
        told = self.sizes["services"][TOLD]
        return self.of(TOLD, "events") * _kept(told, "notices_v1") / float(told["events"])

    def a_learner(self, model: str) -> float:
        """A read model whose documents are a learner's."""
        one = self.sizes["documents"][model]
        return float(self.learners * one["documents"] * one["bytes"])


def _needs(sizes: Found, rate: float | None) -> Iterator[str]:
    years = [_Year(sizes, learners) for learners in SYSTEMS.values()]
    names = list(sizes["services"])
    rows: list[tuple[str, Sequence[str]]] = [
        ("Learners", [f"{one.learners:,}" for one in years]),
        (f"Events by people a year, at {EVENTS_A_LEARNER} a learner", [f"{one.events / 1e6:,.1f} million" for one in years]),
        ("Events with those of notifications, a year", [f"{sum(one.of(name, 'events') for name in names) / 1e6:,.1f} million" for one in years]),
        ("Commits, GB a year", [_gb(sum(map(one.log, names))) for one in years]),
        ("Their index entries, GB a year", [_gb(sum(map(one.indexes, names))) for one in years]),
        ("Access log and done due rows, GB a year", [_gb(sum(map(one.beside, names))) for one in years]),
        (f"The largest database ({TOLD}) with its read model, GB a year",
         [_gb(one.log(TOLD) + one.indexes(TOLD) + one.beside(TOLD) + one.notices()) for one in years]),
        ("Topics in one copy, GB a year", [_gb(sum(one.topic(name, "record_bytes") for name in names)) for one in years]),
        (f"Topics in {COPIES} copies, GB a year", [_gb(COPIES * sum(one.topic(name, "record_bytes") for name in names)) for one in years]),
        ("The same, were they gzip in batches of 500", [_gb(COPIES * sum(one.topic(name, "record_gzip_bytes") for name in names)) for one in years]),
        (f"Records in a partition of the largest topic, of {PARTITIONS}, a year", [f"{one.of(TOLD, 'published') / PARTITIONS / 1e6:,.1f} million" for one in years]),
        ("`ksb_progress`, GB after a year", [_gb(one.a_learner("ksb_progress")) for one in years]),
        ("`learner_sessions`, GB a year", [_gb(one.a_learner("learner_sessions")) for one in years]),
        ("`notices`, GB a year", [_gb(one.notices()) for one in years]),
        (f"All stores after {YEARS} years of the same, GB",
         [_gb(YEARS * sum(one.log(name) + one.indexes(name) + one.beside(name) for name in names)
              + YEARS * (one.notices() + one.a_learner("learner_sessions")) + one.a_learner("ksb_progress")) for one in years]),
        (f"All topics after {YEARS} years, {COPIES} copies, GB",
         [_gb(YEARS * COPIES * sum(one.topic(name, "record_bytes") for name in names)) for one in years]),
    ]  # fmt: skip
    if rate is not None:
        heard = [one.of("sessions", "published") + one.of("evidence", "published") for one in years]
        rows += [
            ("Rebuilding `ksb_progress` over a year, one process, hours", [f"{each / rate / 3600:,.1f}" for each in heard]),
            (f"The same over {YEARS} years, hours", [f"{YEARS * each / rate / 3600:,.1f}" for each in heard]),
            ("Rebuilding `notices` over a year at that rate, hours", [f"{one.of(TOLD, 'published') / rate / 3600:,.1f}" for one in years]),
        ]  # fmt: skip
    yield "\n### What both need\n"
    yield "| | " + " | ".join(SYSTEMS) + " |"
    yield "|---|---:|---:|"
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"


def _rebuild_rate(results: Found) -> float | None:
    for figure in results.get("rebuild", {}).get("figures", ()):
        if "all of them" in figure["parts"]:
            return float(figure["parts"]["all of them"])
    return None


def _rebuild(figures: Sequence[Found]) -> Iterator[str]:
    speed, memory = figures
    parts = speed["parts"]
    tenths = ", ".join(f"{value:,.0f}" for name, value in parts.items() if name.startswith("tenth"))
    yield "\n### A rebuild\n"
    yield (
        f"{speed['name'].removesuffix(', the last tenth').capitalize()}, into {parts['documents, how many']:,.0f} documents: {parts['all of them']:,.0f} events a "
        f"second; by tenths {tenths}. Resident: {memory['parts']['at the start']:,.0f} MB at the start, {max(memory['ours']):,.0f} at the most, "
        f"{memory['parts']['at the end']:,.0f} at the end."
    )


def _queues(found: Found) -> Iterator[str]:
    rates = ", ".join(f"{name} {rate:,.4g}" for name, rate in found["rates"].items())
    yield "\n### A simulated year\n"
    yield f"Rates, a second: {rates}. Seed {found['seed']}."
    for name, system in found["systems"].items():
        sizings = system["sizings"]
        yield (
            f"\n{name[0].upper()}{name[1:]}: {system['commands'] / 1e6:,.1f} million commands by people a year, "
            f"{system['busiest_hour']:,.0f} in the busiest hour, {system['busiest_minute'] / 60:,.1f} a second in its busiest minute. Columns: "
            "replicas of the API, processes that project, processes that notify.\n"
        )
        shown = [f"{one['api']}, {one['projectors']}, {one['notifications']}" for one in sizings]
        yield "| Part: the service with least room | " + " | ".join(shown) + " |"
        yield "|---|" + "---|" * len(sizings)
        for kind in _KINDS:
            part = _tightest(sizings[0]["parts"], kind)
            yield f"| {part} | " + " | ".join(_part(one["parts"][part]) for one in sizings) + " |"
        for one, sizing in zip(sizings, shown, strict=True):
            beyond = one["beyond"]
            yield (
                f"\nWith {sizing}: **{one['first']}** breaks first, at {one['times']:,.3g} times this year's busiest hour. At {beyond['times']:,.3g} "
                f"times, {beyond['waited']:,} wait there by the hour's end, up to {beyond['longest_s']:,.0f} s."
            )


def _tightest(parts: Mapping[str, Found], kind: str) -> str:
    return min((name for name in parts if name.endswith(f": {kind}")), key=lambda name: float(parts[name]["headroom"]))


def _part(part: Found) -> str:
    waits = f"{max(part['queue'], part['waited']):,.0f} wait, {_seconds(max(part['delay_s'], part['longest_s']))}"
    return f"{part['busiest_hour']:.1%} in the busiest hour, {part['utilisation']:.2%} of the year; {waits}"


def _seconds(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:,.0f} h"
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{1000 * seconds:,.0f} ms"


def _events(services: Mapping[str, Found]) -> int:
    return sum(one["events"] for one in services.values())


def _kept(service: Found, collection: str) -> float:
    found = service["collections"].get(collection, {"bytes": 0, "index_bytes": 0})
    return float(found["bytes"] + found["index_bytes"])


def _gb(octets: float) -> str:
    return f"{octets / _GB:,.1f}"
