"""Documents that are made for people to keep: HTML and PDF of the same content."""
