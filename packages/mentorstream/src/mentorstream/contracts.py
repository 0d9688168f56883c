"""The services as a caller knows them: their contracts, and nothing of their code."""

from collections.abc import Mapping

from eventkernel.contract import Contract
from mentoring.evidence.v1 import events_pb2 as evidence_events
from mentoring.evidence.v1 import evidence_pb2
from mentoring.notifications.v1 import events_pb2 as notifications_events
from mentoring.notifications.v1 import notifications_pb2
from mentoring.safeguarding.v1 import events_pb2 as safeguarding_events
from mentoring.safeguarding.v1 import safeguarding_pb2
from mentoring.sessions.v1 import events_pb2 as sessions_events
from mentoring.sessions.v1 import sessions_pb2

CONTRACTS: Mapping[str, Contract] = {
    "sessions": Contract([sessions_events.DESCRIPTOR, sessions_pb2.DESCRIPTOR]),
    "evidence": Contract([evidence_events.DESCRIPTOR, evidence_pb2.DESCRIPTOR]),
    "safeguarding": Contract([safeguarding_events.DESCRIPTOR, safeguarding_pb2.DESCRIPTOR]),
    "notifications": Contract([notifications_events.DESCRIPTOR, notifications_pb2.DESCRIPTOR]),
}
SERVICES = tuple(CONTRACTS)
