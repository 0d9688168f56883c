"""Characters that a font has no glyph for are written as their numbers, so that none vanishes from a document without a word."""

import re
from collections.abc import Container, Iterator
from dataclasses import replace

from eventkernel.printing.content import Content


def with_marks(content: Content, glyphs: Container[int]) -> tuple[Content, int]:
    """The content with `[U+0623]` for each character that is not among `glyphs`, by its number, and how many they are.

    Those that follow each other stand in one bracket: `[U+0623 U+0644]`. Breaks of lines are no characters of a font.
    """
    texts = list(_texts(content))
    missing = {one for one in set().union(*texts) if one != "\n" and ord(one) not in glyphs}
    if not missing:
        return content, 0
    several = re.compile(f"[{re.escape(''.join(sorted(missing)))}]+")

    def of(text: str) -> str:
        return several.sub(lambda found: f"[{' '.join(f'U+{ord(one):04X}' for one in found[0])}]", text)

    marked = Content(
        title=of(content.title),
        lines=[of(one) for one in content.lines],
        sections=[
            replace(
                one,
                heading=of(one.heading),
                columns=[of(column) for column in one.columns],
                rows=[[of(cell) for cell in row] for row in one.rows],
            )
            for one in content.sections
        ],
        foot=[of(one) for one in content.foot],
        marked=of(content.marked),
    )
    return marked, sum(len(found) for text in texts for found in several.findall(text))


def _texts(content: Content) -> Iterator[str]:
    yield from (content.title, *content.lines, *content.foot, content.marked)
    for section in content.sections:
        yield from (section.heading, *section.columns)
        for row in section.rows:
            yield from row
