"""Counts of people, published so that no count of fewer than five can be told, by any subtraction.

Learners are counted at leaves (a site of an employer), at nodes above them (an employer) and at the root. Anybody may ask for each, so each has to
hold against all others. Every count is rounded down to a multiple of five. That alone is not enough: five sites of four make twenty, and who
sees 20 over five times "0 to 4" knows each. So what is published of a node is no more than its children could make up with one of them at its
smallest.

Then a published P stands for P, P+1, ... P+4 alike: for each of these there is a cohort that is published in the same way. For the children of a
node can be chosen anywhere between their P and P+4 by themselves, what they add up to reaches every value from the node's P to its P+4, and so
on upwards. Counts side by side (bands of a KSB, colours) must leave one of them out, so that they do not add up to anything that is published.

It does not hold against who knows the learners of a cohort one by one, nor against who asks before and after one learner was added.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Fewer people than this are not told of (a convention of statistical offices).
LEAST = 5


class Place(NamedTuple):
    """Whose learners: a site of an employer, an employer where the site is None, or all where both are."""

    employer_id: str | None = None
    site_id: str | None = None


def published(counts: Mapping[Place, int], least: int = LEAST) -> dict[Place, int]:
    """What may be told of a count at each place.

    `counts` has the sites of employers, all that there are, those with no one included.
    """
    told = {site: _floor(count, least) for site, count in counts.items()}
    of_employer: dict[Place, int] = {}
    for employer_id in {site.employer_id for site in counts}:
        sites = [site for site in counts if site.employer_id == employer_id]
        of_employer[Place(employer_id)] = sum(counts[site] for site in sites)
        told[Place(employer_id)] = _above(of_employer[Place(employer_id)], [told[site] for site in sites], least)
    told[Place()] = _above(sum(counts.values()), [told[place] for place in of_employer], least)
    return told


def _floor(count: int, least: int) -> int:
    return count - count % least


def _above(count: int, children: Iterable[int], least: int) -> int:
    """The count of a node. Were all children but one as large as they may be, that one would still be possible at its smallest."""
    below = list(children)
    allowed = sum(below) + (least - 1) * max(0, len(below) - 1)
    return _floor(min(count, allowed), least)
