"""Progress by the command line: one learner, and a cohort without names."""
