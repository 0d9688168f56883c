"""Rotas by the command line: whether somebody is on duty at all times."""
