"""A concern, from the raise to its close: always with a status, and with a deadline until a person acknowledges it and acts.

Once it was acknowledged, what others add to it waits for an acknowledgement like the concern itself.
"""

from eventkernel.aggregate import Aggregate

from safeguarding.domain import asking, attaching, exporting, handling, merging, passing_on, raising, tasks
from safeguarding.domain.concern_state import Concern

# Shape 2: who was asked before it was found to be about a DSL is a handler no more. 3: who is in it, and who is kept away beside. 4: nobody has a
# task of before it was found to be about a DSL, and a file that a handler attaches counts as recorded. 5: who merged others into it.
concern = Aggregate("concern", initial=Concern(), shape=5)
concern.decide(raising.raise_concern)
concern.decide(raising.add_to)
concern.decide(raising.link)
concern.decide(asking.escalate)
concern.decide(asking.acknowledge)
concern.decide(asking.meet_due)
concern.decide(asking.triage)
concern.decide(handling.record_action)
concern.decide(handling.refer)
concern.decide(handling.answer_referral)
concern.decide(handling.close)
concern.decide(handling.reopen)
concern.decide(passing_on.pass_on)
concern.decide(attaching.begin)
concern.decide(attaching.attach)
concern.decide(attaching.end)
concern.decide(attaching.expire)
concern.decide(tasks.give_task)
concern.decide(tasks.finish_task)
concern.decide(exporting.note_exported)
concern.decide(merging.merge)
concern.decide(merging.join)
concern.decide(merging.hear_of)
concern.decide(merging.separate)
concern.decide(merging.let_go)
concern.evolve(raising.raised)
concern.evolve(raising.received)
concern.evolve(raising.added_to)
concern.evolve(raising.linked)
concern.evolve(asking.assigned)
concern.evolve(asking.escalated)
concern.evolve(asking.lapsed)
concern.evolve(asking.found_about_dsl)
concern.evolve(asking.acknowledged)
concern.evolve(asking.due)
concern.evolve(asking.chased)
concern.evolve(asking.triaged)
concern.evolve(asking.rota_looked_at)
concern.evolve(handling.action_recorded)
concern.evolve(handling.referral_made)
concern.evolve(handling.referral_answered)
concern.evolve(handling.closure_explained)
concern.evolve(handling.closed)
concern.evolve(handling.reopening_explained)
concern.evolve(handling.reopened)
concern.evolve(passing_on.explained)
concern.evolve(passing_on.passed_on)
concern.evolve(passing_on.lapsed)
concern.evolve(attaching.begun)
concern.evolve(attaching.attached)
concern.evolve(attaching.ended)
concern.evolve(tasks.explained)
concern.evolve(tasks.given)
concern.evolve(tasks.chased)
concern.evolve(tasks.done)
concern.evolve(exporting.exported)
concern.evolve(merging.merge_explained)
concern.evolve(merging.merge_begun)
concern.evolve(merging.merged)
concern.evolve(merging.heard_of)
concern.evolve(merging.separation_explained)
concern.evolve(merging.separated)
concern.evolve(merging.let_go_of)
concern.evolve(merging.added_to)


def stream_of(concern_id: str) -> str:
    """The stream of a concern."""
    return f"{concern.name}-{concern_id}"
