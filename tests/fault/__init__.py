"""Faults injected into the real platform, and a checker that stands apart from it. `python -m tests.fault --list` names them."""
