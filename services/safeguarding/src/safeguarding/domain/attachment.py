"""A file that was announced for a concern: one of its author's own, whatever others call theirs."""

from dataclasses import dataclass

from eventkernel.messages import derived_id


@dataclass(frozen=True, slots=True)
class Attachment:
    """As it was announced, but for its name; `expires_at` in nanoseconds since 1970 in UTC. `ended` is an AttachmentEnding, 0 where it did not."""

    attachment_id: str
    author_id: str
    media_type: str
    size: int
    sha256: str
    part_bytes: int
    expires_at: int
    attached: bool = False
    ended: int = 0

    @property
    def open(self) -> bool:
        """Whether nothing came of it yet."""
        return not self.attached and not self.ended


def attachment_id_of(concern_id: str, author_id: str, upload_id: str) -> str:
    """What an author's upload is to those who handle the concern. Who guesses an id that another gave theirs meets an id of their own."""
    return derived_id("attachment", concern_id, author_id, upload_id)
