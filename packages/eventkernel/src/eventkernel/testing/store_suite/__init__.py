"""What every adapter of the store must keep: one suite, run on each. A test class of an adapter inherits `StoreSuite`.

The adapter's tests give two fixtures: `store`, a started store that is empty, and `reopen`, which makes another started
store object over the same data, as a second process or the next one would.
"""

from eventkernel.testing.store_suite.commits import CommitPromises
from eventkernel.testing.store_suite.documents import DocumentPromises
from eventkernel.testing.store_suite.due import DuePromises
from eventkernel.testing.store_suite.leases import LeasePromises
from eventkernel.testing.store_suite.operations import OperationsPromises
from eventkernel.testing.store_suite.outbox import OutboxPromises
from eventkernel.testing.store_suite.parked import ParkedPromises
from eventkernel.testing.store_suite.sealed import SealedPromises
from eventkernel.testing.store_suite.time import TimePromises

__all__ = ["StoreSuite"]


class StoreSuite(
    CommitPromises,
    OutboxPromises,
    LeasePromises,
    DocumentPromises,
    DuePromises,
    ParkedPromises,
    SealedPromises,
    TimePromises,
    OperationsPromises,
):
    """All promises of the ports."""
