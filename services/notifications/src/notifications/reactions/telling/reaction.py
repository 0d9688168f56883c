"""The reaction that all of what is told belongs to."""

from eventkernel.messages import Metadata, derived_id
from eventkernel.reaction import Reaction

telling = Reaction("telling")


def telling_id(meta: Metadata, which: str = "") -> str:
    """The telling that follows from an event; `which`: where more than one does."""
    return derived_id("telling", meta.event_id, *([which] if which else []))
