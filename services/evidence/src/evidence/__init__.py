"""The evidence service: standards, evidence claimed and judged against them, and each learner's progress."""
