"""A document as PDF, on A4, with a font of its own: Latin, Greek and Cyrillic letters are in it, and others show as boxes."""

from datetime import datetime

import font_roboto
from fpdf import FPDF
from fpdf.enums import VAlign, WrapMode
from fpdf.fonts import FontFace

from eventkernel.printing.content import Content

_FONT = "Roboto"
_SIZE, _HEADING, _TITLE = 8, 11, 15


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
    """The document's bytes: the same for the same content, made at the same time."""
    pages = _Pages(format="A4")
    pages.set_creation_date(made_at)
    pages.set_title(content.title)
    pages.set_lang("en-GB")
    pages.add_font(_FONT, fname=font_roboto.Roboto)
    pages.add_font(_FONT, style="B", fname=font_roboto.RobotoBold)
    pages.marked = content.marked
    pages.add_page()
    _text(pages, content.title, _TITLE, bold=True)
    for line in content.lines:
        _text(pages, line, _SIZE)
    for section in content.sections:
        pages.ln(4)
        _text(pages, section.heading, _HEADING, bold=True)
        pages.set_font(_FONT, size=_SIZE)
        with pages.table(
            col_widths=tuple(section.widths), text_align="LEFT", borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(emphasis="BOLD"), line_height=4.5, v_align=VAlign.T, padding=(0.6, 1, 0.6, 1),
        ) as table:  # fmt: skip
            for row in (section.columns, *(section.rows or [["None.", *([""] * (len(section.columns) - 1))]])):
                table.row(row)
    pages.ln(4)
    for line in content.foot:
        _text(pages, line, _SIZE)
    return bytes(pages.output())


def _text(pages: FPDF, text: str, size: int, *, bold: bool = False) -> None:
    pages.set_font(_FONT, style="B" if bold else "", size=size)
    pages.multi_cell(
        0, size / 2, text, new_x="LMARGIN", new_y="NEXT", wrapmode=WrapMode.CHAR if " " not in text else WrapMode.WORD
    )
