"""The one exception of this package: every failed start says what is wrong and what to do about it.

Invariant: a code, once published, keeps its meaning; scripts and tests match on it, people read the text.
"""

from enum import StrEnum
from pathlib import Path


class StartFailureCode(StrEnum):
    """Why a part did not start. Stable."""

    PORT_IN_USE = "PORT_IN_USE"
    NO_DISK_SPACE = "NO_DISK_SPACE"
    BROKER_NOT_READY = "BROKER_NOT_READY"
    BROKER_COUNT_DIFFERS = "BROKER_COUNT_DIFFERS"
    STORE_NOT_READY = "STORE_NOT_READY"
    SERVICE_NOT_READY = "SERVICE_NOT_READY"
    SERVICE_ENDED = "SERVICE_ENDED"
    DATA_DIR_NOT_USABLE = "DATA_DIR_NOT_USABLE"
    MAIL_NOT_READY = "MAIL_NOT_READY"
    CHECKSUM_DIFFERS = "CHECKSUM_DIFFERS"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    DATA_DIR_LOCKED = "DATA_DIR_LOCKED"
    TOPIC_DIFFERS = "TOPIC_DIFFERS"
    NOT_INSTALLED = "NOT_INSTALLED"
    ADDRESS_NOT_VALID = "ADDRESS_NOT_VALID"


class StartFailure(Exception):
    """A part could not be started; nothing half-done is left behind.

    Attributes:
        code: what kind of failure, stable.
        what: what was found, with the port, directory or file by name.
        do: what the reader can do about it.
    """

    def __init__(self, code: StartFailureCode, what: str, do: str) -> None:
        super().__init__(f"{code}: {what}\n{do}")
        self.code = code
        self.what = what
        self.do = do


def not_ready(code: StartFailureCode, part: str, waited: float | None, log: Path, tail: str) -> StartFailure:
    """A child that ended, or did not answer in time; the end of its log is part of the text.

    Args:
        code: BROKER_NOT_READY or STORE_NOT_READY.
        part: what was started, for the reader.
        waited: seconds waited in vain, or None when the child ended by itself.
        log: where the whole log is.
        tail: its last lines.
    """
    if "No space left on device" in tail:
        return StartFailure(
            StartFailureCode.NO_DISK_SPACE,
            f"{part} ran out of disk space; its log is {log}.\n{tail}",
            "Free some space and run again.",
        )
    happened = "ended before it was ready" if waited is None else f"did not answer within {waited:g} s"
    return StartFailure(
        code,
        f"{part} {happened}. The last lines of its log:\n{tail or '(the log is empty)'}",
        f"Read the whole log at {log}, mend what it names, and run again.",
    )
