"""No count of fewer than five can be told: by brute force over all small cohorts, what is published of one is published of many."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from evidence.domain.disclosure import Place, published

A1, A2, B1, C1, C2, C3, D1 = (Place(site[0].lower(), site) for site in ("A1", "A2", "B1", "C1", "C2", "C3", "D1"))


def cohorts(sites: Sequence[Place], most: int) -> Iterator[dict[Place, int]]:
    for counts in product(range(most + 1), repeat=len(sites)):
        yield dict(zip(sites, counts, strict=True))


def true_counts(counts: dict[Place, int]) -> dict[Place, int]:
    found = defaultdict(int, counts)
    for site, count in counts.items():
        found[Place(site.employer_id)] += count
        found[Place()] += count
    return found


def consistent(
    sites: Sequence[Place], most: int, least: int
) -> dict[frozenset[tuple[Place, int]], dict[Place, set[int]]]:
    """For all that can be seen at once: what the true count at each place may be then."""
    seen: dict[frozenset[tuple[Place, int]], dict[Place, set[int]]] = {}
    for counts in cohorts(sites, most):
        told = frozenset(published(counts, least).items())
        may_be = seen.setdefault(told, defaultdict(set))
        for place, count in true_counts(counts).items():
            may_be[place].add(count)
    return seen


@pytest.mark.parametrize(
    ("sites", "most", "least"),
    [
        ((A1,), 14, 5),
        ((A1, A2), 14, 5),
        ((A1, B1), 14, 5),
        ((A1, A2, B1), 9, 5),
        # Where the trap is: as many sites as the fewest that may be told, all of one below it.
        ((A1, A2, B1, D1), 5, 3),
        ((C1, C2, C3), 8, 3),
        ((A1, B1, D1), 8, 3),
        ((A1, A2, C1, C2, C3), 3, 2),
        ((A1, A2, B1, C1, C2, C3, D1), 3, 2),
    ],
)
def test_from_all_that_is_published_together_each_count_may_still_be_any_of_its_five(
    sites: Sequence[Place], most: int, least: int
) -> None:
    for told, may_be in consistent(sites, most, least).items():
        for place, count in told:
            assert may_be[place] >= set(range(count, count + least)), f"{place} of {sorted(told, key=str)}"


def test_five_sites_of_four_are_not_told_as_twenty() -> None:
    sites = [Place("a", str(number)) for number in range(5)]
    told = published(dict.fromkeys(sites, 4))
    assert told[Place("a")] == 15
    assert all(told[site] == 0 for site in sites)


def test_what_is_published_is_a_multiple_of_five_and_never_more_than_there_are() -> None:
    for counts in cohorts((A1, A2, B1), 12):
        for place, count in published(counts).items():
            assert count % 5 == 0
            assert count <= true_counts(counts)[place]


def test_one_site_of_an_employer_is_told_as_the_employer_is() -> None:
    assert published({A1: 23, B1: 4})[Place("a")] == 20


def test_nobody_is_told_as_nobody() -> None:
    assert published({}) == {Place(): 0}


def side_by_side() -> dict[tuple[int, ...], list[set[int]]]:
    """Two KSBs of two bands and a rest each, with how many learners there are: what each count may be for all that is seen at once."""
    least, seen = 3, dict[tuple[int, ...], list[set[int]]]()
    for learners in range(12):
        pairs = [(one, two) for one in range(learners + 1) for two in range(learners + 1 - one)]
        for first, second in product(pairs, pairs):
            counts = (learners, *first, *second)
            told = tuple(published({Place("a", "A1"): count}, least)[Place()] for count in counts)
            may_be = seen.setdefault(told, [set() for _ in counts])
            for values, count in zip(may_be, counts, strict=True):
                values.add(count)
    return seen


def test_bands_of_which_one_is_left_out_say_nothing_of_each_other() -> None:
    for told, may_be in side_by_side().items():
        if told[0] < 9:  # Of larger ones this leaves out some that they may be.
            for count, values in zip(told[1:], may_be[1:], strict=True):
                assert values >= {count, count + 1, count + 2}, told
