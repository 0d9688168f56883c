"""Stored bytes that are too many for an event: a port, its adapters, and sealing in parts."""
