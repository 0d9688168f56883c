"""The service is complete, and says who may do what as the domain does."""

import pytest
from eventkernel.reading import Ask
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest
from safeguarding.relations import handler_of_concern
from safeguarding.service import build

from .stories import dsl


def test_nothing_is_missing() -> None:
    build().check()


def test_raising_needs_no_permission_beyond_being_known() -> None:
    call = build().contract.calls["RaiseConcern"]
    assert call.roles == frozenset({"anyone_known"})
    assert not call.needs


@pytest.mark.parametrize(
    "method",
    ["GetConcern", "AcknowledgeConcern", "RecordAction", "CloseConcern", "ListAttachments", "DownloadAttachment"],
)
def test_a_concern_is_open_to_its_handlers_alone(method: str) -> None:
    call = build().contract.calls[method]
    assert call.roles == frozenset({"dsl", "deputy_dsl", "senior_lead"})
    assert call.needs == "handler_of_concern"


def test_the_platform_alone_escalates() -> None:
    assert build().contract.calls["EscalateConcern"].roles == {"system"}


async def test_a_relation_to_a_concern_is_not_asked_of_what_is_about_none() -> None:
    with pytest.raises(TypeError, match="SetRotaRequest"):
        await handler_of_concern(Ask(dsl, SetRotaRequest(), read=None))  # type: ignore[arg-type]
