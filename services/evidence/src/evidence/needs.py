"""Whom DOMAIN.md's need-to-know matrix tells of evidence, reviews and assessments, beside the learner and the mentor; and who has a part in them."""

from collections.abc import Mapping

from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import (
    PARTY_RELATIONSHIP_ASSESSOR,
    PARTY_RELATIONSHIP_COACH,
    PARTY_RELATIONSHIP_EMPLOYER_CONTACT,
    PARTY_RELATIONSHIP_PROVIDER_MANAGER,
    PARTY_RELATIONSHIP_TEACHER,
    PartyRelationship,
)
from mentoring.evidence.v1.assessment_pb2 import (
    AcceptAssessmentRequest,
    DecideAssessmentRequest,
    DeclineAssessmentRequest,
    GetAssessmentRequest,
    ListAssessmentsRequest,
    ScheduleAssessmentRequest,
)
from mentoring.evidence.v1.review_pb2 import (
    CancelReviewRequest,
    HoldReviewRequest,
    ReviseReviewRequest,
    ScheduleReviewRequest,
    SignReviewRequest,
)
from mentoring.evidence.v1.review_views_pb2 import GetReviewProgressRequest, GetReviewRequest, ListReviewsRequest

_Told = Mapping[type[Message], frozenset[PartyRelationship.ValueType]]
_MANAGER = frozenset({PARTY_RELATIONSHIP_PROVIDER_MANAGER})
_PROGRESS = _MANAGER | {PARTY_RELATIONSHIP_ASSESSOR, PARTY_RELATIONSHIP_EMPLOYER_CONTACT}
# What a piece of evidence is and how it was judged.
TOLD_OF_EVIDENCE = frozenset({PARTY_RELATIONSHIP_ASSESSOR})
_MAY_BE_ASKED = frozenset({PARTY_RELATIONSHIP_ASSESSOR, PARTY_RELATIONSHIP_COACH, PARTY_RELATIONSHIP_TEACHER})

TOLD_OF_REVIEWS: _Told = {
    GetReviewRequest: _PROGRESS,
    ListReviewsRequest: _PROGRESS,
    GetReviewProgressRequest: _MANAGER,
    ScheduleReviewRequest: _MANAGER,
    CancelReviewRequest: _MANAGER,
    HoldReviewRequest: _MANAGER,
    ReviseReviewRequest: _MANAGER,
    SignReviewRequest: _MANAGER | {PARTY_RELATIONSHIP_EMPLOYER_CONTACT},
}
# Of one request that somebody else is asked for they learn nothing: the calls themselves see to that.
TOLD_OF_ASSESSMENTS: _Told = dict.fromkeys(
    (
        AcceptAssessmentRequest,
        DeclineAssessmentRequest,
        ScheduleAssessmentRequest,
        DecideAssessmentRequest,
        GetAssessmentRequest,
        ListAssessmentsRequest,
    ),
    _MAY_BE_ASKED,
)
