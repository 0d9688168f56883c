"""Where a stream lives: its partition and its relay slot follow from its partition key alone, for life."""

from functools import lru_cache

from aiokafka.partitioner import murmur2

# A slot is what one relay holds a lease on. The number is fixed: a pending commit carries its slot. Every topic's number of
# partitions is a multiple of it, so a slot owns whole partitions.
SLOTS = 4


def partition_of(partition_key: str, partitions: int) -> int:
    """The partition, by the hash that Kafka's own clients use for a key."""
    return _hash(partition_key) % partitions


def slot_of(partition_key: str) -> int:
    """The relay slot, from 0 to SLOTS - 1."""
    return _hash(partition_key) % SLOTS


def partitions_of_slot(slot: int, partitions: int) -> list[int]:
    """The partitions that hold a slot's streams, and no other slot's."""
    if partitions % SLOTS:
        raise ValueError(f"a topic needs a multiple of {SLOTS} partitions, and has {partitions}")
    return list(range(slot, partitions, SLOTS))


@lru_cache(maxsize=65_536)
def _hash(key: str) -> int:
    hashed: int = murmur2(key.encode())
    return hashed & 0x7FFFFFFF
