"""Who operates, and how far: within one tenant, or over all of them."""

from dataclasses import dataclass

from eventkernel.access import Denied
from eventkernel.aggregate import Refusal
from eventkernel.messages import Principal


@dataclass(frozen=True, slots=True)
class Operator:
    """One caller of the operations RPC.

    Args:
        everywhere: a token of the tenant that the installation names: it sees all tenants, and what has none.
    """

    principal: Principal
    everywhere: bool
    correlation_id: str

    @property
    def sees(self) -> str | None:
        """The one tenant whose records may be seen; None for all."""
        return None if self.everywhere else self.principal.tenant

    def require_everywhere(self) -> None:
        """Raises Denied for an operator of one tenant: what spans tenants would tell of the others."""
        if not self.everywhere:
            raise Denied("this spans tenants: it is for operators of the tenant that OPERATIONS_TENANT names")

    def reasoned(self, reason: str) -> str:
        """The reason that was given; raises Refusal where there is none."""
        if not reason.strip():
            raise Refusal("REASON_NEEDED", "say why: it is kept in the record of acts", field="reason")
        return reason.strip()
