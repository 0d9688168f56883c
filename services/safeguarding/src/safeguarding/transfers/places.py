"""Where an attachment's bytes are."""

from eventkernel.blobs.sealed import Place


def place_of(tenant: str, person_at_risk_id: str, concern_id: str, attachment_id: str) -> Place:
    """Below the concern, sealed with the key of the person at risk."""
    return Place(tenant, person_at_risk_id, f"{concern_id}/{attachment_id}")
