"""What follows in this service from what others published: pure policy."""
