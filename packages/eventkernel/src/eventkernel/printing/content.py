"""What a document says: headings, lines and tables, before it is HTML or PDF."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table under it. `widths` says how wide its columns are to each other."""

    heading: str
    columns: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Content:
    """All of it. `lines` come before the sections, `foot` behind them, and `marked` stands on top of each page of paper."""

    title: str
    lines: Sequence[str]
    sections: Sequence[Section]
    foot: Sequence[str]
    marked: str = ""
