"""Concerns about people at risk: raised by anyone, routed, escalated until a person has them, read by their handlers alone."""
