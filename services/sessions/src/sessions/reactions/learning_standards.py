"""Every standard that the evidence service imports is learnt here, so that mentorships can start on it."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.evidence.v1.events_pb2 import StandardImported
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest

learning_standards = Reaction("learning_standards")


@learning_standards.on
def learn(event: StandardImported, _meta: Metadata) -> Iterator[LearnStandardRequest]:
    """Keeps the codes, in the standard's order."""
    yield LearnStandardRequest(standard=event.standard, ksb_codes=[ksb.code for ksb in event.ksbs])
