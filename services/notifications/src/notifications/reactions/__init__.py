"""What follows from an event: commands, by pure policy."""
