"""What was measured, for people and for programs: one file of results, and the same table on the terminal and in the documentation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from bench import plot
from bench.measure import Figure, Spread

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results.json"
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
PLOT = ROOT / "docs" / "performance.svg"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
_COLUMNS = ("Measured", "Ours", "Against", "Theirs", "Ratio", "Asked")


def load() -> dict[str, Any]:
    """All that is kept, by benchmark."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def keep(benchmark: str, facts: Mapping[str, object], found: Sequence[Figure] | Mapping[str, Any]) -> None:
    """Puts a benchmark's figures, or its tables, in the place of its last ones."""
    results = load()
    results[benchmark] = {"facts": facts} | (
        {"found": found}
        if isinstance(found, Mapping)
        else {"figures": [asdict(figure) | {"ratio": asdict(figure.ratio)} for figure in found]}
    )
    RESULTS.write_text(json.dumps(_rounded(results), indent=2) + "\n")


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Each figure with what it is against and its parts, to be read at 80 columns."""
    console.print("Median (least..greatest). A ratio of 1 is as fast as the bare parts, below 1 is slower.\n")
    for figure in figures:
        _, ours, against, theirs, ratio, asked = _row(figure)
        head = Table.grid("", "", expand=True, padding=(0, 2))
        head.columns[0].ratio = 1
        head.columns[1].no_wrap = True
        head.add_row(f"[bold]{figure.name}[/]", f"{ratio}  {asked.replace('**', '')}")
        console.print(head)
        said = f"{ours} {figure.unit}, against {theirs}: {against}"
        console.print(Padding(said, (0, 0, 0, 2)), style="dim", highlight=False)
        parts = Table.grid("", "", padding=(0, 2))
        parts.columns[1].justify = "right"
        for part, value in figure.parts.items():
            parts.add_row(*_part(figure, part, value))
        if figure.parts:
            console.print(Padding(parts, (0, 0, 0, 4)), highlight=False)
        console.print()


def document(order: Sequence[str]) -> None:
    """Puts the kept figures into the documentation, between its markers, and draws their ratios beside it."""
    results = load()
    figures = [_figure(one) for name in order if name in results for one in results[name]["figures"]]
    plot.draw(figures, PLOT)
    lines = "\n".join(_lines([(name, results[name]) for name in order if name in results]))
    between(DOCUMENT, lines)


def between(document: Path, lines: str) -> None:
    """Puts these in the place of what stands between the document's markers."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}")


def taken_on(benchmark: str, facts: Mapping[str, Any]) -> str:
    """A line of what a benchmark was taken on."""
    rounds = "1 round" if facts["rounds"] == 1 else f"{facts['rounds']} rounds"
    return (
        f"- {benchmark}: {facts['date']}, commit {facts['commit']}, {rounds}, {facts['cores']} cores "
        f"({facts['system']}) with a load of {facts['load_before']} before, Python {facts['python']}, Kafka {facts['kafka']}, "
        f"store {facts['store']}"
    )


def _lines(results: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield "| " + " | ".join((*_COLUMNS, "Command")) + " |"
    yield "|---|---:|---|---:|---:|---|---|"
    for benchmark, result in results:
        for figure in map(_figure, result["figures"]):
            yield "| " + " | ".join((*_row(figure), f"`python -m bench {benchmark}`")) + " |"
    yield f"\n![The ratios, with what is asked of them]({PLOT.name})"
    yield "\n| Figure | A part of it, measured alone | Median |"
    yield "|---|---|---:|"
    for _, result in results:
        for figure in map(_figure, result["figures"]):
            for place, (name, value) in enumerate(figure.parts.items()):
                yield "| " + " | ".join(("" if place else figure.name, *_part(figure, name, value))) + " |"
    yield "\nTaken on:\n"
    for benchmark, result in results:
        yield taken_on(benchmark, result["facts"])


def _figure(stored: Mapping[str, Any]) -> Figure:
    return Figure(**{name: value for name, value in stored.items() if name != "ratio"})


def _part(figure: Figure, name: str, value: float) -> tuple[str, str]:
    """A part's name, and its value with its unit: what stands behind a semicolon in the name, else the figure's."""
    short, _, unit = name.partition("; ")
    return short, f"{_number(value)} {unit or figure.parts_unit or figure.unit}"


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        f"{figure.name}, {figure.unit}",
        _spread(Spread.of(figure.ours)),
        figure.against,
        _spread(Spread.of(figure.bare)),
        _spread(figure.ratio),
        _asked(figure),
    )


def _asked(figure: Figure) -> str:
    asked = []
    if figure.least_ratio is not None:
        asked.append(f"ratio ≥ {figure.least_ratio:.3g}")
    if figure.most is not None:
        asked.append(f"≤ {figure.most:g} {figure.unit}")
    if not asked:
        return ""
    return f"{', '.join(asked)}: {'met' if figure.met else '**not met**'}"


def _spread(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.least)}..{_number(spread.greatest)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value
