"""What a message is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject and the text of a message, and the page of the portal that its link leads to."""

    subject: str
    text: str
    page: str
