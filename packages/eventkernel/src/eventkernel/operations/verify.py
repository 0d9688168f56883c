"""Verifies one running service: I1 in its log, I2 on its own topic, I4 for each of its read models. It reads, and changes nothing."""

from collections.abc import AsyncIterator

from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel.aggregate import Refusal
from eventkernel.operations.findings import Findings
from eventkernel.operations.topics import Topics
from eventkernel.operations.verify_documents import DocumentCheck
from eventkernel.operations.verify_log import LogCheck
from eventkernel.operations.verify_topic import TopicCheck
from eventkernel.ports import Store
from eventkernel.service import Service


class Verification:
    """What one process verifies, once at a time."""

    def __init__(self, service: Service, store: Store, bootstrap: str) -> None:
        self._service = service
        self._store = store
        self._bootstrap = bootstrap
        self._running = False

    async def run(self) -> AsyncIterator[pb.VerifyResponse]:
        """Violations and progress as they come, and a verdict for each invariant at the end."""
        if self._running:
            raise Refusal("VERIFYING_ALREADY", "this process is verifying already: wait until that is done")
        self._running = True
        try:
            async with Topics(self._bootstrap) as topics:
                async for told in self._checked(topics):
                    yield told
        finally:
            self._running = False

    async def _checked(self, topics: Topics) -> AsyncIterator[pb.VerifyResponse]:
        contract, name = self._service.contract, self._service.name
        log = LogCheck(self._store.commits)
        published = TopicCheck(self._store.commits, contract.topic, topics, log)
        async for findings in published.run():
            for told in (*log.findings.told(), *findings.told()):
                yield told
        yield log.findings.verdict()
        yield published.findings.verdict()
        whole = Findings("I4")
        for projection in self._service.projections:
            serving = (await self._store.copies.load(projection.model)).serving
            check = DocumentCheck(
                projection.as_copy(serving), service=name, contract=contract, store=self._store, topics=topics
            )
            async for findings in check.run():
                for told in findings.told():
                    yield told
            whole.checked += check.findings.checked
            whole.violations += check.findings.violations
            whole.not_judged += check.findings.not_judged
        yield whole.verdict()
