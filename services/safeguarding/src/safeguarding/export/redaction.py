"""Who is named in a document about one of several people: the others are letters, and what was written of them is left out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from safeguarding.domain.concern_state import Concern
from safeguarding.domain.routing import is_among

WITHHELD = "[withheld: written of another person]"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What stands in place of whom, by their ids in small letters; empty: everybody is named."""

    in_place_of: dict[str, str] = field(default_factory=dict)
    only_about_id: str = ""
    hides_raiser: bool = False

    def of(self, text: str) -> str:
        """The text with nobody's id in it who is not to be named, whether its letters are large or small."""
        if not self.in_place_of:
            return text
        ids = "|".join(re.escape(one) for one in sorted(self.in_place_of, key=len, reverse=True))
        # An id is a word of letters, digits and hyphens: `anna` is not in `anna-2`. They are ASCII's, which a dotless i is not.
        found = re.compile(rf"(?<![A-Za-z0-9-])(?:{ids})(?![A-Za-z0-9-])", re.IGNORECASE | re.ASCII)
        return found.sub(lambda one: self.in_place_of[one[0].casefold()], text)

    def withholds(self, subject_id: str) -> bool:
        """Whether what is sealed with this person's key was written of another."""
        return bool(self.only_about_id) and not is_among(subject_id, {self.only_about_id})


def redaction(state: Concern, only_about_id: str, *, is_anonymous: bool) -> Redaction:
    """Of those who are in it only this person is named; and an anonymous raiser is not. Without a person everybody is."""
    if not only_about_id:
        return Redaction()
    others = sorted(one for one in state.in_it_ids if not is_among(one, {only_about_id}))
    in_place_of = {one.casefold(): f"person {letter}" for one, letter in zip(others, _letters(others), strict=True)}
    hides_raiser = is_anonymous and not is_among(state.raiser_id, {only_about_id})
    if hides_raiser:
        in_place_of[state.raiser_id.casefold()] = "whoever raised it"
    return Redaction(in_place_of, only_about_id, hides_raiser)


def _letters(people: Iterable[str]) -> Iterable[str]:
    """A, B, ... Z, A2, B2, ..."""
    for number, _ in enumerate(people):
        lap, place = divmod(number, len(_LETTERS))
        yield f"{_LETTERS[place]}{lap + 1 if lap else ''}"
