"""Occasions: to whom each may be told at all. The matrix, or the part that somebody has in it, then says who is.

An occasion that is in no list here, such as a later release's, is taken for a concern's.
"""

from mentoring.notifications.v1.events_pb2 import Because, Occasion

_RAISER = frozenset({Because.BECAUSE_RAISED_THE_CONCERN})
_HANDLERS = frozenset(
    {
        Because.BECAUSE_DSL_ON_DUTY,
        Because.BECAUSE_DEPUTY_DSL_NEXT_ON_THE_LADDER,
        Because.BECAUSE_SENIOR_LEAD_LAST_RESORT,
        Because.BECAUSE_ASKED_FIRST_BY_A_RULE,
        Because.BECAUSE_PASSED_ON_TO,
    }
)
# Which part in a concern each occasion is told to.
_PARTS_IN_A_CONCERN = {
    Occasion.OCCASION_CONCERN_RECEIVED: _RAISER,
    Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER: _RAISER,
    Occasion.OCCASION_CONCERN_ASSIGNED: _HANDLERS,
    Occasion.OCCASION_CONCERN_ADDED_TO: frozenset({Because.BECAUSE_HANDLES_THE_CONCERN}),
    Occasion.OCCASION_CONCERN_CHASED: frozenset({Because.BECAUSE_HANDLES_THE_CONCERN}),
    Occasion.OCCASION_CONCERN_LAPSED: frozenset({Because.BECAUSE_HANDLES_THE_CONCERN}),
    Occasion.OCCASION_CONCERN_TASK_GIVEN: frozenset({Because.BECAUSE_HAS_A_TASK_OF_THE_CONCERN}),
    Occasion.OCCASION_CONCERN_TASK_OVERDUE: frozenset({Because.BECAUSE_HAS_A_TASK_OF_THE_CONCERN}),
    Occasion.OCCASION_FILE_TRANSFER_CHASED: frozenset({Because.BECAUSE_SEES_TO_THE_FILE}),
    Occasion.OCCASION_FILE_RECEIPT_CHASED: frozenset({Because.BECAUSE_SEES_TO_THE_FILE}),
}
# Of what one person alone is told, what is about no concern.
_NO_CONCERNS = {
    Occasion.OCCASION_CONTACT_REPLACED: frozenset({Because.BECAUSE_OWN_CONTACT}),
    Occasion.OCCASION_ADDRESS_SUPPRESSED: frozenset({Because.BECAUSE_OWN_CONTACT}),
    Occasion.OCCASION_DUTY_GAP: frozenset({Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE}),
    Occasion.OCCASION_SKILL_LAPSING: frozenset({Because.BECAUSE_OWN_SKILL}),
    Occasion.OCCASION_SKILL_LAPSED: frozenset({Because.BECAUSE_OWN_SKILL}),
    Occasion.OCCASION_DIGEST: frozenset({Because.BECAUSE_CHOSE_A_DIGEST}),
}
# What is told to one person alone, never to a circle.
PARTS_TOLD = {**_PARTS_IN_A_CONCERN, **_NO_CONCERNS}
# Told to a contact on trial as well. That a concern was received is not: a lost one leaves nobody in danger, and whoever replaced
# the raiser's contact would hear that they raised one.
IN_TWO_COPIES = frozenset(_PARTS_IN_A_CONCERN) - {
    Occasion.OCCASION_CONCERN_RECEIVED,
    Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER,
}

