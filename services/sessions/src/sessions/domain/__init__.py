"""What may happen to mentorships and sessions: pure functions, no I/O."""
