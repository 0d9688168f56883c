"""The words of every message, as data. A full text says what happened; an outline says only which matter it belongs to.

No text names a person or tells of a record's content: the link does, to whoever may see it after signing in.
"""

from collections.abc import Mapping

from mentoring.notifications.v1.events_pb2 import Because, Occasion

from notifications.texts import alone, evidence, programme
from notifications.texts.wording import Wording

__all__ = ["FULL", "OUTLINE", "WHY", "Wording"]

FULL: Mapping[Occasion.ValueType, Wording] = {**programme.FULL, **evidence.FULL, **alone.FULL}
OUTLINE: Mapping[Occasion.ValueType, Wording] = {**programme.OUTLINE, **evidence.OUTLINE}

WHY: Mapping[Because.ValueType, str] = {
    Because.BECAUSE_LEARNER: "You are told this because you are the learner.",
    Because.BECAUSE_MENTOR: "You are told this because you are the learner's mentor.",
    Because.BECAUSE_ASSESSOR: "You are told this because you are the learner's assessor.",
    Because.BECAUSE_EMPLOYER_CONTACT: "You are told this because you are the learner's contact at the employer.",
    Because.BECAUSE_PROVIDER_MANAGER: "You are told this because you are a manager at the learner's provider.",
    Because.BECAUSE_GUARDIAN: "You are told this because you are the learner's guardian.",
    Because.BECAUSE_RAISED_THE_CONCERN: "You are told this because you raised the concern.",
    Because.BECAUSE_DSL_ON_DUTY: "You are told this because you are the designated safeguarding lead (DSL) on duty.",
    Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER: (
        "You are told this because you are a deputy DSL, and the next one to be asked."
    ),
    Because.BECAUSE_SENIOR_LEAD_LAST_RESORT: (
        "You are told this because you are the senior lead for safeguarding, who is asked when nobody else can be."
    ),
    Because.BECAUSE_ASKED_FIRST_BY_A_RULE: "You are told this because you are the one who is asked first about concerns of this kind.",
    Because.BECAUSE_HANDLES_THE_CONCERN: (
        "You are told this because you were asked to take the concern, or have taken it."
    ),
    Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE: "You are told this because you are the site's senior lead for safeguarding.",
    Because.BECAUSE_OWN_CONTACT: "You are told this because you are the one whose contact it was.",
    Because.BECAUSE_OWNS_THE_ACTION: "You are told this because you are the one who is to do it.",
    Because.BECAUSE_ACTION_IS_SHARED: "You are told this because you are the learner, and the action is shared with you.",
    Because.BECAUSE_ASKED_TO_ASSESS: "You are told this because you are, or were, the one who is asked for the assessment.",
    Because.BECAUSE_ASSESSED_THE_EVIDENCE: "You are told this because you assessed the evidence.",
    Because.BECAUSE_OWN_SKILL: "You are told this because you are the one whose skill it is.",
}
