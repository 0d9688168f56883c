"""Requests and metadata that are not valid: all that is wrong is told at once, by its place."""

import grpc
import pytest
from eventkernel.client import CallFailed

from .library import OPEN, GetReaderRequest, OpenLoanRequest, SetLimitRequest, all_commits
from .served import Api, details


async def test_all_that_is_wrong_with_a_request_is_told_at_once_with_its_place(api: Api) -> None:
    wrong = OpenLoanRequest(
        loan_id="not this one", reader_id="no spaces please", copies=[{"copy_id": "fine"}, {"copy_id": "NOT FINE"}]
    )
    wrong.by_shelf["a"].copy_id = "X"
    error = await api.raw(wrong, authorization=f"Bearer {api.token()}")
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    fields = {violation.field for violation in found["BadRequest"].field_violations}
    assert fields == {"loan_id", "reader_id", "copies[1].copy_id", "by_shelf[a].copy_id"}
    assert all(field in (error.details() or "") for field in fields)
    with pytest.raises(CallFailed) as failed:
        await api.give(wrong)
    assert set(failed.value.fields) == fields


async def test_two_things_that_are_wrong_with_one_field_are_both_told(api: Api) -> None:
    with pytest.raises(CallFailed) as failed:
        await api.give(SetLimitRequest(reader_id="A"))
    (text,) = failed.value.fields.values()
    assert "3 characters" in text
    assert "pattern" in text


async def test_a_request_with_hundreds_of_faults_is_still_answered_with_what_is_wrong(api: Api) -> None:
    """Trailers are bounded: what does not fit would reach the caller as a transport error that says nothing."""
    error = await api.raw(
        OpenLoanRequest(loan_id="", reader_id="ada", copies=[{"copy_id": "NO"}] * 800),
        authorization=f"Bearer {api.token()}",
    )
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert len(found["BadRequest"].field_violations) >= 10
    assert "more" in str(error.details())


@pytest.mark.parametrize("key", ["", "a b", "a/b", "~a", "x" * 129, "<>"])
async def test_a_malformed_idempotency_key_is_refused_by_name(api: Api, key: str) -> None:
    error = await api.raw(OPEN, authorization=f"Bearer {api.token()}", idempotency_key=key)
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "METADATA_INVALID")
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["idempotency-key"]
    assert await all_commits(api.store, "loan-l1") == []


@pytest.mark.parametrize(
    "after", ["loan-l1", "loan-l1@", "@3", "loan-l1@x", "loan-l1@-1", "loan-l1@1@2", "l@" + "9" * 19]
)
async def test_a_malformed_read_after_is_refused_by_name(api: Api, after: str) -> None:
    error = await api.raw(GetReaderRequest(reader_id="ada"), authorization=f"Bearer {api.token()}", read_after=after)
    found = details(error)
    assert (error.code(), found["reason"]) == (grpc.StatusCode.INVALID_ARGUMENT, "METADATA_INVALID")
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["read-after"]
