"""A concern as a document: what is known of it, who of it is named, and how it is laid out."""
