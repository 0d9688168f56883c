"""What is read of sessions, and the queries that read it."""
