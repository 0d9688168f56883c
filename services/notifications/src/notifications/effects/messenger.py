"""The port that takes a short message out of the house: by a webhook, or by a service for chat or text messages."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Short:
    """A message where there is little room.

    Args:
        key: the same at every attempt, and another for each notice and channel: what makes a repeat recognisable.
        kind: of what happened, as a code: `session_moved`.
    """

    key: str
    kind: str
    subject: str
    text: str
    link: str
    why: str


class Messenger(Protocol):
    """Hands a short message over to one address."""

    def circuit(self, address: str) -> str:
        """What the address's provider is called: where it is dead, it is dead for all of its addresses."""
        ...

    async def send(self, message: Short, address: str) -> None:
        """Returns once the message is taken for delivery; raises NotTaken or Unsure (`effects/mailer.py`)."""
        ...
