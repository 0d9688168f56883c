"""What is recorded of a review, and the hash that all three sign.

A hash is SHA-256 in hexadecimal of lines of ASCII: ids, days, figures and digests, which hold neither spaces nor line ends, with one space
between them. A text goes in by its digest, keyed with the service's key: the same text gives the same, and nobody without the key can try texts
against it, also after the text can be read no more. So anybody can reckon a content's hash again from the events alone.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date

from eventkernel.aggregate import Context, Refusal
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.review_events_pb2 import RecordedGoal, RecordedReview, ReviewProgress
from mentoring.evidence.v1.review_pb2 import HoldReviewRequest, ReviseReviewRequest
from mentoring.evidence.v1.review_views_pb2 import ReviewGoal

from evidence.domain.days import day
from evidence.domain.review_state import Mentored


def progress_hash(progress: ReviewProgress) -> str:
    """`as-of` in seconds and nanoseconds since 1970, minutes, and a line of figures each KSB, sorted."""
    return _hash(
        [
            f"as-of {progress.as_of.seconds} {progress.as_of.nanos}",
            f"session-minutes {progress.session_minutes}",
            f"off-the-job {progress.off_the_job_minutes} {progress.minimum_off_the_job_minutes}",
            *sorted(
                f"ksb {one.ksb_code} {one.planned} {one.practised} {one.practised_minutes} {one.evidenced} {one.assessed} {one.sampled}"
                for one in progress.ksbs
            ),
        ]
    )


def content_hash(
    of: HoldReviewRequest | ReviseReviewRequest, revision: int, held_on: date, content: RecordedReview
) -> str:
    """The whole content of one revision: two revisions never have the same, whatever they hold."""
    return _hash(
        [
            f"review {of.learner_id} {of.mentorship_id} {of.review_id} {revision} {held_on.isoformat()}",
            f"progress {content.progress_hash}",
            f"discussion {content.discussion_digest}",
            f"concerns {content.concerns_digest or '-'}",
            *sorted(
                f"goal {goal.goal_id} {goal.due_on} {','.join(sorted(goal.ksb_codes))} {goal.text_digest}"
                for goal in content.goals
            ),
            f"respectful-language {content.respectful_language:d}",
        ]
    )


def recorded(
    of: HoldReviewRequest | ReviseReviewRequest, held_on: date, mentored: Mentored, context: Context
) -> RecordedReview:
    """The content as it is stored. Raises Refusal where it is none that could be signed."""
    content = of.content
    if not content.respectful_language:
        raise Refusal(
            "RESPECTFUL_LANGUAGE_NOT_CONFIRMED",
            "read the texts once more, put right what is not written with respect, and confirm it",
            field="content.respectful_language",
        )
    _refuse_unfit_progress(content.progress, mentored, context)
    _refuse_unfit_goals(content.goals, held_on, mentored)

    def digest(place: str, text: str) -> str:
        spoken = "\n".join(("review", of.learner_id, of.mentorship_id, of.review_id, place, text))
        return context.digest(spoken.encode())

    return RecordedReview(
        progress=content.progress,
        progress_hash=progress_hash(content.progress),
        discussion=Sealed(to_be_sealed=content.discussion),
        discussion_digest=digest("discussion", content.discussion),
        concerns=Sealed(to_be_sealed=content.concerns) if content.concerns else None,
        concerns_digest=digest("concerns", content.concerns) if content.concerns else "",
        goals=[
            RecordedGoal(
                goal_id=goal.goal_id,
                text=Sealed(to_be_sealed=goal.text),
                text_digest=digest(f"goal {goal.goal_id}", goal.text),
                ksb_codes=goal.ksb_codes,
                due_on=goal.due_on,
            )
            for goal in content.goals
        ],
        respectful_language=True,
    )


def _refuse_unfit_progress(progress: ReviewProgress, mentored: Mentored, context: Context) -> None:
    codes = [one.ksb_code for one in progress.ksbs]
    _refuse_unknown_ksbs(codes, mentored, "content.progress.ksbs")
    if len(set(codes)) < len(codes):
        raise Refusal(
            "DUPLICATE_KSB",
            "a KSB is there more than once; send the figures as they were given",
            field="content.progress.ksbs",
        )
    if progress.as_of.ToDatetime(tzinfo=UTC) > context.now:
        raise Refusal(
            "PROGRESS_AHEAD",
            "the figures are said to be of a time after now; send those that GetReviewProgress gives",
            field="content.progress.as_of",
        )


def _refuse_unfit_goals(goals: Iterable[ReviewGoal], held_on: date, mentored: Mentored) -> None:
    seen = set[str]()
    for index, goal in enumerate(goals):
        if goal.goal_id in seen:
            raise Refusal(
                "DUPLICATE_GOAL",
                f"two goals have the id {goal.goal_id}; give each its own",
                field=f"content.goals[{index}].goal_id",
            )
        seen.add(goal.goal_id)
        _refuse_unknown_ksbs(goal.ksb_codes, mentored, f"content.goals[{index}].ksb_codes")
        if day(goal.due_on, f"content.goals[{index}].due_on") <= held_on:
            raise Refusal(
                "GOAL_DUE_BEFORE_REVIEW",
                f"{goal.due_on} is not after the review of {held_on.isoformat()}; give a later day",
                field=f"content.goals[{index}].due_on",
            )


def _refuse_unknown_ksbs(codes: Iterable[str], mentored: Mentored, field: str) -> None:
    unknown = [code for code in codes if code not in mentored.ksb_codes]
    if unknown:
        raise Refusal(
            "UNKNOWN_KSB",
            f"{', '.join(unknown)}: not in {mentored.reference} {mentored.version}; name KSBs of the mentorship's standard",
            field=field,
        )


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
