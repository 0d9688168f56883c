"""Issues (S5): what affects a learner's progress or well-being, referred to those with a legitimate need, and tracked to an outcome."""

from eventkernel.aggregate import Aggregate

from sessions.domain import issue_raising, issue_referral, issue_state, issue_work
from sessions.domain.issue_state import Issue

issue = Aggregate("issue", initial=Issue())
issue.decide(issue_raising.raise_issue)
issue.decide(issue_raising.record_outcome)
issue.decide(issue_raising.reopen)
issue.decide(issue_referral.refer)
issue.decide(issue_referral.accept)
issue.decide(issue_referral.decline)
issue.decide(issue_referral.withdraw)
issue.decide(issue_referral.chase)
issue.decide(issue_work.add)
issue.decide(issue_work.agree_next_step)
issue.decide(issue_work.report_idle)
issue.evolve(issue_state.raised)
issue.evolve(issue_state.described)
issue.evolve(issue_state.referred)
issue.evolve(issue_state.referral_explained)
issue.evolve(issue_state.accepted)
issue.evolve(issue_state.declined)
issue.evolve(issue_state.withdrawn)
issue.evolve(issue_state.chased)
issue.evolve(issue_state.reminder_put_off)
issue.evolve(issue_state.added_to)
issue.evolve(issue_state.note_kept)
issue.evolve(issue_state.step_agreed)
issue.evolve(issue_state.step_explained)
issue.evolve(issue_state.closed)
issue.evolve(issue_state.outcome_kept)
issue.evolve(issue_state.reopened)
issue.evolve(issue_state.reason_kept)
issue.evolve(issue_state.told_idle)
