"""How the relay stands: who holds each slot, and what waits in it."""

from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel.placement import SLOTS
from eventkernel.ports import Store
from eventkernel.relay import lease_name
from eventkernel.timing import Clock


async def relay_status(store: Store, clock: Clock) -> pb.GetRelayStatusResponse:
    """All slots, those included that nobody holds."""
    waiting = await store.commits.pending_by_slot()
    now = clock()
    slots = []
    for number in range(SLOTS):
        slot = pb.RelaySlot(slot=number)
        lease = await store.leases.held(lease_name(number))
        if lease is not None and lease.until > now:
            slot.holder = lease.holder
            slot.leased_until.FromDatetime(lease.until)
        if number in waiting:
            slot.pending, oldest = waiting[number]
            slot.oldest_at.FromDatetime(oldest)
            slot.oldest_seconds = max(0.0, (now - oldest).total_seconds())
        slots.append(slot)
    return pb.GetRelayStatusResponse(slots=slots)
