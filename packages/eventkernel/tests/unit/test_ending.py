"""Tasks end though a cancellation is lost on its way."""

import asyncio

from eventkernel.ending import end


async def taken_for_its_own() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return


async def waits_for_another() -> None:
    await asyncio.create_task(taken_for_its_own())
    await asyncio.sleep(3600)


async def begun(*works: object) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(work) for work in works]  # type: ignore[arg-type]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_task_whose_first_cancellation_another_one_took_ends_all_the_same() -> None:
    tasks = await begun(waits_for_another(), asyncio.sleep(3600))
    assert await end(tasks, 30) == frozenset()
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_ends_with_an_error_has_ended() -> None:
    async def fails() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise LookupError("a mistake")

    (task,) = await begun(fails())
    assert await end([task], 30) == frozenset()
    assert isinstance(task.exception(), LookupError)


async def test_a_task_that_never_ends_is_told_and_not_waited_for() -> None:
    released = asyncio.Event()

    async def deaf() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    tasks = await begun(deaf(), asyncio.sleep(3600))
    assert await end(tasks, 0.5) == {tasks[0]}
    released.set()
    await tasks[0]
