"""The dry run of the need-to-know policy, for whoever sets it. It reads circle, policy and conditions as they are stored, and tells nobody."""

from collections.abc import Sequence

from eventkernel.aggregate import Aggregate, Refusal
from eventkernel.reading import Reader
from eventkernel.service import Query
from mentoring.common.v1.common_pb2 import InformationKind
from mentoring.notifications.v1.events_pb2 import Occasion
from mentoring.notifications.v1.explaining_pb2 import (
    ExplainNeedToKnowRequest,
    ExplainNeedToKnowResponse,
    Explanation,
    PersonExplained,
    WhyNot,
)

from notifications.domain.circle import circle
from notifications.domain.conditions import conditions
from notifications.domain.explaining import Explained, Question, explain
from notifications.domain.need_to_know import NeedToKnow, checked
from notifications.domain.occasions import PARTS_IN_A_CIRCLE, TOLD_TO_A_CIRCLE, is_safeguarding


def explaining_queries(matrix: Aggregate[NeedToKnow]) -> list[Query]:
    """The query that explains the policy, which is this aggregate's."""

    async def explain_need_to_know(request: ExplainNeedToKnowRequest, read: Reader) -> ExplainNeedToKnowResponse:
        if _is_of_a_concern(request):
            return ExplainNeedToKnowResponse(told_to_handlers_alone=True)
        if request.occasion and request.occasion not in TOLD_TO_A_CIRCLE:
            raise Refusal(
                "NOT_FOR_A_CIRCLE",
                f"{Occasion.Name(request.occasion)} is told to one person about themself, and no policy tells it: "
                "give an occasion of a learner's, or none.",
                field="occasion",
            )
        proposed = NeedToKnow.of(checked(request.proposed, "proposed"))
        around = await read.state(circle, f"circle-{request.learner_id}")
        if not around.surroundings:
            raise Refusal(
                "CIRCLE_UNKNOWN",
                f"Nobody has been heard of who surrounds learner {request.learner_id}: check the id, or start a mentorship.",
                field="learner_id",
            )
        policy = await read.state(matrix, "need-to-know")
        depends_on = await read.state(conditions, f"conditions-{request.learner_id}")
        question = Question(request.learner_id, request.kind, request.occasion, depends_on, read.now)
        applied = explain(question, around, policy)
        then = explain(question, around, proposed) if request.proposed else None
        return ExplainNeedToKnowResponse(
            policy_version=policy.version,
            people=_people(applied, then),
            parts=sorted(PARTS_IN_A_CIRCLE.get(request.occasion, ())),
        )

    return [explain_need_to_know]


def _is_of_a_concern(request: ExplainNeedToKnowRequest) -> bool:
    if request.kind == InformationKind.INFORMATION_KIND_CONCERN:
        return True
    return bool(request.occasion) and is_safeguarding(request.occasion)


def _people(applied: Sequence[Explained], then: Sequence[Explained] | None) -> list[PersonExplained]:
    found = [
        PersonExplained(person_id=one.person_id, mentorship_id=one.mentorship_id, applied=_explanation(one))
        for one in applied
    ]
    for person, other in zip(found, then or (), strict=False):
        person.proposed.CopyFrom(_explanation(other))
        person.changes = person.proposed.detail != person.applied.detail
    return found


def _explanation(explained: Explained) -> Explanation:
    why_not = [WhyNot(because=one.because, reason=one.reason, rule=one.rule) for one in explained.missing]
    if explained.rule is None:
        return Explanation(why_not=why_not)
    rule = explained.rule
    return Explanation(detail=rule.detail, because=rule.because, rule=rule.name, why_not=why_not)
