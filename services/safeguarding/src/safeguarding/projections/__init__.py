"""The read models, each with the query that reads it."""
