"""What follows from an event. Pure policy, no I/O."""
