"""The provider's numbers: set as a whole, read by anyone known, 999 where nothing was set."""

import protovalidate
import pytest
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import assert_folds_in_pieces, given, person
from mentoring.notifications.v1.provider_details_events_pb2 import ProviderDetailsSet
from mentoring.notifications.v1.provider_details_pb2 import (
    GetProviderDetailsRequest,
    GetProviderDetailsResponse,
    SetProviderDetailsRequest,
)
from notifications.domain.provider_details import ProviderDetails, provider_details
from notifications.projections.provider_details import get_provider_details

SET = SetProviderDetailsRequest(provider_name="Northfield", dsl_line="01632 960001", emergency_line="112")
DONE = ProviderDetailsSet(provider_name="Northfield", dsl_line="01632 960001", emergency_line="112")


def test_a_provider_sets_its_own_and_setting_them_again_changes_nothing() -> None:
    past = given(provider_details).when(SET).then(DONE)
    assert past.state == ProviderDetails("Northfield", "01632 960001", "112")
    past.when(SET).then_nothing()
    assert_folds_in_pieces(provider_details, past.past)


def test_without_a_number_of_its_own_the_united_kingdoms_holds() -> None:
    given(provider_details).when(SetProviderDetailsRequest()).then_nothing()
    given(provider_details).when(SetProviderDetailsRequest(emergency_line="999")).then_nothing()
    emptied = given(provider_details, DONE).when(SetProviderDetailsRequest()).then(ProviderDetailsSet())
    assert emptied.state == ProviderDetails(emergency_line="999")


async def test_anyone_reads_what_holds() -> None:
    set_by = {"provider-details": [DONE]}
    for streams, found in (({}, {"emergency_line": "999"}), (set_by, {"emergency_line": "112", "dsl_line": "01632 960001", "provider_name": "Northfield"})):  # fmt: skip
        reader = LaidDown(person("ada", "learner"), streams=streams)
        assert await get_provider_details(GetProviderDetailsRequest(), reader) == GetProviderDetailsResponse(**found)


@pytest.mark.parametrize("line", ["999", "112", "01632 960001", "+44 1632 960001"])
def test_a_number_that_can_be_called_is_taken(line: str) -> None:
    protovalidate.validate(SetProviderDetailsRequest(dsl_line=line, emergency_line=line))


@pytest.mark.parametrize("line", ["9", "call me", "999;ext=1", "999\n112", "javascript:1", " 999", "+", "9" * 26])
def test_what_is_no_number_is_not_taken(line: str) -> None:
    for request in (SetProviderDetailsRequest(dsl_line=line), SetProviderDetailsRequest(emergency_line=line)):
        with pytest.raises(protovalidate.ValidationError):
            protovalidate.validate(request)
