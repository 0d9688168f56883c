"""Where an artefact's bytes are."""

from eventkernel.blobs.sealed import Place


def place_of(tenant: str, learner_id: str, evidence_id: str, artefact_id: str) -> Place:
    """Below the piece, sealed with the learner's key."""
    return Place(tenant, learner_id, f"{evidence_id}/{artefact_id}")
