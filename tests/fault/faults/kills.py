"""kill -9: of brokers, of stores, of every role of every service, and of whatever chance picks."""

from tests.fault.fault import Run, fault


@fault("kill -9 of one broker: the only one, or one of three", short=True)
async def broker_killed(run: Run) -> None:
    await run.under_way()
    number = run.choose.randint(1, run.world.brokers)
    run.world.kafka.kill(number)
    run.note(f"kill -9 of broker {number} after {run.load.gate.begun} operations")
    await run.further(0.65)
    await run.world.kafka.revive()
    run.note(f"broker {number} is back")
