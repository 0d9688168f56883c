"""Actions of action plans (K8, S8): what somebody of the workplace or the provider does for a learner, by a day, with an outcome."""

from eventkernel.aggregate import Aggregate

from sessions.domain import action_agreement, action_progress, action_state
from sessions.domain.action_state import Action

action = Aggregate("action", initial=Action())
action.decide(action_agreement.agree)
action.decide(action_agreement.agree_in_session)
action.decide(action_agreement.reassign)
action.decide(action_progress.change_due_day)
action.decide(action_progress.contribute)
action.decide(action_progress.complete)
action.decide(action_progress.drop)
action.decide(action_progress.reopen)
action.decide(action_progress.announce_overdue)
action.evolve(action_state.agreed)
action.evolve(action_state.reassigned)
action.evolve(action_state.moved)
action.evolve(action_state.contributed)
action.evolve(action_state.completed)
action.evolve(action_state.dropped)
action.evolve(action_state.reopened)
action.evolve(action_state.told_overdue)
