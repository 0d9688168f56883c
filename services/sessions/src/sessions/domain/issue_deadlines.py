"""Until when something is waited for: the end of a working day where the provider is."""

from zoneinfo import ZoneInfo

from eventkernel.aggregate import Context
from eventkernel.timestamps import timestamp
from eventkernel.working_days import working_days_after
from google.protobuf.timestamp_pb2 import Timestamp

from sessions.domain.days import end_of
from sessions.domain.mentoring_policy import MentoringPolicy


def answer_by(context: Context) -> Timestamp:
    """Until when a referral is to be answered that is made, or chased, now."""
    return _end_after(context.state(MentoringPolicy).issues.answer_working_days, context)


def idle_at(context: Context) -> Timestamp:
    """When the mentor is told that nothing has happened since now."""
    return _end_after(context.state(MentoringPolicy).issues.idle_working_days, context)


def _end_after(days: int, context: Context) -> Timestamp:
    time_zone = context.state(MentoringPolicy).time_zone
    today = context.now.astimezone(ZoneInfo(time_zone)).date()
    # Where the calendar itself ends before, there is no time left to wait.
    return timestamp(end_of(working_days_after(today, days), time_zone) or context.now)
