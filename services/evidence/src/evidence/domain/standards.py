"""A standard from its import to what takes its place: all its decisions together."""

from evidence.domain import standard_life
from evidence.domain.standard import standard

__all__ = ["standard", "standard_life"]
