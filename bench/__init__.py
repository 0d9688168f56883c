"""Measurements: each figure is taken in turn with the same work done by the bare parts, on the same machine and data."""
