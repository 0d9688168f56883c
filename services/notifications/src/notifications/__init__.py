"""Tells those with a legitimate need to know, and nobody else."""
