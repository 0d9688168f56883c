"""Documents on paper that people keep, made of headings, lines and tables."""
