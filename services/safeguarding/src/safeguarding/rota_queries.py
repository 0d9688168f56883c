"""A site's rota and its duty as they stand: what somebody set, to be read back and checked."""

from datetime import timedelta

from eventkernel.reading import Reader
from mentoring.safeguarding.v1 import duty_events_pb2 as told
from mentoring.safeguarding.v1.duty_pb2 import GetRotaRequest, GetRotaResponse

from safeguarding.domain.duty import ALWAYS, Leave, Shift
from safeguarding.domain.duty_set import duty
from safeguarding.domain.rota import Rota, rota

SENIOR_LEAD = "senior_lead"


async def get_rota(request: GetRotaRequest, read: Reader) -> GetRotaResponse:
    """All of it. Why somebody is away is nobody's business, and that they are is told to the senior lead alone."""
    its_rota = await read.state(rota, f"rota-{request.site_id}")
    if its_rota == Rota():
        return GetRotaResponse()
    its_duty = await read.state(duty, f"duty-{request.site_id}")
    calendar = its_duty.calendar
    return GetRotaResponse(
        rota_is_set=True,
        dsl_id=its_rota.dsl_id,
        deputy_ids=its_rota.deputy_ids,
        senior_lead_id=its_rota.senior_lead_id,
        duty_is_set=calendar != ALWAYS,
        time_zone=calendar.time_zone,
        shifts=map(_shift, calendar.shifts),
        leaves=map(_leave, calendar.leaves) if SENIOR_LEAD in read.principal.roles else [],
        notice_days=its_duty.notice // timedelta(days=1),
    )


def _shift(one: Shift) -> told.Shift:
    return told.Shift(
        person_id=one.person_id,
        weekdays=sorted(one.weekdays),  # type: ignore[arg-type]
        begins=_time(one.begins),
        ends=_time(one.ends),
        first_day=one.first_day,
        last_day=one.last_day,
    )


def _leave(one: Leave) -> told.Leave:
    return told.Leave(person_id=one.person_id, first_day=one.first_day, last_day=one.last_day)


def _time(minutes: int) -> str:
    """`24:00` is midnight at a shift's end."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
