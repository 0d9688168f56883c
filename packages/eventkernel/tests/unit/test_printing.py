"""A document on paper: no character vanishes from it, and no heading stands alone."""

import io
import re
from datetime import UTC, datetime

import pytest
from eventkernel.printing.content import Content, Section
from eventkernel.printing.pdf import pdf
from pypdf import PdfReader

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def pages_of(content: Content) -> list[str]:
    """What a person reads on each page, without the breaks of lines."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf(content, NOW))).pages]


def told(text: str) -> Content:
    return Content("T", [], [Section("Written", ["What"], [1], [[text]])], [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("he said أل to me", "he said [U+0623 U+0644] to me"),
        ("ی ہے", "[U+06CC] [U+06C1 U+06D2]"),
        ("हि", "[U+0939 U+093F]"),
        ("打我", "[U+6253 U+6211]"),
        ("ਮਾ", "[U+0A2E U+0A3E]"),
        ("why 😢?", "why [U+1F622]?"),
        ("a\u2028b", "a[U+2028]b"),
    ],
)
def test_a_character_that_the_font_lacks_stands_as_its_number_and_page_1_says_how_many(text: str, shown: str) -> None:
    (page,) = pages_of(told(text))
    lacking = len(re.findall(r"U\+[0-9A-F]+", shown))
    assert shown in page
    assert f"Characters that cannot be drawn here: {lacking}. Each stands as [U+…]" in page
    assert "the text is whole in the service" in page


def test_they_are_counted_and_marked_wherever_they_stand() -> None:
    wild = "我x"
    content = Content(wild, [wild], [Section(wild, [wild], [1], [[wild]])], [wild], marked=wild)
    (page,) = pages_of(content)
    assert page.count("[U+6211]x") == 7
    assert "cannot be drawn here: 7." in page


def test_where_the_font_has_all_of_them_nothing_is_said_of_it() -> None:
    (page,) = pages_of(told("Dŵr, ŷd; w\u0302 \n Ελλάδα \t Ярослав “€5” …"))
    assert "cannot be drawn" not in page
    assert "U+" not in page


def test_a_long_text_that_the_font_lacks_goes_over_pages_and_loses_nothing() -> None:
    pages = pages_of(told("打" * 3_000))
    assert len(pages) > 2
    assert "".join(pages).count("U+6253") == 3_000


@pytest.mark.parametrize("lines", range(52, 64))
def test_a_heading_stands_on_a_page_with_the_first_row_under_it(lines: int) -> None:
    row = "the first row\n\n\n\nends here"
    content = Content("T", ["x"] * lines, [Section("The heading", ["The head"], [1], [[row], ["another"]])], [])
    of_heading = [page for page in pages_of(content) if "The heading" in page]
    assert len(of_heading) == 1
    assert "The head the first row ends here" in of_heading[0]
