"""What may happen to standards and evidence: pure functions, no I/O."""
