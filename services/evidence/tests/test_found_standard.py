"""Reviews and assessments follow a mentorship onto another standard."""

from datetime import UTC, datetime

from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from evidence.reactions.reviews import reviewing
from mentoring.common.v1.common_pb2 import StandardVersion
from mentoring.sessions.v1.mentorship_events_pb2 import StandardChanged

from .review_stories import OF, PARTIES, ask, started


def test_a_mentorship_that_goes_on_by_another_standard_is_reviewed_by_that() -> None:
    changed = StandardChanged(
        **OF,
        mentor_id="mentor-1",
        standard=StandardVersion(reference="ST1379", version="1.0"),
        parties=PARTIES,
        ksb_codes=["K1", "K9"],
    )
    meta = Metadata("event-1", "type", "provider-1", "mentorships-learner-1", 2, datetime(2026, 9, 1, tzinfo=UTC))
    policy = reviewing.policies.get(StandardChanged)
    story = started()
    for request in policy(changed, meta) if policy else ():
        assert not isinstance(request, Later)
        story = ask(story, request).after()
    mentored = story.state.mentored
    assert mentored is not None
    assert (mentored.reference, mentored.ksb_codes) == ("ST1379", ("K1", "K9"))
