"""A document as PDF, on A4, with a font of its own: Latin, Greek and Cyrillic letters are in it, and others stand as their numbers in Unicode.

Other scripts would need fonts and shaping of their own: a mark that says which character it is loses nothing, and is never drawn wrongly.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

import font_roboto
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, VAlign, WrapMode
from fpdf.fonts import FontFace, TTFFont
from fpdf.util import Padding

from eventkernel.printing.content import Content, Section
from eventkernel.printing.undrawn import with_marks

_FONT = "Roboto"
_SIZE, _HEADING, _TITLE = 8, 11, 15
_LINE, _PADDING, _SPACE = 4.5, Padding(0.6, 1, 0.6, 1), 4
# They fit on a page under the heads of any table.
_LINES_OF_A_ROW = 45
# In millimetres, of this size: no letter is wider than a dash of three ems.
_WIDEST = 6.1


class _Pages(FPDF):
    marked = ""

    def header(self) -> None:
        """What each page is marked as, if anything."""
        if self.marked:
            self.set_y(6)
            self.set_font(_FONT, style="B", size=_SIZE)
            self.cell(0, 6, self.marked, align="C", new_x="LMARGIN", new_y="NEXT")
            self.ln(2)

    def footer(self) -> None:
        """Which page this is."""
        self.set_y(-12)
        self.set_font(_FONT, size=_SIZE)
        self.cell(0, 8, f"page {self.page_no()} of {{nb}}", align="R")


def pdf(content: Content, made_at: datetime) -> bytes:
    """The document's bytes: the same for the same content, made at the same time. What the font lacks stands as `[U+0623]`, and page 1 says so."""
    pages = _Pages(format="A4")
    pages.set_creation_date(made_at)
    pages.set_title(content.title)
    pages.set_lang("en-GB")
    pages.add_font(_FONT, fname=font_roboto.Roboto)
    pages.add_font(_FONT, style="B", fname=font_roboto.RobotoBold)
    # Both styles have the same glyphs.
    content, missing = with_marks(content, cast("TTFFont", pages.fonts[_FONT.lower()]).cmap)
    pages.marked = content.marked
    pages.add_page()
    _text(pages, content.title, _TITLE, bold=True)
    if missing:
        _text(
            pages,
            f"Characters that cannot be drawn here: {missing}. Each stands as [U+…] with its number in Unicode, also where the same text is "
            "told twice; the text is whole in the service that made this document.",
            _SIZE,
        )
    for line in content.lines:
        _text(pages, line, _SIZE)
    for section in content.sections:
        _section(pages, section)
    pages.ln(_SPACE)
    for line in content.foot:
        _text(pages, line, _SIZE)
    return bytes(pages.output())


def _section(pages: FPDF, section: Section) -> None:
    rows = section.rows or [["None.", *([""] * (len(section.columns) - 1))]]
    parts = [part for row in rows for part in _over_rows(pages, row, section.widths)]
    # A heading is never the last on a page, nor are the heads of its columns.
    heads = _height(pages, section.columns, section.widths, bold=True) + _height(pages, parts[0], section.widths)
    if pages.will_page_break(_SPACE + _HEADING / 2 + heads):
        pages.add_page()
    pages.ln(_SPACE)
    _text(pages, section.heading, _HEADING, bold=True)
    pages.set_font(_FONT, size=_SIZE)
    with pages.table(
        col_widths=tuple(section.widths), text_align="LEFT", borders_layout="HORIZONTAL_LINES",
        headings_style=FontFace(emphasis="BOLD"), line_height=_LINE, v_align=VAlign.T, padding=_PADDING,
    ) as table:  # fmt: skip
        table.row(section.columns)
        for part in parts:
            table.row(part)


def _height(pages: FPDF, row: Sequence[str], shares: Sequence[int], *, bold: bool = False) -> float:
    """How high a row of a table is, in millimetres."""
    pages.set_font(_FONT, style="B" if bold else "", size=_SIZE)
    lines = max(len(_lines(pages, text, width)) for text, width in zip(row, _widths(pages, shares), strict=True))
    return lines * _LINE + _PADDING.top + _PADDING.bottom


def _widths(pages: FPDF, shares: Sequence[int]) -> Sequence[float]:
    return [pages.epw * one / sum(shares) for one in shares]


def _over_rows(pages: FPDF, row: Sequence[str], shares: Sequence[int]) -> Iterator[Sequence[str]]:
    """The row, or as many as its longest text needs: one that is higher than a page of paper cannot be set."""
    widths = _widths(pages, shares)
    if all(_lines_at_most(text, width) <= _LINES_OF_A_ROW for text, width in zip(row, widths, strict=True)):
        yield row
        return
    cells = [_lines(pages, text, width) for text, width in zip(row, widths, strict=True)]
    for at in range(0, max(map(len, cells)), _LINES_OF_A_ROW):
        yield ["\n".join(lines[at : at + _LINES_OF_A_ROW]) for lines in cells]


def _lines_at_most(text: str, width: float) -> float:
    """Without breaking it, which takes as long as drawing it: two lines have more letters together than fit in one."""
    letters = max(1.0, (width - _PADDING.left - _PADDING.right) // _WIDEST)
    return 2 * len(text) / letters + text.count("\n") + 1


def _lines(pages: FPDF, text: str, width: float) -> Sequence[str]:
    """A text as it is broken in a column of this width."""
    found = pages.multi_cell(
        width, _LINE, text, padding=_PADDING, align="L", dry_run=True, output=MethodReturnValue.LINES
    )
    return cast("list[str]", found)


def _text(pages: FPDF, text: str, size: int, *, bold: bool = False) -> None:
    pages.set_font(_FONT, style="B" if bold else "", size=size)
    pages.multi_cell(
        0, size / 2, text, new_x="LMARGIN", new_y="NEXT", wrapmode=WrapMode.CHAR if " " not in text else WrapMode.WORD
    )
