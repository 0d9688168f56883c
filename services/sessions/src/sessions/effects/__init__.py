"""What is neither a decision nor a policy: text that is sealed in one stream, sealed anew in another."""
