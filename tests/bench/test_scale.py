"""What two systems need, from the sizes of an event: the arithmetic of docs/SCALE.md."""

from typing import Any

import pytest

from bench.scale import _needs


def sizes() -> dict[str, Any]:
    def service(events: int, commits: int, **collections: int) -> dict[str, Any]:
        kept = {name: {"count": 1, "bytes": size, "index_bytes": 0} for name, size in collections.items()}
        commit_indexes = {"count": commits, "bytes": 0, "index_bytes": 100 * commits}
        return {
            "events": events, "commits": commits, "published": events, "commit_bytes": 1000, "record_bytes": 500, "record_gzip_bytes": 50,
            "collections": kept | {"commits": commit_indexes}, "types": {"notice-settled": 5},
        }  # fmt: skip

    return {
        "services": {
            "sessions": service(6, 5), "evidence": service(3, 3), "safeguarding": service(1, 1),
            "notifications": service(20, 20, access_log=1000, due=3000, notices_v1=2000),
        },
        "documents": {"ksb_progress": {"documents": 1, "bytes": 6000}, "learner_sessions": {"documents": 40, "bytes": 400}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "provider", "national"),
    [
        ("Events by people a year, at 208 a learner", "10.4 million", "156.0 million"),
        ("Events with those of notifications, a year", "31.2 million", "468.0 million"),
        ("Commits, GB a year", "30.2", "452.4"),  # 2.9 commits an event, 1000 bytes each
        ("Their index entries, GB a year", "3.0", "45.2"),
        ("Access log and done due rows, GB a year", "4.2", "62.4"),  # 400 bytes an event
        ("The largest database (notifications) with its read model, GB a year", "29.1", "436.8"),
        ("Topics in one copy, GB a year", "15.6", "234.0"),
        ("Topics in 3 copies, GB a year", "46.8", "702.0"),
        ("The same, were they gzip in batches of 500", "4.7", "70.2"),
        ("`ksb_progress`, GB after a year", "0.3", "4.5"),
        ("`learner_sessions`, GB a year", "0.8", "12.0"),
        ("Rebuilding `ksb_progress` over a year, one process, hours", "2.6", "39.0"),
    ],
)
def test_what_both_need_follows_from_an_event(row: str, provider: str, national: str) -> None:
    assert f"| {row} | {provider} | {national} |" in list(_needs(sizes(), rate=1000.0))
