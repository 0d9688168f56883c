"""Learning plans (K3, S3), one for each mentorship of a learner: activities aimed at KSBs, the hours done on them, and versions that the
support team agrees to.
"""

from eventkernel.aggregate import Aggregate

from sessions.domain import learning_plan_state, plan_activities, plan_agreement, plan_hours
from sessions.domain.learning_plan_state import LearningPlans

learning_plans = Aggregate("learning-plans", initial=LearningPlans())
learning_plans.decide(plan_activities.plan_activity)
learning_plans.decide(plan_activities.change_activity)
learning_plans.decide(plan_activities.withdraw_activity)
learning_plans.decide(plan_agreement.propose)
learning_plans.decide(plan_agreement.agree)
learning_plans.decide(plan_agreement.object_to)
learning_plans.decide(plan_hours.report)
learning_plans.decide(plan_hours.correct)
learning_plans.decide(plan_hours.count_session)
learning_plans.evolve(learning_plan_state.planned)
learning_plans.evolve(learning_plan_state.changed)
learning_plans.evolve(learning_plan_state.withdrawn)
learning_plans.evolve(learning_plan_state.reported)
learning_plans.evolve(learning_plan_state.corrected)
learning_plans.evolve(learning_plan_state.counted)
learning_plans.evolve(learning_plan_state.proposed)
learning_plans.evolve(learning_plan_state.agreed_to)
learning_plans.evolve(learning_plan_state.objected_to)
learning_plans.evolve(learning_plan_state.agreed)
