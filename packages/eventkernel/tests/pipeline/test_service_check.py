"""A service that starts is complete: each thing that can be missing in contract or code stops it, by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eventkernel.aggregate import Aggregate, Context
from eventkernel.contract import Contract, ContractFault
from eventkernel.messages import Metadata
from eventkernel.projection import Projection
from eventkernel.reaction import Reaction, Reply
from eventkernel.reading import Reader
from eventkernel.service import Service
from pydantic import BaseModel

from ..compiled import compiled
from .library import (
    LIBRARY,
    SHOP,
    BookBought,
    CloseLoanRequest,
    GetReaderRequest,
    GetReaderResponse,
    LoanOpened,
    LoanRemarked,
    OpenLoanRequest,
    ReaderDocument,
    build,
    get_reader,
    limit,
    loan,
    read_remarks,
    readers,
)

PriceNoted = SHOP.messages["PriceNoted"]
HEAD = """syntax = "proto3"; package sample.wrong{number}.v1;
import "mentoring/common/v1/common.proto"; import "mentoring/options/v1/options.proto";
"""


@dataclass(frozen=True)
class Nothing:
    done: int = 0


def faults_of(service: Service) -> str:
    with pytest.raises(ContractFault) as found:
        service.check()
    return str(found.value)


def without(aggregate: Aggregate[Any], **parts: Any) -> Aggregate[Any]:
    """A copy of an aggregate that lacks a decision or an evolve."""
    copy = Aggregate(aggregate.name, initial=aggregate.initial)
    copy.decisions, copy.evolutions, copy.emits = (
        dict(aggregate.decisions),
        dict(aggregate.evolutions),
        dict(aggregate.emits),
    )
    for part, message in parts.items():
        del getattr(copy, part)[message]
    return copy


def test_the_library_is_complete() -> None:
    build().check()


def test_a_command_without_a_decision_is_found() -> None:
    assert "CloseLoanRequest: no aggregate decides it" in faults_of(
        build(aggregates=[without(loan, decisions=CloseLoanRequest), limit])
    )


def test_a_decision_in_another_aggregate_than_its_stream_names_is_found() -> None:
    lender = Aggregate("lender", initial=Nothing())
    lender.decisions, lender.emits = {CloseLoanRequest: lambda *_: []}, {}
    found = faults_of(build(aggregates=[without(loan, decisions=CloseLoanRequest), limit, lender]))
    assert "CloseLoanRequest: its stream loan-{loan_id} is not one of lender" in found


def test_a_command_that_two_aggregates_decide_is_found() -> None:
    lender = Aggregate("lender", initial=Nothing())
    lender.decisions = {CloseLoanRequest: lambda *_: []}
    assert "CloseLoanRequest is decided by loan and lender" in faults_of(build(aggregates=[loan, lender, limit]))


def test_an_event_without_an_evolve_is_found() -> None:
    assert "LoanOpened, given by OpenLoanRequest, has no evolve" in faults_of(
        build(aggregates=[without(loan, evolutions=LoanOpened), limit])
    )


def test_an_event_that_nobody_gives_is_found() -> None:
    assert "sample.library.loan-closed: no decision gives it" in faults_of(
        build(aggregates=[without(without(loan, emits=CloseLoanRequest), emits=_expire()), limit])
    )


def _expire() -> Any:
    return next(command for command in loan.emits if command.DESCRIPTOR.name == "ExpireLoanRequest")


def test_a_stream_to_load_that_no_aggregate_has_is_found() -> None:
    assert "OpenLoanRequest: no aggregate limit to load" in faults_of(build(aggregates=[loan]))


def test_a_query_that_nobody_answers_is_found() -> None:
    assert "ReadRemarks: no query answers ReadRemarksRequest" in faults_of(build(queries=[get_reader]))


def test_a_query_that_two_answer_is_found() -> None:
    async def again(request: GetReaderRequest, read: Reader) -> GetReaderResponse:
        return GetReaderResponse()

    assert "GetReaderRequest is answered by get_reader and again" in faults_of(
        build(queries=[get_reader, again, read_remarks])
    )


def test_a_relation_that_is_missing_is_found_for_commands_and_queries() -> None:
    found = faults_of(build(relations={}))
    assert "RemarkOnLoan: no relation `self` is given" in found
    assert "ReadRemarks: no relation `self` is given" in found


def test_a_projection_on_an_internal_event_is_found() -> None:
    projection = Projection("remarks", version=1, document=ReaderDocument, key="reader_id")

    @projection.on
    def remarked(document: ReaderDocument, event: LoanRemarked, meta: Metadata) -> None: ...

    @projection.on
    def noted(document: ReaderDocument, event: PriceNoted, meta: Metadata) -> None: ...

    found = faults_of(build(projections=[projection]))
    assert "remarks: LoanRemarked is internal, so it never comes on a topic" in found
    assert "remarks: PriceNoted is internal, so it never comes on a topic" in found


def test_an_event_that_lacks_the_projections_key_is_found() -> None:
    class ByLoan(BaseModel):
        loan_id: str

    projection = Projection("loans", version=1, document=ByLoan, key="loan_id")

    @projection.on
    def bought(document: ByLoan, event: BookBought, meta: Metadata) -> None: ...

    assert "loans: BookBought has no field loan_id" in faults_of(build(projections=[projection]))


def test_a_document_without_its_key_or_with_a_field_that_has_no_default_is_found() -> None:
    class Keyless(BaseModel):
        loans: int

    projection = Projection("keyless", version=1, document=Keyless, key="reader_id")

    @projection.on
    def bought(document: Keyless, event: BookBought, meta: Metadata) -> None: ...

    found = faults_of(build(projections=[projection]))
    assert "keyless: Keyless has no field reader_id" in found
    assert "keyless: Keyless.loans has no default" in found


def test_a_projection_on_an_event_that_the_service_does_not_know_is_found() -> None:
    projection = Projection("foreign", version=1, document=ReaderDocument, key="reader_id")

    @projection.on
    def bought(document: ReaderDocument, event: BookBought, meta: Metadata) -> None: ...

    alone = Contract([LIBRARY.file])
    found = faults_of(build(contract=alone, projections=[projection]))
    assert "foreign: sample.shop.v1.BookBought is not an event this service knows" in found


def test_two_that_read_the_bus_under_one_name_are_found() -> None:
    """They would share a consumer group, and each would get half of the partitions."""
    reaction = Reaction("readers")

    @reaction.on
    def bought(event: BookBought, meta: Metadata) -> Reply:
        return ()

    assert "readers v1: two subscriptions have this name" in faults_of(
        build(projections=[readers], reactions=[reaction])
    )


def test_a_reaction_to_an_internal_event_is_found() -> None:
    reaction = Reaction("telling")

    @reaction.on
    def remarked(event: LoanRemarked, meta: Metadata) -> Reply:
        return ()

    assert "telling: LoanRemarked is internal" in faults_of(build(reactions=[reaction]))


def test_a_stream_is_of_the_aggregate_with_the_longer_name_where_two_begin_alike() -> None:
    box = Aggregate("loan-box", initial=Nothing())
    service = build(aggregates=[loan, box, limit])
    assert service.aggregate("loan-box-{box_id}") is box
    assert service.aggregate("loan-box-7") is box
    assert service.aggregate("loan-7") is loan
    with pytest.raises(ContractFault, match="no aggregate has streams like shelf-1"):
        service.aggregate("shelf-1")


def test_every_fault_is_told_at_once() -> None:
    found = faults_of(build(queries=[], relations={}, aggregates=[limit]))
    assert found.count("\n- ") > 6


def test_one_message_is_decided_evolved_and_folded_once() -> None:
    aggregate = without(loan)
    with pytest.raises(ContractFault, match="taken twice"):

        @aggregate.decide
        def again(state: Any, command: OpenLoanRequest, context: Context) -> list[LoanOpened]:
            return []

    with pytest.raises(ContractFault, match="taken twice"):

        @aggregate.evolve
        def again_(state: Any, event: LoanOpened) -> Any: ...


def test_a_decision_has_to_say_what_it_takes_and_gives() -> None:
    aggregate = Aggregate("loan", initial=Nothing())
    with pytest.raises(ContractFault, match="annotate `command`"):
        aggregate.decide(lambda state, command, context: [])
    with pytest.raises(ContractFault, match="annotate what it returns"):

        @aggregate.decide
        def untold(state: Nothing, command: OpenLoanRequest, context: Context):
            return []


COMMAND = "rpc Do(DoRequest) returns (mentoring.common.v1.CommandReply) {{ option (mentoring.options.v1.command) = {{ {command} }}; }}"
ANY = "roles: [ROLE_MENTOR]"


@pytest.mark.parametrize(
    ("proto", "fault"),
    [
        (COMMAND.format(command='stream: "x-{id}"'), "Do: nobody may call it"),
        (COMMAND.format(command='stream: "x-{id}", roles: [ROLE_UNSPECIFIED]'), "Do: ROLE_UNSPECIFIED is nobody"),
        (COMMAND.format(command='stream: "x-{idd}", ' + ANY), "Do: x-{idd} names no field of DoRequest: idd"),
        (COMMAND.format(command='stream: "x-{Id}", ' + ANY), "Do: x-{Id} names no field of DoRequest: Id"),
        (COMMAND.format(command='stream: "x-{part.nope}", ' + ANY), "names no field of DoRequest: part.nope"),
        (COMMAND.format(command='stream: "x-{part}", ' + ANY), "Do: x-{part} names no single text of DoRequest: part"),
        (COMMAND.format(command='stream: "x-{many}", ' + ANY), "Do: x-{many} names no single text of DoRequest: many"),
        (COMMAND.format(command='stream: "x-{id}", loads: ["y-{nope}"], ' + ANY), "Do: y-{nope} names no field"),
        (COMMAND.format(command='stream: "x-{id}", loads: ["y-{id}", "y-{part.id}"], ' + ANY), "Do: it loads y twice"),
        (COMMAND.format(command='stream: "x-{id}", ' + ANY) + COMMAND.format(command='stream: "x-{id}", roles: [ROLE_DSL]').replace("Do(", "Other("), "DoRequest is taken by Do and Other"),
    ],
)  # fmt: skip
def test_a_call_that_leaves_a_question_open_is_found(tmp_path: Path, proto: str, fault: str) -> None:
    assert fault in "\n".join(wrong(tmp_path, f"service WrongService {{ {proto} }}").faults())


@pytest.mark.parametrize(
    ("proto", "fault"),
    [
        ('message Said { option (mentoring.options.v1.event).type = "w.said"; string words = 1 [(mentoring.options.v1.field).confidentiality = CONFIDENTIALITY_CONFIDENTIAL]; }', "w.said: `words` is confidential text in an event"),
        ('message Said { option (mentoring.options.v1.event).type = "w.said"; repeated Page pages = 1; } message Page { string words = 1 [(mentoring.options.v1.field).confidentiality = CONFIDENTIALITY_CONFIDENTIAL]; }', "`pages.words` is confidential text"),
        ('message Said { option (mentoring.options.v1.event) = { type: "w.said", partition_by: "nope" }; string id = 1; }', "w.said: partition_by names no field of it: nope"),
        ('message Said { option (mentoring.options.v1.event).type = "w.said"; } message Told { option (mentoring.options.v1.event).type = "w.said"; }', "w.said: two events have this type"),
    ],
)  # fmt: skip
def test_an_event_that_would_tell_or_lose_something_is_found(tmp_path: Path, proto: str, fault: str) -> None:
    asked = "service WrongService { " + COMMAND.format(command='stream: "x-{id}", ' + ANY) + " }"
    assert fault in "\n".join(wrong(tmp_path, asked + proto).faults())


@pytest.mark.parametrize(
    ("proto", "fault"),
    [
        (
            "rpc Do(DoRequest) returns (mentoring.common.v1.CommandReply);",
            "Do: give it either the `command`, the `query` or the `transfer` option",
        ),
        (
            "rpc Do(stream DoRequest) returns (mentoring.common.v1.CommandReply) { option (mentoring.options.v1.query) = { roles: [ROLE_MENTOR] }; }",
            "Do: a transfer alone takes its request in parts, and then answers at once",
        ),
        (
            "rpc Do(stream DoRequest) returns (stream mentoring.common.v1.CommandReply) { option (mentoring.options.v1.transfer) = { roles: [ROLE_MENTOR] }; }",
            "Do: a transfer alone takes its request in parts, and then answers at once",
        ),
        (COMMAND.format(command=ANY), "Do: its command option names no stream"),
    ],
)
def test_a_call_that_is_neither_command_nor_query_cannot_even_be_read(tmp_path: Path, proto: str, fault: str) -> None:
    with pytest.raises(ContractFault, match=fault):
        wrong(tmp_path, f"service WrongService {{ {proto} }}")


def test_two_services_of_one_contract_have_all_their_calls(tmp_path: Path) -> None:
    contract = wrong(tmp_path, DO + ANOTHER.format(method="Other", request="Part"))
    assert {call.path for call in contract.calls.values()} == {
        f"/{service.full_name}/{method}" for service, method in zip(contract.services, ("Do", "Other"), strict=True)
    }
    assert contract.faults() == []


def test_two_calls_of_one_name_are_found_whatever_services_they_are_in(tmp_path: Path) -> None:
    """Metrics, refusals and tokens know a call by its name."""
    assert "Do: two calls have this name" in wrong(tmp_path, DO + ANOTHER.format(method="Do", request="Part")).faults()


def test_an_event_that_is_no_longer_given_is_read_for_ever_where_its_contract_says_deprecated(tmp_path: Path) -> None:
    proto = "service WrongService { " + COMMAND.format(command='stream: "x-{id}", ' + ANY) + " }"
    proto += 'message Said { option deprecated = true; option (mentoring.options.v1.event).type = "w.said"; }'
    contract = wrong(tmp_path, proto)
    aggregate = Aggregate("x", initial=Nothing())
    aggregate.decisions = {next(iter(contract.commands)): lambda *_: []}
    service = Service("wrong", contract, [aggregate])
    assert "w.said: no aggregate evolves it any more" in faults_of(service)
    aggregate.evolutions = {contract.events["w.said"].message: lambda state, _: state}
    service.check()


DO = "service WrongService { " + COMMAND.format(command='stream: "x-{id}", ' + ANY) + " }"
ANOTHER = "service AnotherService {{ rpc {method}({request}) returns (Part) {{ option (mentoring.options.v1.query) = {{ roles: [ROLE_MENTOR] }}; }} }}"
_NUMBER = iter(range(1000))


def wrong(folder: Path, proto: str) -> Contract:
    number = next(_NUMBER)
    path = folder / f"wrong{number}.proto"
    path.write_text(
        HEAD.format(number=number)
        + proto
        + "message DoRequest { string id = 1; Part part = 2; repeated string many = 3; } message Part { string id = 1; }"
    )
    return Contract([compiled(path)[0].file])
