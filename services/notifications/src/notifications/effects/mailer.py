"""The port that takes a message out of the house. What it says of the outcome is certain, or it says that it is not."""

from email.message import EmailMessage
from typing import Protocol


class NotTaken(Exception):
    """The message certainly did not go out.

    Args:
        code: stable, without a word about the recipient: `SMTP_550`.
        passing: whether the same message may be taken at another time.
        dead: the provider itself does not answer, so no other message would be taken either.
        gone: the address is none any more, and nothing is to be sent there again.
    """

    def __init__(self, code: str, *, passing: bool, dead: bool = False, gone: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.passing = passing
        self.dead = dead
        self.gone = gone


class Unsure(Exception):
    """The message was handed over and no answer came: it may or may not go out.

    Args:
        code: stable, without a word about the recipient.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mailer(Protocol):
    """Sends messages, each to the one recipient that its To names."""

    async def send(self, message: EmailMessage) -> None:
        """Returns once the message is taken for delivery; raises NotTaken or Unsure."""
        ...
