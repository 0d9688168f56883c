"""What was measured, for people and for programs: one file of results, and the same table on the terminal and in the documentation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import plot
from bench.measure import Figure, Spread

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results.json"
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
PLOT = ROOT / "docs" / "performance.svg"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
_COLUMNS = ("Measured", "Ours", "Against", "Theirs", "Ratio", "Asked")


def keep(benchmark: str, facts: Mapping[str, object], figures: Sequence[Figure]) -> None:
    """Puts a benchmark's figures in the place of its last ones."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[benchmark] = {
        "facts": facts,
        "figures": [asdict(figure) | {"ratio": asdict(figure.ratio)} for figure in figures],
    }
    RESULTS.write_text(json.dumps(_rounded(results), indent=2) + "\n")


def show(console: Console, figures: Sequence[Figure]) -> None:
    """The table on the terminal."""
    table = Table(title="Median (least..greatest). A ratio of 1 is as fast as the bare parts, below 1 is slower.")
    for column in ("Measured", "Ours", "Theirs", "Ratio", "Asked"):
        table.add_column(column, no_wrap=column != "Measured")
    for figure in figures:
        name, ours, against, theirs, ratio, asked = (cell.replace(" (", "\n(", 1) for cell in _row(figure))
        table.add_row(f"{name}\n[dim]against {against}[/]", ours, theirs, ratio, asked, end_section=True)
    console.print(table)
    for figure in figures:
        for name, value in figure.parts.items():
            console.print(f"{figure.name}: {name}: {value:.3g} {figure.unit}", highlight=False)


def document(order: Sequence[str]) -> None:
    """Puts the kept figures into the documentation, between its markers, and draws their ratios beside it."""
    results = json.loads(RESULTS.read_text())
    figures = [_figure(one) for name in order if name in results for one in results[name]["figures"]]
    plot.draw(figures, PLOT)
    lines = "\n".join(_lines([(name, results[name]) for name in order if name in results]))
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}")


def _lines(results: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield "| " + " | ".join((*_COLUMNS, "Command")) + " |"
    yield "|---|---:|---|---:|---:|---|---|"
    for benchmark, result in results:
        for figure in map(_figure, result["figures"]):
            yield "| " + " | ".join((*_row(figure), f"`python -m bench {benchmark}`")) + " |"
    yield f"\n![The ratios, with what is asked of them]({PLOT.name})"
    for _, result in results:
        for figure in map(_figure, result["figures"]):
            if figure.parts:
                parts = "; ".join(f"{name} {value:.3g}" for name, value in figure.parts.items())
                yield f"\n{figure.name}, medians in {figure.unit}: {parts}."
    yield "\nTaken on:\n"
    for benchmark, result in results:
        facts = result["facts"]
        yield (
            f"- {benchmark}: {facts['date']}, commit {facts['commit']}, {facts['rounds']} rounds, {facts['cores']} cores "
            f"({facts['system']}) with a load of {facts['load_before']} before, Python {facts['python']}, Kafka {facts['kafka']}, "
            f"store {facts['store']}"
        )


def _figure(stored: Mapping[str, Any]) -> Figure:
    return Figure(**{name: value for name, value in stored.items() if name != "ratio"})


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
