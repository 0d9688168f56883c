"""What every store of bytes has to keep: one suite for all adapters. A test class gives the fixture `blobs`."""

import asyncio

import pytest

from eventkernel.blobs.port import BlobExists, BlobMissing, Blobs


class BlobsSuite:
    """The promises of the port `Blobs`."""

    async def test_what_was_put_is_got(self, blobs: Blobs) -> None:
        """What was put is got."""
        await blobs.put("provider-1/e1/000000", b"first")
        await blobs.put("provider-1/e1/000001", bytes(range(256)) * 5000)
        assert await blobs.get("provider-1/e1/000000") == b"first"
        assert await blobs.get("provider-1/e1/000001") == bytes(range(256)) * 5000

    async def test_a_blob_is_never_overwritten(self, blobs: Blobs) -> None:
        """A blob is never overwritten."""
        await blobs.put("provider-1/e2/000000", b"first")
        with pytest.raises(BlobExists):
            await blobs.put("provider-1/e2/000000", b"other")
        assert await blobs.get("provider-1/e2/000000") == b"first"

    async def test_of_writers_at_once_one_wins(self, blobs: Blobs) -> None:
        """Of writers at once one wins."""
        outcomes = await asyncio.gather(
            *(blobs.put("provider-1/e3/000000", b"%d" % number) for number in range(8)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["BlobExists"] * 7 + ["NoneType"]
        winner = outcomes.index(None)
        assert await blobs.get("provider-1/e3/000000") == b"%d" % winner

    async def test_what_is_not_there_is_missing(self, blobs: Blobs) -> None:
        """What is not there is missing."""
        await blobs.put("provider-1/e4/000000", b"first")
        for name in ("provider-1/e4/000001", "provider-1/e4", "provider-1/none/000000", "provider-1/e4/000000/deeper"):
            with pytest.raises(BlobMissing):
                await blobs.get(name)
        assert await blobs.sizes("provider-1/none") == {}

    async def test_sizes_are_of_all_below_a_prefix_and_nothing_beside_it(self, blobs: Blobs) -> None:
        """Sizes are of all below a prefix and nothing beside it."""
        await blobs.put("provider-1/e5/a/000000", b"12345")
        await blobs.put("provider-1/e5/a/000001", b"123")
        await blobs.put("provider-1/e5/ab/000000", b"1")
        assert await blobs.sizes("provider-1/e5/a") == {"provider-1/e5/a/000000": 5, "provider-1/e5/a/000001": 3}
        assert len(await blobs.sizes("provider-1/e5")) == 3

    async def test_deleting_takes_all_below_a_prefix_and_nothing_beside_it(self, blobs: Blobs) -> None:
        """Deleting takes all below a prefix and nothing beside it."""
        await blobs.put("provider-1/e6/a/000000", b"1")
        await blobs.put("provider-1/e6/a/000001", b"1")
        await blobs.put("provider-1/e6/ab/000000", b"1")
        await blobs.delete("provider-1/e6/a")
        assert list(await blobs.sizes("provider-1/e6")) == ["provider-1/e6/ab/000000"]
        await blobs.delete("provider-1/e6/a")
        await blobs.put("provider-1/e6/a/000000", b"again")

    async def test_more_than_a_page_of_a_listing_is_listed_and_deleted(self, blobs: Blobs) -> None:
        """More than a page of a listing is listed and deleted."""
        names = [f"provider-1/e7/{number:06d}" for number in range(1100)]
        for start in range(0, len(names), 50):
            await asyncio.gather(*(blobs.put(name, b"1") for name in names[start : start + 50]))
        assert sorted(await blobs.sizes("provider-1/e7")) == names
        await blobs.delete("provider-1/e7")
        assert await blobs.sizes("provider-1/e7") == {}

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "/etc/passwd",
            "../up",
            "a/../../b",
            "a//b",
            "a/.hidden",
            "a/b\0c",
            "a\\b",
            "ü",
            "a/" + "x" * 129,
            "/".join("abcdefghi"),
        ],
    )
    async def test_no_name_leads_anywhere_else(self, blobs: Blobs, name: str) -> None:
        """No name leads anywhere else."""
        for work in (blobs.put(name, b"1"), blobs.get(name), blobs.sizes(name), blobs.delete(name)):
            with pytest.raises(ValueError, match="no blob's name"):
                await work
