"""The ledger by the command line: who was told what about a learner."""
