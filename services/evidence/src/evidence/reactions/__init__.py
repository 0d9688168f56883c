"""What follows in this service from what others published: nothing yet; it keeps progress, and acts when it is asked to."""
