"""The running service, for each test a new one."""

from .running import api

__all__ = ["api"]
