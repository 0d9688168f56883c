"""The checker: it asks no service. It reads the history, the stores, the topics and the mail, and says of each invariant whether it held."""
