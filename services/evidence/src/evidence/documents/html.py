"""A document as one HTML page, to be read or printed without anything else. All content is escaped."""

from eventkernel.printing.content import Content
from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("evidence.documents"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)  # fmt: skip


def html(content: Content) -> bytes:
    """The page, in UTF-8."""
    return _TEMPLATES.get_template("document.html").render(content=content).encode()
