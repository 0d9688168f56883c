"""What reaches outside the events, after the event that asks for it is stored."""
