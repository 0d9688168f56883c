"""Every standard that the evidence service imports is learnt here, so that mentorships can start on it; and they follow their learners' migrations."""

from collections.abc import Iterator

from eventkernel.messages import Metadata
from eventkernel.reaction import Reaction
from mentoring.evidence.v1.events_pb2 import StandardImported
from mentoring.evidence.v1.standard_events_pb2 import LearnerMigrated, StandardRetired
from mentoring.sessions.v1.following_pb2 import FollowMigrationRequest, LearnRetirementRequest
from mentoring.sessions.v1.sessions_pb2 import LearnStandardRequest

learning_standards = Reaction("learning_standards")


@learning_standards.on
def learn(event: StandardImported, _meta: Metadata) -> Iterator[LearnStandardRequest]:
    """Keeps the codes, in the standard's order."""
    yield LearnStandardRequest(standard=event.standard, ksb_codes=[ksb.code for ksb in event.ksbs])


@learning_standards.on
def learn_retirement(event: StandardRetired, _meta: Metadata) -> Iterator[LearnRetirementRequest]:
    """Keeps the day from which no mentorship starts on it."""
    yield LearnRetirementRequest(standard=event.standard, from_day=event.from_day)


@learning_standards.on
def follow_migration(event: LearnerMigrated, meta: Metadata) -> Iterator[FollowMigrationRequest]:
    """The learner's mentorship goes with them."""
    yield FollowMigrationRequest(
        learner_id=event.learner_id, standard=event.standard, to=event.to, migration=meta.version
    )
