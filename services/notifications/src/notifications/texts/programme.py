"""The words about mentorships, sessions, reviews, and action and learning plans."""

from collections.abc import Mapping

from mentoring.notifications.v1.events_pb2 import Occasion

from notifications.texts.wording import Wording

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
_ACTIONS_OUTLINE = Wording(
    subject="News about a learner's action plan",
    text="Something has changed in a learner's action plan. You are told this in outline; ask the mentor for more.",
    page="notices",
)
_REVIEWS_OUTLINE = Wording(
    subject="News about a learner's progress reviews",
    text="Something has changed about a learner's progress reviews. You are told this in outline; ask the mentor for more.",
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
    Occasion.OCCASION_SESSION_RECORD_CORRECTED: Wording(
        subject="The record of a session was corrected",
        text="The shared record of a mentoring session was put right afterwards. It is here as it stands now:",
        page="sessions",
    ),
    Occasion.OCCASION_ACTION_ASSIGNED: Wording(
        subject="An action is to be done",
        text="An action of an action plan is to be done. What it is, whose it is and by when is here:",
        page="actions",
    ),
    Occasion.OCCASION_ACTION_OVERDUE: Wording(
        subject="An action is overdue",
        text="The day of an action of an action plan is over, and it is still open. What it is, and how to say what came of it, is here:",
        page="actions",
    ),
    Occasion.OCCASION_LEARNING_PLAN_PROPOSED: Wording(
        subject="A learning plan waits for you",
        text="A version of a learning plan is proposed, and you are asked to agree to it or to object. It is here:",
        page="learning-plans",
    ),
    Occasion.OCCASION_LEARNING_PLAN_OBJECTED_TO: Wording(
        subject="Somebody objects to a learning plan",
        text="Somebody who is to agree to a learning plan objects to it. What they say is here, and another version can be proposed:",
        page="learning-plans",
    ),
    Occasion.OCCASION_LEARNING_PLAN_AGREED: Wording(
        subject="A learning plan is agreed",
        text="All who are to agree to a learning plan have done so. It is here:",
        page="learning-plans",
    ),
    Occasion.OCCASION_PLANNED_END_SET: Wording(
        subject="The planned end of a programme was set",
        text="The day by which a learner is to be through with a standard was set. It is here, with the progress so far:",
        page="progress",
    ),
    Occasion.OCCASION_REVIEW_DUE: Wording(
        subject="The day of a progress review was set",
        text="The last day for the next progress review of a mentorship was set. It is here:",
        page="mentorships",
    ),
    Occasion.OCCASION_REVIEW_SCHEDULED: Wording(
        subject="A progress review is scheduled",
        text="A progress review has been scheduled, or moved. When it takes place is here:",
        page="reviews",
    ),
    Occasion.OCCASION_REVIEW_CANCELLED: Wording(
        subject="A progress review was cancelled",
        text="A scheduled progress review will not take place. Whether another is scheduled is here:",
        page="reviews",
    ),
    Occasion.OCCASION_REVIEW_TO_SIGN: Wording(
        subject="A progress review waits for signatures",
        text="A progress review was recorded, or its record was changed. Read it here; learner, provider and employer each sign it:",
        page="reviews",
    ),
    Occasion.OCCASION_REVIEW_COMPLETED: Wording(
        subject="A progress review is complete",
        text="A progress review was signed by learner, provider and employer. It is here:",
        page="reviews",
    ),
    Occasion.OCCASION_REVIEW_LATE: Wording(
        subject="A progress review is late",
        text="The last day for a progress review is over, and it has not taken place. What is scheduled is here:",
        page="mentorships",
    ),
    Occasion.OCCASION_SIGNATURES_LATE: Wording(
        subject="A progress review was not signed in time",
        text="A progress review still waits for a signature. It can be read and signed here:",
        page="reviews",
    ),
}

OUTLINE: Mapping[Occasion.ValueType, Wording] = {
    Occasion.OCCASION_MENTORSHIP_STARTED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_MENTOR_CHANGED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_SESSION_PLANNED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_MOVED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_CANCELLED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_MISSED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_RECORD_SHARED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_SESSION_RECORD_CORRECTED: _SESSIONS_OUTLINE,
    Occasion.OCCASION_ACTION_ASSIGNED: _ACTIONS_OUTLINE,
    Occasion.OCCASION_ACTION_OVERDUE: _ACTIONS_OUTLINE,
    Occasion.OCCASION_LEARNING_PLAN_PROPOSED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_LEARNING_PLAN_OBJECTED_TO: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_LEARNING_PLAN_AGREED: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_PLANNED_END_SET: _PROGRAMME_OUTLINE,
    Occasion.OCCASION_REVIEW_DUE: _REVIEWS_OUTLINE,
    Occasion.OCCASION_REVIEW_SCHEDULED: _REVIEWS_OUTLINE,
    Occasion.OCCASION_REVIEW_CANCELLED: _REVIEWS_OUTLINE,
    Occasion.OCCASION_REVIEW_TO_SIGN: _REVIEWS_OUTLINE,
    Occasion.OCCASION_REVIEW_COMPLETED: _REVIEWS_OUTLINE,
    Occasion.OCCASION_REVIEW_LATE: _REVIEWS_OUTLINE,
    Occasion.OCCASION_SIGNATURES_LATE: _REVIEWS_OUTLINE,
}
