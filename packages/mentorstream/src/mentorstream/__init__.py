"""The command line of the platform, and what it needs to run everything on one machine."""