_NOBODY = frozenset[Because.ValueType]()
_MENTOR = frozenset({Because.BECAUSE_MENTOR})
_LEARNER_AND_MENTOR = frozenset({Because.BECAUSE_LEARNER, Because.BECAUSE_MENTOR})
_EACH = frozenset(
    {
        Because.BECAUSE_LEARNER,
        Because.BECAUSE_MENTOR,
        Because.BECAUSE_ASSESSOR,
        Because.BECAUSE_EMPLOYER_CONTACT,
        Because.BECAUSE_PROVIDER_MANAGER,
        Because.BECAUSE_GUARDIAN,
    }
)
# What is told to a learner's circle, and to which relationships of it at the most: the matrix may tell fewer.
TOLD_AMONG = {
    Occasion.OCCASION_MENTORSHIP_STARTED: _EACH,
    Occasion.OCCASION_MENTOR_CHANGED: _EACH,
    Occasion.OCCASION_SESSION_PLANNED: _EACH,
    Occasion.OCCASION_SESSION_MOVED: _EACH,
    Occasion.OCCASION_SESSION_MISSED: _EACH,
    Occasion.OCCASION_SESSION_CANCELLED: _EACH,
    Occasion.OCCASION_SESSION_RECORD_SHARED: _EACH,
    Occasion.OCCASION_SESSION_RECORD_CORRECTED: _EACH,
    Occasion.OCCASION_ACTION_ASSIGNED: _EACH,
    Occasion.OCCASION_ACTION_OVERDUE: _EACH,
    # Who is to agree to it (sessions.PlanSigner), where they are attached.
    Occasion.OCCASION_LEARNING_PLAN_PROPOSED: _EACH - {Because.BECAUSE_MENTOR, Because.BECAUSE_GUARDIAN},
    Occasion.OCCASION_LEARNING_PLAN_OBJECTED_TO: _MENTOR,
    Occasion.OCCASION_LEARNING_PLAN_AGREED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_EVIDENCE_ACCEPTED: _EACH,
    Occasion.OCCASION_EVIDENCE_REFERRED: _EACH,
    Occasion.OCCASION_EVIDENCE_RESUBMITTED: _EACH,
    Occasion.OCCASION_EVIDENCE_WITHDRAWN: _EACH,
    Occasion.OCCASION_EVIDENCE_DECISION_SUPERSEDED: _EACH,
    # What the IQA feeds back is for the assessor alone.
    Occasion.OCCASION_SAMPLE_ACTION_REQUIRED: _NOBODY,
    Occasion.OCCASION_SAMPLE_ACTION_OVERDUE: _NOBODY,
    Occasion.OCCASION_SAMPLE_ACTION_CLOSED: _NOBODY,
    Occasion.OCCASION_REVIEW_DUE: _EACH,
    Occasion.OCCASION_REVIEW_SCHEDULED: _EACH,
    Occasion.OCCASION_REVIEW_CANCELLED: _EACH,
    # Who may sign: neither an assessor nor a guardian does.
    Occasion.OCCASION_REVIEW_TO_SIGN: _EACH - {Because.BECAUSE_ASSESSOR, Because.BECAUSE_GUARDIAN},
    Occasion.OCCASION_REVIEW_COMPLETED: _EACH,
    Occasion.OCCASION_REVIEW_LATE: _EACH,
    Occasion.OCCASION_SIGNATURES_LATE: _EACH,
    Occasion.OCCASION_ASSESSMENT_ASKED: _MENTOR,
    Occasion.OCCASION_ASSESSMENT_ACCEPTED: _MENTOR,
    Occasion.OCCASION_ASSESSMENT_DECLINED: _MENTOR,
    Occasion.OCCASION_ASSESSMENT_SCHEDULED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ASSESSMENT_CHASED: _MENTOR,
    Occasion.OCCASION_ASSESSMENT_DECIDED: _LEARNER_AND_MENTOR | {Because.BECAUSE_ASSESSOR},
    Occasion.OCCASION_ASSESSMENT_CALLED_OFF: _NOBODY,
    # A mentor alone sets it, and the event does not say which: nobody is told of their own act.
    Occasion.OCCASION_PLANNED_END_SET: _EACH - _MENTOR,
    # Nobody else learns that there is one, whatever the matrix.
    Occasion.OCCASION_ISSUE_RAISED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ISSUE_REFERRED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ISSUE_ANSWERED: _MENTOR,
    Occasion.OCCASION_ISSUE_REFERRAL_WITHDRAWN: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ISSUE_CHASED: _MENTOR,
    Occasion.OCCASION_ISSUE_CLOSED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ISSUE_REOPENED: _LEARNER_AND_MENTOR,
    Occasion.OCCASION_ISSUE_IDLE: _MENTOR,
}
TOLD_TO_A_CIRCLE = frozenset(TOLD_AMONG)
_ISSUES = frozenset(
    {
        Occasion.OCCASION_ISSUE_RAISED,
        Occasion.OCCASION_ISSUE_REFERRED,
        Occasion.OCCASION_ISSUE_ANSWERED,
        Occasion.OCCASION_ISSUE_REFERRAL_WITHDRAWN,
        Occasion.OCCASION_ISSUE_CHASED,
        Occasion.OCCASION_ISSUE_CLOSED,
        Occasion.OCCASION_ISSUE_REOPENED,
        Occasion.OCCASION_ISSUE_IDLE,
    }
)
# What a manager reads of it who was not told of it themself.
OPEN_TO_MANAGERS = TOLD_TO_A_CIRCLE - _ISSUES
_IN_AN_ACTION = frozenset({Because.BECAUSE_OWNS_THE_ACTION, Because.BECAUSE_ACTION_IS_SHARED})
_ASKED = frozenset({Because.BECAUSE_ASKED_TO_ASSESS})
_SAMPLED = frozenset({Because.BECAUSE_ASSESSED_THE_EVIDENCE})
_REFERRED_TO = frozenset({Because.BECAUSE_ISSUE_REFERRED_TO_THEM})
# Which parts in what happened to a learner are told of it, beside the relationships: the cells "own" and "shared" of the matrix.
PARTS_IN_A_CIRCLE = {
    Occasion.OCCASION_ACTION_ASSIGNED: _IN_AN_ACTION,
    Occasion.OCCASION_ACTION_OVERDUE: _IN_AN_ACTION,
    Occasion.OCCASION_SAMPLE_ACTION_REQUIRED: _SAMPLED,
    Occasion.OCCASION_SAMPLE_ACTION_OVERDUE: _SAMPLED,
    Occasion.OCCASION_SAMPLE_ACTION_CLOSED: _SAMPLED,
    Occasion.OCCASION_ASSESSMENT_ASKED: _ASKED,
    Occasion.OCCASION_ASSESSMENT_CHASED: _ASKED,
    Occasion.OCCASION_ASSESSMENT_CALLED_OFF: _ASKED,
    Occasion.OCCASION_ISSUE_REFERRED: _REFERRED_TO,
    Occasion.OCCASION_ISSUE_REFERRAL_WITHDRAWN: _REFERRED_TO,
    Occasion.OCCASION_ISSUE_CHASED: _REFERRED_TO,
    Occasion.OCCASION_ISSUE_CLOSED: _REFERRED_TO,
}


def is_part(because: Because.ValueType) -> bool:
    """Whether this is a part in what happened to a learner, which no matrix tells."""
    return because in _IN_AN_ACTION | _ASKED | _SAMPLED | _REFERRED_TO


def may_be_no_party(because: Because.ValueType) -> bool:
    """Whether somebody may have this part who is attached to no mentorship of the learner: an issue is referred to a DSL as a colleague."""
    return because in _REFERRED_TO


def is_about_an_issue(occasion: Occasion.ValueType) -> bool:
    """Whether this occasion is an issue's, of which no event says whether it is about progress or well-being."""
    return occasion in _ISSUES


def is_about_staff(occasion: Occasion.ValueType) -> bool:
    """Whether this occasion is about the work of those who serve a learner, and not about the learner."""
    return PARTS_IN_A_CIRCLE.get(occasion) == _SAMPLED


def is_safeguarding(occasion: Occasion.ValueType) -> bool:
    """Whether this occasion is a concern's, or may be one: it is not known to be anything else."""
    return occasion not in TOLD_TO_A_CIRCLE and occasion not in _NO_CONCERNS
