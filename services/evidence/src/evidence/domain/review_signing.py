"""Three signatures over one content: the learner's, the provider's and the employer's, each by another person, each of exactly the hash that was shown."""

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.review_events_pb2 import SIGNATORY_PROVIDER, ReviewCompleted, ReviewSigned
from mentoring.evidence.v1.review_pb2 import SignReviewRequest

from evidence.domain.review_keeping import known_review
from evidence.domain.review_state import Review, Reviews, Signed, active_mentorship, signs_for


def sign(state: Reviews, command: SignReviewRequest, context: Context) -> list[ReviewSigned | ReviewCompleted]:
    """Signs the present content, once for each of the three. With the third the review is complete."""
    mentored = active_mentorship(state, command.mentorship_id)
    if not signs_for(mentored, command.signatory, context):
        raise Refusal(
            "SIGNATORY_NOT_YOURS",
            "the learner signs for themselves, the mentor or a manager for the provider, an employer contact of this "
            "mentorship for the employer; say for whom you sign",
            field="signatory",
        )
    review = known_review(state, command.review_id)
    if not review.revision:
        raise Refusal(
            "REVIEW_NOT_HELD",
            f"nothing was recorded of review {review.review_id} yet; sign it afterwards",
            field="review_id",
        )
    person_id = context.principal.person_id
    if command.content_hash != review.content_hash:
        raise Refusal(
            "CONTENT_CHANGED",
            f"that is not what review {review.review_id} holds now; read it again, and sign the content_hash that is shown",
            field="content_hash",
        )
    signed = Signed(command.signatory, person_id, bool(command.objection))
    if signed in review.signatures:
        return []
    _refuse_signed(review, signed)
    if command.objection and command.signatory == SIGNATORY_PROVIDER:
        raise Refusal(
            "OBJECTION_OF_PROVIDER",
            "the provider records the content, and changes what it does not agree with; revise the review instead",
            field="objection",
        )
    event = ReviewSigned(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id=mentored.mentor_id,
        review_id=command.review_id,
        signatory=command.signatory,
        signed_by=person_id,
        content_hash=review.content_hash,
        revision=review.revision,
        objection=Sealed(to_be_sealed=command.objection) if command.objection else None,
    )
    if set(review.missing) != {command.signatory}:
        return [event]
    completed = ReviewCompleted(
        learner_id=command.learner_id,
        mentorship_id=command.mentorship_id,
        mentor_id=mentored.mentor_id,
        review_id=command.review_id,
        content_hash=review.content_hash,
        objecting=sorted(one.signatory for one in (*review.signatures, signed) if one.objecting),
    )
    return [event, completed]


def _refuse_signed(review: Review, signed: Signed) -> None:
    for one in review.signatures:
        if one.signatory == signed.signatory:
            raise Refusal(
                "SIGNED_ALREADY",
                f"this content was signed for the same by {one.signed_by}, and a signature stays while the content does",
                field="signatory",
            )
        if one.signed_by == signed.signed_by:
            raise Refusal(
                "SIGNED_FOR_ANOTHER",
                "you signed this content for another of the three; three people sign it: ask a colleague",
                field="signatory",
            )
