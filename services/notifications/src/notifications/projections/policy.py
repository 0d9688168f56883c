"""The need-to-know policy as it applies, and what a learner agrees to: read from the streams themselves, so never behind."""

from eventkernel.aggregate import Aggregate
from eventkernel.reading import Reader
from eventkernel.service import Query
from eventkernel.timestamps import timestamp
from google.protobuf.timestamp_pb2 import Timestamp
from mentoring.notifications.v1.conditions_pb2 import Condition
from mentoring.notifications.v1.events_pb2 import NeedToKnowRule
from mentoring.notifications.v1.need_to_know_events_pb2 import AgreementGiven, AgreementWithdrawn
from mentoring.notifications.v1.need_to_know_pb2 import (
    Agreement,
    GetMyAgreementsRequest,
    GetMyAgreementsResponse,
    GetNeedToKnowRequest,
    GetNeedToKnowResponse,
    NamedRule,
)

from notifications.domain.conditions import Cell, conditions
from notifications.domain.need_to_know import NeedToKnow, Rule


def policy_queries(matrix: Aggregate[NeedToKnow]) -> list[Query]:
    """The queries that read the policy, which is this aggregate's."""

    async def get_need_to_know(_request: GetNeedToKnowRequest, reader: Reader) -> GetNeedToKnowResponse:
        policy = await reader.state(matrix, "need-to-know")
        return GetNeedToKnowResponse(version=policy.version, rules=map(_named, policy.rules))

    async def get_my_agreements(_request: GetMyAgreementsRequest, reader: Reader) -> GetMyAgreementsResponse:
        policy = await reader.state(matrix, "need-to-know")
        stream = f"conditions-{reader.principal.person_id}"
        agreed = (await reader.state(conditions, stream)).agreed
        said = await _said(reader, stream)
        asked_for = {
            (rule.kind, rule.because) for rule in policy.rules if Condition.CONDITION_LEARNER_AGREES in rule.conditions
        }
        return GetMyAgreementsResponse(
            agreements=[
                Agreement(
                    kind=cell[0], because=cell[1], agreed=cell in agreed, since=said.get(cell), asked_for=cell in asked_for
                )
                for cell in sorted({*said, *asked_for})
            ]
        )  # fmt: skip

    return [get_need_to_know, get_my_agreements]


async def _said(reader: Reader, stream: str) -> dict[Cell, Timestamp]:
    return {
        (item.event.kind, item.event.because): timestamp(item.meta.at)
        for item in await reader.history(stream)
        if isinstance(item.event, AgreementGiven | AgreementWithdrawn)
    }


def _named(rule: Rule) -> NamedRule:
    return NamedRule(
        name=rule.name,
        rule=NeedToKnowRule(kind=rule.kind, because=rule.because, detail=rule.detail, conditions=rule.conditions),
    )
