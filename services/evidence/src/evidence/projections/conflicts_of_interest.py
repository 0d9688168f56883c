"""Who must not judge a learner's evidence."""

from eventkernel.reading import Reader
from mentoring.evidence.v1.judging_pb2 import GetConflictsOfInterestRequest, GetConflictsOfInterestResponse

from evidence.domain.conflicts import conflicts


async def get_conflicts_of_interest(
    request: GetConflictsOfInterestRequest, read: Reader
) -> GetConflictsOfInterestResponse:
    """Those who must not now. Without the reasons, which are theirs."""
    found = await read.state(conflicts, f"conflicts-{request.learner_id}")
    return GetConflictsOfInterestResponse(assessor_ids=sorted(found.assessor_ids))
