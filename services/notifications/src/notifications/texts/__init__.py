"""The words of every message, as data: a file for each language, and `matters.toml` for what is the same in all of them.

A full text says what happened; an outline says only which matter it belongs to. No text names a person or tells of a record's
content: the link does, to whoever may see it after signing in.
"""

from notifications.texts.words import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    MATTERS,
    Matter,
    Wording,
    Words,
    has_words,
    page,
    words_in,
)

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "MATTERS", "Matter", "Wording", "Words", "has_words", "page", "words_in"]
