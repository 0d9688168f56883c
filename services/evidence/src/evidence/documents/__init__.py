"""A document as HTML, of the same content as its PDF."""
