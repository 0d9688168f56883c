"""Concerns by the command line: what is open, what happened in one, and its export."""
