"""A call's correlation id and trace go on through its commit, and no text gets into a span."""

from typing import Any

import pytest
from mentoring.common.v1.common_pb2 import CommandReply
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from .library import (
    OPEN,
    RENEW,
    ReadRemarksRequest,
    ReadRemarksResponse,
    RemarkOnLoanRequest,
    RenewLoanRequest,
    all_commits,
)
from .served import SECRET, Api


async def test_the_callers_correlation_id_is_kept_in_the_commit(api: Api) -> None:
    await api.give(OPEN, correlation_id="enrolment-7")
    await api.give(RENEW)
    first, second = await all_commits(api.store, "loan-l1")
    assert first.correlation_id == "enrolment-7"
    assert second.correlation_id not in ("", "enrolment-7")


async def test_the_callers_trace_goes_on_through_the_commit(api: Api, spans: InMemorySpanExporter) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await api.give(OPEN, traceparent=f"00-{trace}-{parent}-01")
    found = {span.name: span for span in spans.get_finished_spans()}
    server = found["OpenLoan"]
    assert server.kind is SpanKind.SERVER
    assert server.parent is not None
    assert format_span_id(server.parent.span_id) == parent
    assert {format_trace_id(span.context.trace_id) for span in found.values() if span.context} == {trace}
    assert {"OpenLoan", "decide", "commit"} <= set(found)
    (commit,) = await all_commits(api.store, "loan-l1")
    assert commit.traceparent.split("-")[1] == trace


@pytest.mark.parametrize("given", ["", "nonsense", "00-0-0-01"])
async def test_a_call_without_a_good_trace_begins_one(api: Api, spans: InMemorySpanExporter, given: str) -> None:
    await api.give(OPEN, traceparent=given)
    (server,) = [span for span in spans.get_finished_spans() if span.name == "OpenLoan"]
    assert server.parent is None


async def test_no_text_gets_into_a_span(api: Api, spans: InMemorySpanExporter) -> None:
    ada = api.client("ada", "learner")
    await ada.call(RemarkOnLoanRequest(loan_id="l1", reader_id="ada", text=SECRET), CommandReply)
    await ada.call(ReadRemarksRequest(loan_id="l1", reader_id="ada"), ReadRemarksResponse)
    finished = spans.get_finished_spans()
    assert {"RemarkOnLoan", "ReadRemarks"} <= {span.name for span in finished}
    assert not any(SECRET in span.to_json() for span in finished)


async def test_what_a_mistake_in_a_decision_says_gets_into_no_span(api: Api, spans: InMemorySpanExporter) -> None:
    await api.give(OPEN)
    await api.raw(RenewLoanRequest(loan_id="l1", days=13), authorization=f"Bearer {api.token()}")
    found = spans.get_finished_spans()
    assert found
    assert "mistake" not in "".join(span.to_json() for span in found)


async def test_a_failure_gets_into_a_span_by_its_code_alone(
    api: Api, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Any) -> CommandReply:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(api.node.commands, "give", fail)
    await api.raw(OPEN, authorization=f"Bearer {api.token()}")
    (server,) = [span for span in spans.get_finished_spans() if span.name == "OpenLoan"]
    assert (server.attributes or {})["fault"] == "INTERNAL"
    assert SECRET not in server.to_json()
