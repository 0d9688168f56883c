"""The words of what one person alone is told: about a concern by their part in it, about their own contact, about their own skill.

None has an outline: it is told in full to the few who are told."""

from collections.abc import Mapping

from mentoring.notifications.v1.events_pb2 import Occasion

from notifications.texts.wording import Wording

FULL: Mapping[Occasion.ValueType, Wording] = {
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
    Occasion.OCCASION_SKILL_LAPSING: Wording(
        subject="A vocational skill is about to lapse",
        text="The last day on which one of your vocational skills is current is near. Which one, and how to keep it current, is here:",
        page="skills",
    ),
    Occasion.OCCASION_SKILL_LAPSED: Wording(
        subject="A vocational skill has lapsed",
        text="One of your vocational skills is current no more. Which one, and how to make it current again, is here:",
        page="skills",
    ),
}
