"""What is read of progress and evidence, and the queries that read it."""
