"""The words of every message, as data. A full text says what happened; an outline says only which matter it belongs to.

No text names a person or tells of a record's content: the link does, to whoever may see it after signing in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mentoring.notifications.v1.events_pb2 import Because, Occasion


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject and the text of a message, and the page of the portal that its link leads to."""

    subject: str
    text: str
    page: str


_PROGRAMME_OUTLINE = Wording(
    subject="News about a learner's programme",
    text="Something has changed in a learner's programme. You are told this in outline; ask the mentor for more.",
    page="notices",
)
_SESSIONS_OUTLINE = Wording(
    subject="News about a learner's sessions",
    text="Something has changed about a learner's planned sessions. You are told this in outline; ask the mentor for more.",
    page="notices",
)
_EVIDENCE_OUTLINE = Wording(
    subject="News about a learner's evidence",
    text="A piece of a learner's evidence has been judged. You are told this in outline; ask the mentor for more.",
    page="notices",
)

FULL: Mapping[Occasion.ValueType, Wording] = {
    Occasion.OCCASION_MENTORSHIP_STARTED: Wording(
        subject="A mentorship has started",
        text="A mentorship has started. Who belongs to it and what it works towards is here:",
        page="mentorships",
    ),
    Occasion.OCCASION_MENTOR_CHANGED: Wording(
        subject="A mentorship has another mentor",
        text="Another mentor has taken over a mentorship. Who that is is here:",
        page="mentorships",
    ),
    Occasion.OCCASION_SESSION_PLANNED: Wording(
        subject="A session is planned",
        text="A mentoring session has been planned. When and where it takes place is here:",
        page="sessions",
    ),
    Occasion.OCCASION_SESSION_MOVED: Wording(
        subject="A session was moved",
        text="A planned mentoring session was moved. When and where it takes place now is here:",
        page="sessions",
    ),
    Occasion.OCCASION_SESSION_CANCELLED: Wording(
        subject="A session was cancelled",
        text="A planned mentoring session was cancelled and will not take place. What was recorded about it is here:",
        page="sessions",
    ),
    Occasion.OCCASION_SESSION_MISSED: Wording(
        subject="A session was missed",
        text="A planned mentoring session did not take place. What was recorded about it, and the next one, is here:",
        page="sessions",
    ),
    Occasion.OCCASION_SESSION_RECORD_SHARED: Wording(
        subject="The record of a session is ready",
        text="A mentoring session was held and its shared record is ready to read:",
        page="sessions",
    ),
    Occasion.OCCASION_EVIDENCE_ACCEPTED: Wording(
        subject="Evidence was accepted",
        text="An assessor has accepted a piece of evidence. The decision and the feedback are here:",
        page="evidence",
    ),
    Occasion.OCCASION_EVIDENCE_REFERRED: Wording(
        subject="Evidence needs more work",
        text="An assessor has referred a piece of evidence back. What is still missing is here:",
        page="evidence",
    ),
    Occasion.OCCASION_CONCERN_RECEIVED: Wording(
        subject="Your safeguarding concern was received",
        text="Your concern was received, and people are being asked to take it until one of them does. You can add to it here:",
        page="concerns",
    ),
    Occasion.OCCASION_CONCERN_RECEIVED_IMMEDIATE_DANGER: Wording(
        subject="Immediate danger: call the emergency services now",
        text=(
            "If you have not done so, call the emergency services now (999 in the United Kingdom), "
            "and tell the designated safeguarding lead (DSL) in person. Do not wait for an answer to this message.\n\n"
            "Your concern was received, and people are being asked to take it until one of them does. You can add to it here:"
        ),
        page="concerns",
    ),
    Occasion.OCCASION_CONCERN_ASSIGNED: Wording(
        subject="A safeguarding concern waits for you",
        text="A safeguarding concern is assigned to you. Read and acknowledge it here; until you do, it goes on to others:",
        page="concerns",
    ),
    Occasion.OCCASION_CONCERN_ADDED_TO: Wording(
        subject="A safeguarding concern was added to",
        text=(
            "Something was added to a safeguarding concern that was given to you. Read it and acknowledge the concern here, also where you "
            "had acknowledged or closed it before; until you do, it goes on to others:"
        ),
        page="concerns",
    ),
    Occasion.OCCASION_CONCERN_CHASED: Wording(
        subject="Something is overdue on a safeguarding concern",
        text=(
            "Something was to be done, or answered, by now about a safeguarding concern that you have. What it is, and how to record it, is here:"
        ),
        page="concerns",
    ),
    Occasion.OCCASION_CONCERN_LAPSED: Wording(
        subject="A safeguarding concern goes on to somebody else",
        text=(
            "You acknowledged a safeguarding concern, and nothing was recorded of what was done about it. It is given to the next person now. "
            "You can still read it, and acknowledge it again, here:"
        ),
        page="concerns",
    ),
    Occasion.OCCASION_DUTY_GAP: Wording(
        subject="Nobody will be on duty for safeguarding",
        text=(
            "There is a time ahead in which neither the DSL nor a deputy of a site is on duty. Until somebody is, a concern that is raised "
            "then goes to you at once. When it is, and who could be on duty, is here:"
        ),
        page="duty",
    ),
    Occasion.OCCASION_CONTACT_REPLACED: Wording(
        subject="Your contact details were replaced",
        text=(
            "Your name and address for messages were replaced, and this message goes to what was there before. "
            "If you did not do it and do not know why it was done, register your own again, and tell your provider's senior lead "
            "for safeguarding. What you were told is here:"
        ),
        page="notices",
    ),
}

# A concern has none, nor has a contact: it is told in full to the few who are told.
OUTLINE: Mapping[Occasion.ValueType, Wording] = {
    Occasion.OCCASION_MENTORSHIP_STARTED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_MENTOR_CHANGED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_SESSION_PLANNED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_MOVED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_CANCELLED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_MISSED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_RECORD_SHARED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_EVIDENCE_ACCEPTED: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_EVIDENCE_REFERRED: _EVIDENCE_OUTLINE,
}

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
    Because.BECAUSE_HANDLES_THE_CONCERN: (
        "You are told this because you were asked to take the concern, or have taken it."
    ),
    Because.BECAUSE_SENIOR_LEAD_OF_THE_SITE: "You are told this because you are the site's senior lead for safeguarding.",
    Because.BECAUSE_OWN_CONTACT: "You are told this because you are the one whose contact it was.",
}
