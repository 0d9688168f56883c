"""The plot beside the table: each ratio with its spread, and what is asked of it."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from bench.measure import Figure

_OURS, _MISSED, _ASKED = "#1f6f8b", "#b23a48", "#333333"


def draw(figures: Sequence[Figure], to: Path) -> None:
    """Writes an SVG that is the same for the same figures: no date in it, no random ids."""
    mpl.rcParams.update({"svg.hashsalt": "mentorstream", "svg.fonttype": "none", "font.size": 9})
    canvas = Canvas(figsize=(9, 1.2 + 0.42 * len(figures)), layout="constrained")
    axes = canvas.subplots()
    for place, figure in enumerate(figures):
        ratio = figure.ratio
        colour = _MISSED if figure.met is False else _OURS
        axes.plot([ratio.least, ratio.greatest], [place, place], color=colour, linewidth=2)
        axes.plot(ratio.median, place, "o", color=colour)
        if figure.least_ratio is not None:
            axes.plot(figure.least_ratio, place, "|", color=_ASKED, markersize=14, markeredgewidth=2)
    axes.axvline(1, color="#999999", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(figures)), [f"{figure.name}\nagainst {_short(figure.against)}" for figure in figures])
    axes.invert_yaxis()
    axes.set_xlabel(
        "ratio: median, least and greatest of the rounds. 1 is as fast as what it stands against; | is what is asked"
    )
    axes.grid(axis="x", which="both", linewidth=0.3)
    canvas.savefig(to, format="svg", metadata={"Date": None})


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
