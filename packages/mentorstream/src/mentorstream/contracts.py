"""The services as a caller knows them: their contracts, and nothing of their code."""

from collections.abc import Mapping

from eventkernel.contract import Contract, files_of

SERVICES = ("sessions", "evidence", "safeguarding", "notifications")
CONTRACTS: Mapping[str, Contract] = {name: Contract(files_of(f"mentoring.{name}.v1")) for name in SERVICES}
