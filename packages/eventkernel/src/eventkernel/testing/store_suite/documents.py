"""What a store promises about projections: no write over another's, and no checkpoint ahead of its documents."""
# ruff: noqa: D102 - the name of a promise is its sentence

import asyncio
from datetime import UTC, datetime

import pytest

from eventkernel.messages import Checkpoint, DocumentWrite, Selection
from eventkernel.ports import DocumentTooLarge, RevisionConflict, Store
from eventkernel.testing.store_suite.examples import NOON

COLLECTION = "ksb_progress_v1"


class DocumentPromises:
    """Documents and checkpoints."""

    async def test_a_document_is_loaded_as_it_was_written_with_its_revision(self, store: Store) -> None:
        body: dict[str, object] = {
            "tenant": "provider-1", "counts": {"K1": 3, "S2": 0}, "list": [1, "two", None], "at": NOON, "raw": b"\x00\xff",
            "rate": 0.5, "_seen": {"s": 4},
        }  # fmt: skip
        await _write(store, [_new("provider-1/learner-1", body)])
        loaded = await store.documents.load(COLLECTION, ["provider-1/learner-1", "provider-1/unknown"])
        assert loaded == {"provider-1/learner-1": (1, body)}
        assert await store.documents.load(COLLECTION, []) == {}

    async def test_hundreds_of_documents_are_written_and_loaded_at_once(self, store: Store) -> None:
        names = [f"provider-1/learner-{number}" for number in range(320)]
        await _write(store, [_new(name, {"name": name}) for name in names])
        assert await store.documents.load(COLLECTION, names) == {name: (1, {"name": name}) for name in names}

    async def test_a_document_that_is_larger_than_any_store_keeps_is_refused_as_that(self, store: Store) -> None:
        # BSON adds 41 bytes: the document's own, each field's name and type, the id and the revision.
        room = 16 * 1024 * 1024 - 41
        await _write(store, [_new("large", {"text": "x" * room})])
        for more in (1, 64 * 1024):
            with pytest.raises(DocumentTooLarge):
                await _write(store, [_new("larger", {"text": "x" * (room + more)})], 7)
            with pytest.raises(DocumentTooLarge):
                await _write(store, [DocumentWrite("large", 1, {"text": "x" * (room + more)})], 7)
        loaded = await store.documents.load(COLLECTION, ["large", "larger"])
        assert {name: revision for name, (revision, _) in loaded.items()} == {"large": 1}
        assert await _checkpoint(store) == 1

    async def test_a_loaded_document_is_the_callers_own(self, store: Store) -> None:
        body: dict[str, object] = {"list": [1]}
        await _write(store, [_new("a", body)])
        body["list"] = "changed after writing"
        (await store.documents.load(COLLECTION, ["a"]))["a"][1]["list"] = "changed after loading"
        assert (await store.documents.load(COLLECTION, ["a"]))["a"] == (1, {"list": [1]})

    async def test_each_write_counts_the_revision_and_replaces_the_whole(self, store: Store) -> None:
        await _write(store, [_new("a", {"x": 1, "gone": True})])
        await _write(store, [DocumentWrite("a", 1, {"x": 2})])
        await _write(store, [DocumentWrite("a", 2, {"x": 3})])
        assert await store.documents.load(COLLECTION, ["a"]) == {"a": (3, {"x": 3})}

    @pytest.mark.parametrize("revision", [0, 1, 3])
    async def test_a_stale_write_is_refused_and_leaves_the_checkpoint(self, store: Store, revision: int) -> None:
        await _write(store, [_new("a", {"x": 1})], offset=5)
        await _write(store, [DocumentWrite("a", 1, {"x": 2})], offset=6)
        with pytest.raises(RevisionConflict, match="a in ksb_progress_v1"):
            await _write(store, [DocumentWrite("a", revision, {"x": "stale"}), _new("b", {"x": 1})], offset=9)
        assert await store.documents.load(COLLECTION, ["a", "b"]) == {"a": (2, {"x": 2})}
        assert await _checkpoint(store) == 6

    @pytest.mark.parametrize("place", [0, 7, 14])
    async def test_one_that_is_there_already_among_many_new_ones_is_refused_and_leaves_the_checkpoint(
        self, store: Store, place: int
    ) -> None:
        await _write(store, [_new("there", {"x": 1})], offset=5)
        many = [_new(f"new-{number}", {"x": 1}) for number in range(14)]
        with pytest.raises(RevisionConflict, match="there in ksb_progress_v1"):
            await _write(store, [*many[:place], _new("there", {"x": "stale"}), *many[place:]], offset=9)
        assert await store.documents.load(COLLECTION, ["there"]) == {"there": (1, {"x": 1})}
        assert await _checkpoint(store) == 5

    @pytest.mark.parametrize("revision", [1, 3])
    async def test_a_stale_one_among_many_new_ones_is_refused_and_leaves_the_checkpoint(
        self, store: Store, revision: int
    ) -> None:
        await _write(store, [_new("a", {"x": 1})], offset=5)
        await _write(store, [DocumentWrite("a", 1, {"x": 2})], offset=6)
        many = [_new(f"new-{number}", {"x": 1}) for number in range(14)]
        with pytest.raises(RevisionConflict, match="a in ksb_progress_v1"):
            await _write(store, [*many[:7], DocumentWrite("a", revision, {"x": "stale"}), *many[7:]], offset=9)
        assert await store.documents.load(COLLECTION, ["a"]) == {"a": (2, {"x": 2})}
        assert await _checkpoint(store) == 6

    async def test_many_new_ones_and_some_that_are_there_are_written_together(self, store: Store) -> None:
        await _write(store, [_new("a", {"x": 1})])
        await _write(
            store,
            [_new("b", {"x": 1}), DocumentWrite("a", 1, {"x": 2}), *(_new(f"new-{n}", {"x": n}) for n in range(9))],
            offset=7,
        )
        found = await store.documents.load(COLLECTION, ["a", "b", *(f"new-{n}" for n in range(9))])
        assert found == {"a": (2, {"x": 2}), "b": (1, {"x": 1})} | {f"new-{n}": (1, {"x": n}) for n in range(9)}
        assert await _checkpoint(store) == 7

    async def test_of_those_that_create_a_document_at_once_one_wins(self, store: Store) -> None:
        outcomes = await asyncio.gather(
            *(_write(store, [_new("a", {"by": writer})], offset=writer) for writer in range(8)), return_exceptions=True
        )
        (winner,) = [writer for writer, outcome in enumerate(outcomes) if outcome is None]
        assert sum(isinstance(outcome, RevisionConflict) for outcome in outcomes) == 7
        assert await store.documents.load(COLLECTION, ["a"]) == {"a": (1, {"by": winner})}
        assert await _checkpoint(store) == winner

    async def test_increments_by_many_at_once_are_all_counted(self, store: Store) -> None:
        async def increment() -> None:
            while True:
                revision, body = (await store.documents.load(COLLECTION, ["a"])).get("a", (0, {"count": 0}))
                try:
                    return await _write(store, [DocumentWrite("a", revision, {"count": int(str(body["count"])) + 1})])
                except RevisionConflict:
                    continue

        await asyncio.gather(*(increment() for _ in range(12)))
        assert await store.documents.load(COLLECTION, ["a"]) == {"a": (12, {"count": 12})}

    async def test_a_checkpoint_never_goes_back(self, store: Store) -> None:
        assert await _checkpoint(store) is None
        await _write(store, [], offset=7)
        await _write(store, [], offset=3)
        assert await _checkpoint(store) == 7
        await _write(store, [], offset=8)
        assert await _checkpoint(store) == 8

    async def test_a_checkpoint_at_the_beginning_is_not_the_same_as_none(self, store: Store) -> None:
        await _write(store, [], offset=0)
        assert await _checkpoint(store) == 0

    async def test_checkpoints_written_at_once_end_at_the_highest(self, store: Store) -> None:
        await asyncio.gather(*(_write(store, [], offset=offset) for offset in range(12)))
        assert await _checkpoint(store) == 11

    async def test_each_subscription_topic_partition_and_collection_has_its_own_checkpoint(self, store: Store) -> None:
        places = [(c, s, t, p) for c in ("a_v1", "a_v2") for s in ("s1", "s2") for t in ("t1", "t2") for p in (0, 1)]
        for offset, (collection, subscription, topic, partition) in enumerate(places):
            await store.documents.write(collection, [], [Checkpoint(subscription, topic, partition, offset)])
        assert [await store.documents.checkpoint(*place) for place in places] == list(range(len(places)))

    async def test_a_subscriptions_checkpoints_are_told_together(self, store: Store) -> None:
        for subscription, topic, partition, offset in (
            ("s.r.v1", "t/1", 0, 5),
            ("s.r.v1", "t/1", 11, 6),
            ("s.r.v1", "u", 0, 7),
            ("s.r.v10", "t/1", 0, 8),
        ):
            await store.documents.write(COLLECTION, [], [Checkpoint(subscription, topic, partition, offset)])
        assert await store.documents.checkpoints(COLLECTION, "s.r.v1") == {("t/1", 0): 5, ("t/1", 11): 6, ("u", 0): 7}
        assert await store.documents.checkpoints("another_v1", "s.r.v1") == {}

    async def test_documents_are_paged_in_the_order_of_their_ids_without_checkpoints(self, store: Store) -> None:
        await _write(store, [_new(f"p1/{name}", {"x": name}) for name in "cabd"], offset=7)
        first = await store.documents.page(COLLECTION, "", 3)
        assert first == [(f"p1/{name}", {"x": name}) for name in "abc"]
        assert await store.documents.page(COLLECTION, first[-1][0], 3) == [("p1/d", {"x": "d"})]
        assert await store.documents.page(COLLECTION, "p1/d", 3) == []

    async def test_a_selection_is_paged_in_its_order_each_document_once(self, store: Store) -> None:
        """By a field with equal values, and none; also when another is written in between."""
        values = {"d": 1, "a": 2, "c": 1, "b": None, "e": None, "f": 3}
        await _write(store, [_new(name, {"x": value, "kind": "k"}) for name, value in values.items()], offset=7)
        await _write(store, [_new("other", {"x": 1, "kind": "z"})])
        for descending, expected in ((False, "becdaf"), (True, "fadceb")):
            after, got = None, ""
            while found := await store.documents.select(
                COLLECTION, Selection({"kind": "k"}, "x", descending=descending, after=after), 2
            ):
                got += "".join(name for name, _ in found)
                after = (found[-1][1]["x"], found[-1][0])
            assert got == expected

    async def test_a_selection_takes_any_of_several_values_and_keeps_to_its_bounds(self, store: Store) -> None:
        await store.documents.prepare(COLLECTION, ["kind"])
        await _write(store, [_new(name, {"x": name, "kind": kind}) for name, kind in zip("abcd", "klkm", strict=True)])
        await _write(store, [_new("n", {"x": None, "kind": "k"})])

        async def names(**given: object) -> str:
            equal = {"kind": frozenset({"k", "l"})} if "equal" not in given else given.pop("equal")
            return "".join(
                name
                for name, _ in await store.documents.select(COLLECTION, Selection(equal, "x", **given), 9)  # type: ignore[arg-type]
            )

        assert await names() == "nabc"
        assert await names(equal={}) == "nabcd"
        assert await names(since="b") == "bc"
        assert await names(before="c") == "ab"
        assert await names(since="b", before="c", descending=True) == "b"
        assert await names(equal={"kind": {"$gt": ""}}) == ""
        assert await names(equal={"kind": frozenset()}) == ""
        with pytest.raises(ValueError, match="belongs to the store"):
            await names(equal={"_rev": 1})

    async def test_a_dropped_collection_leaves_nothing_and_no_other(self, store: Store) -> None:
        await _write(store, [_new("a", {"x": 1})], offset=7)
        await store.documents.write("another_v1", [_new("a", {"x": 2})], [Checkpoint("s", "t", 0, 1)])
        await store.documents.drop(COLLECTION)
        await store.documents.drop(COLLECTION)
        assert await store.documents.load(COLLECTION, ["a"]) == {}
        assert await _checkpoint(store) is None
        assert await store.documents.load("another_v1", ["a"]) == {"a": (1, {"x": 2})}

    async def test_documents_are_found_by_equal_fields_within_a_tenant(self, store: Store) -> None:
        await store.documents.prepare(COLLECTION, ["tenant", "mentor"])
        await store.documents.prepare(COLLECTION, ["tenant", "mentor"])
        mine: dict[str, object] = {"tenant": "provider-1", "mentor": "m1", "group": ["l1", "l2"], "left": None}
        others: dict[str, object] = {"tenant": "provider-1", "mentor": "m2", "group": ["l2"], "left": NOON}
        foreign: dict[str, object] = {"tenant": "provider-2", "mentor": "m1", "group": ["l1"]}
        await _write(store, [_new("p1/b", mine), _new("p1/a", others), _new("p2/a", foreign)])

        async def found(limit: int = 10, **equal: object) -> list[dict[str, object]]:
            return await store.documents.find(COLLECTION, {"tenant": "provider-1", **equal}, limit)

        assert await found() == [others, mine]
        assert await found(limit=1) == [others]
        assert await found(limit=0) == []
        assert await found(mentor="m1") == [mine]
        assert await found(group="l2") == [others, mine]
        assert await found(group="l1") == [mine]
        assert await found(left=None) == [mine]
        assert await found(left=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)) == [others]
        assert await found(mentor="m3") == []
        assert await found(mentor=frozenset({"m1", "m3"})) == [mine]
        assert await found(mentor=frozenset({"m1", "m2"}), group="l2") == [others, mine]
        assert await found(group=frozenset({"l1"})) == [mine]
        assert await found(mentor=frozenset()) == []

    async def test_a_value_that_looks_like_an_operator_stays_a_value(self, store: Store) -> None:
        await _write(store, [_new("a", {"mentor": "m1"})])
        assert await store.documents.find(COLLECTION, {"mentor": {"$gt": ""}}, 10) == []

    async def test_a_checkpoint_is_not_a_document(self, store: Store) -> None:
        await _write(store, [_new("a", {"x": 1})], offset=7)
        assert await store.documents.find(COLLECTION, {}, 10) == [{"x": 1}]
        assert await store.documents.find(COLLECTION, {"offset": 7}, 10) == []

    @pytest.mark.parametrize("field", ["_id", "_rev", "$where"])
    async def test_the_stores_own_fields_are_refused(self, store: Store, field: str) -> None:
        with pytest.raises(ValueError, match="belongs to the store"):
            await _write(store, [_new("a", {field: 1})], offset=1)
        with pytest.raises(ValueError, match="belongs to the store"):
            await store.documents.find(COLLECTION, {field: 1}, 10)
        assert await _checkpoint(store) is None


async def _write(store: Store, documents: list[DocumentWrite], offset: int = 1) -> None:
    at = Checkpoint("sessions.ksb_progress.v1", "sessions.v1", 3, offset)
    await store.documents.write(COLLECTION, documents, [at])


async def _checkpoint(store: Store) -> int | None:
    return await store.documents.checkpoint(COLLECTION, "sessions.ksb_progress.v1", "sessions.v1", 3)


def _new(name: str, body: dict[str, object]) -> DocumentWrite:
    return DocumentWrite(name, 0, body)
