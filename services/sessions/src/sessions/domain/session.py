"""One session with one learner: planned, perhaps moved, then held, missed or cancelled, once. What was
recorded of one that was held or missed is superseded by corrections, and never overwritten.

Only the mentor of an active mentorship does any of it, but for the learner's own view; and only KSBs of the mentorship's standard are
touched.
"""

from eventkernel.aggregate import Aggregate

from sessions.domain import session_in_group, session_planning, session_record, session_texts
from sessions.domain.session_state import Session

session = Aggregate("session", initial=Session())
session.decide(session_planning.plan)
session.decide(session_planning.move)
session.decide(session_planning.cancel)
session.decide(session_record.hold)
session.decide(session_record.miss)
session.decide(session_record.correct)
session.decide(session_texts.set_agenda)
session.decide(session_texts.keep_preparation)
session.decide(session_texts.add_learner_view)
session.decide(session_in_group.plan)
session.decide(session_in_group.move)
session.decide(session_in_group.cancel)
session.decide(session_in_group.hold)
session.decide(session_in_group.miss)
session.evolve(session_planning.planned)
session.evolve(session_planning.moved)
session.evolve(session_planning.cancelled)
session.evolve(session_record.held)
session.evolve(session_record.missed)
session.evolve(session_record.corrected)
session.evolve(session_texts.agenda_was_set)
session.evolve(session_texts.preparation_kept)
session.evolve(session_texts.learner_view_added)
session.evolve(session_in_group.refused)
