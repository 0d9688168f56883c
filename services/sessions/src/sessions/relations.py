"""Who is in the support team of a mentorship, for what a request is about: the learner, the mentor, and parties with a legitimate need.

It is asked of the mentorships as they are now: one that has ended gives nobody but the learner a part in it.
"""

from eventkernel.contract import fill
from eventkernel.reading import Ask
from mentoring.sessions.v1.learning_plan_pb2 import AgreeToLearningPlanRequest, ObjectToLearningPlanRequest

from sessions.domain.mentorship import mentorships
from sessions.domain.mentorship_state import Mentorships
from sessions.domain.plan_agreement import SIGNERS
from sessions.domain.support_team import relationships

_SIGNING = (AgreeToLearningPlanRequest, ObjectToLearningPlanRequest)


async def in_support_team(ask: Ask) -> bool:
    """The caller has a legitimate need of the mentorship's learning plan.

    That is progress on a standard (DOMAIN.md, Need to know): told in full to those who agree to a plan. A manager of the provider reads
    without being attached, and agrees to nothing without.
    """
    person_id = ask.principal.person_id
    if person_id == fill("{learner_id}", ask.request):
        return True
    signing = isinstance(ask.request, _SIGNING)
    if not signing and "provider_manager" in ask.principal.roles:
        return True
    found = (await _mentorships(ask)).find_active(fill("{mentorship_id}", ask.request))
    if found is None:
        return False
    is_mentor = person_id == found.mentor_id and not signing
    return is_mentor or not relationships(found, person_id).isdisjoint(SIGNERS)


async def _mentorships(ask: Ask) -> Mentorships:
    return await ask.read.state(mentorships, fill("mentorships-{learner_id}", ask.request))
