"""Many write one stream through two replicas of the API, others read it, and one replica is killed in the middle."""

import asyncio

from eventkernel.client import CallFailed
from mentoring.safeguarding.v1.events_pb2 import CONCERN_CATEGORY_EMOTIONAL, SEVERITY_OTHER
from mentoring.safeguarding.v1.safeguarding_pb2 import (
    AcknowledgeConcernRequest,
    AddToConcernRequest,
    GetConcernRequest,
    GetConcernResponse,
    RaiseConcernRequest,
)

from tests.fault.checker.evidence import gather
from tests.fault.checker.linear import one_order_fits
from tests.fault.fault import Run, fault
from tests.fault.load import DSL, MENTORS, SITE

_WRITERS, _EACH, _READERS = 6, 8, 2
_CONCERN = "concern-of-many"


@fault(
    "many write one stream through two replicas, and one of the replicas is killed: a linearizable history", short=True
)
async def concurrent_writers(run: Run) -> None:
    second = await run.world.start("safeguarding.second-api", "api")
    raised = RaiseConcernRequest(
        concern_id=_CONCERN, site_id=SITE, category=CONCERN_CATEGORY_EMOTIONAL, severity=SEVERITY_OTHER,
        person_at_risk_id="learner-0", narrative="He does not come any more.",
    )  # fmt: skip
    await run.load.give("safeguarding", MENTORS[0], "mentor", raised)
    await run.load.give("safeguarding", DSL, "dsl", AcknowledgeConcernRequest(concern_id=_CONCERN))
    written: list[str] = []
    writing = asyncio.gather(*(_write(run, writer, written) for writer in range(_WRITERS)))
    reading = [asyncio.create_task(_read(run)) for _ in range(_READERS)]

    async def half_written() -> bool:
        return len(written) >= _WRITERS * _EACH // 2

    await run.until(half_written, "half of the writes")
    run.world.kill(second)
    run.note(f"{_WRITERS} writers of one stream through two replicas; kill -9 of {second.name} in the middle")
    await run.world.start(second.name)
    await writing
    for reader in reading:
        reader.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    run.extra.append(one_order_fits(await gather(run.world, run.history, run.tenant), _CONCERN))
    await run.world.forget(second)


async def _write(run: Run, writer: int, written: list[str]) -> None:
    for number in range(_EACH):
        key = f"{run.tenant}.writer-{writer}.{number}"
        await run.load.give("safeguarding", DSL, "dsl", AddToConcernRequest(concern_id=_CONCERN, text=key), key=key)
        written.append(key)


async def _read(run: Run) -> None:
    while True:
        process = run.choose.choice([one for one in run.world.of_role("api") if one.service == "safeguarding"])
        client = run.world.client(process, DSL, ["dsl"], run.tenant)
        invoked = run.history.now()
        try:
            answer = await client.call(GetConcernRequest(concern_id=_CONCERN), GetConcernResponse)
        except CallFailed:
            continue
        texts = [entry.text for entry in answer.chronology if entry.what.endswith("concern-added-to")]
        run.history.write("read", tenant=run.tenant, of=_CONCERN, invoked=invoked, found=texts)
