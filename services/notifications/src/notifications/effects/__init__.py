"""What reaches outside the service, after the event that asks for it is stored."""
