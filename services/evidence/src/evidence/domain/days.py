"""Calendar days as requests give them, in UTC."""

from datetime import date

from eventkernel.aggregate import Refusal


def day(text: str, field: str) -> date:
    """The day that `2026-03-02` says. Raises Refusal NO_SUCH_DAY, which names the field, where no calendar has it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("NO_SUCH_DAY", f"{text} is no day of the calendar; give one as 2026-03-02", field=field) from None
