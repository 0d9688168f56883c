"""Effects that fall due: tried again where they fail, with what they may open and know, and what they do on the record."""

from collections.abc import Callable
from typing import Any

from eventkernel.due import Attempt
from eventkernel.reaction import TryAgain
from eventkernel.store.memory import MemoryStore

from .due_rows import Due, row
from .library import TENANT, Giver, Hand, RemarkOnLoanRequest, SendReminderRequest, loan, someone


async def test_an_effect_that_is_to_be_tried_again_is_and_its_attempts_are_counted(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    attempts: list[tuple[int, str, str]] = []

    async def effect(request: Any, doing: Attempt) -> None:
        attempts.append((doing.attempt, doing.row_id, doing.tenant))
        if doing.attempt < 3:
            raise TryAgain(60, "the post office is shut")

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    for _ in range(6):
        await worker.work()
        clock.on(59)
        await worker.work()
        clock.on(1)
    assert attempts == [(number, "row-1", TENANT) for number in (1, 2, 3)]
    assert await store.due.count_overdue(clock()) == 0


async def test_an_effect_that_dies_is_tried_again_after_its_lease_one_attempt_on(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    attempts: list[int] = []

    async def effect(request: Any, doing: Attempt) -> None:
        attempts.append(doing.attempt)
        if doing.attempt == 1:
            raise OSError("the line went dead")

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    for _ in range(4):
        await worker.work()
        clock.on(31)
    assert attempts == [1, 2]


async def test_an_effects_command_is_given_once_a_try(due: Callable[..., Due], store: MemoryStore) -> None:
    async def effect(request: Any, doing: Attempt) -> None:
        first = await doing.command(request)
        assert await doing.command(request) == first

    worker = due({SendReminderRequest: effect})
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    await worker.work()
    assert (await worker.loan()).reminders == 1


async def test_an_effect_opens_the_newest_text_on_the_record(due: Callable[..., Due], store: MemoryStore) -> None:
    found: list[list[str] | None] = []

    async def effect(request: Any, doing: Attempt) -> None:
        found.append(await doing.open_fields("loan-l1", "sample.library.loan-remarked", ["text"]))
        found.append(await doing.open_fields("loan-l1", "sample.library.limit-set", ["text"]))

    worker = due({SendReminderRequest: effect})
    for text in ("first", "second"):
        await Giver(worker.node)(
            RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=text), by=someone("ada", "learner")
        )
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    await worker.work()
    assert found == [["second"], None]
    (access,) = await store.access_log.about(TENANT, "ada")
    assert (access.actor, access.field, access.correlation_id) == ("system", "text", "correlation-1")


async def test_an_effect_opens_the_nth_text_on_the_record_and_knows_the_state_and_the_time(
    due: Callable[..., Due], store: MemoryStore, clock: Hand
) -> None:
    found: list[list[str] | None] = []
    known: list[object] = []

    async def effect(request: Any, doing: Attempt) -> None:
        found.extend(
            [await doing.open_fields("loan-l1", "sample.library.loan-remarked", ["text"], nth) for nth in (1, 2, 3)]
        )
        known.append((await doing.state(loan, "loan-l1"), doing.now))

    worker = due({SendReminderRequest: effect})
    for text in ("first", "second"):
        await Giver(worker.node)(
            RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=text), by=someone("ada", "learner")
        )
    await store.due.schedule([row(SendReminderRequest(loan_id="l1"))])
    clock.on(7)
    await worker.work()
    assert found == [["first"], ["second"], None]
    assert known == [(await worker.loan(), clock())]
