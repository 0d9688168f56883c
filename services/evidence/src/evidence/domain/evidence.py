"""One piece of evidence: claimed against KSBs by its author, judged by somebody else, never overwritten. All its decisions together."""

from evidence.domain import artefacts, judging, submitting
from evidence.domain.piece import CRITERIA, Evidence, Judgement, Standing, evidence

__all__ = ["CRITERIA", "Evidence", "Judgement", "Standing", "artefacts", "evidence", "judging", "submitting"]
