"""What is told, of which kind of information, and to whom it goes: a circle by the matrix, whoever has a part in it by that, a concern
by the part a person has in it, a contact or a skill to whom it belongs.

Nobody is told of their own act: whose it was stands in the event, since a record carries no actor. Where the event does not say it, everybody
with the need is told. The start of a mentorship is told as PROGRESS: it is where a learner's
progress on a standard begins, and everyone who works towards that (assessor, employer, provider) needs to know, which the SESSION row
would not tell them.

What happened in one mentorship is told to nobody of another: they may be at another employer. Evidence belongs to a standard, and a
learner has one mentorship at a time on it.

One reaction, so that each event is told of once, in whichever module it stands: another name would hear all of history anew.
"""

from notifications.reactions.telling import (
    assessments,
    contacts,
    evidence,
    issues,
    plans,
    reviews,
    safeguarding,
    sampling,
    sessions,
    skills,
)
from notifications.reactions.telling.reaction import telling

__all__ = [
    "assessments",
    "contacts",
    "evidence",
    "issues",
    "plans",
    "reviews",
    "safeguarding",
    "sampling",
    "sessions",
    "skills",
    "telling",
]
