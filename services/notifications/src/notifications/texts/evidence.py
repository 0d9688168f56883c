"""The words about evidence, assessments, and samples of what was assessed."""

from collections.abc import Mapping

from mentoring.notifications.v1.events_pb2 import Occasion

from notifications.texts.wording import Wording

_EVIDENCE_OUTLINE = Wording(
    subject="News about a learner's evidence",
    text="Something has changed about a piece of a learner's evidence. You are told this in outline; ask the mentor for more.",
    page="notices",
)
_ASSESSMENTS_OUTLINE = Wording(
    subject="News about an assessment of a learner",
    text="Something has changed about an assessment of a learner. You are told this in outline; ask the mentor for more.",
    page="notices",
)
_SAMPLES_OUTLINE = Wording(
    subject="News about quality assurance",
    text="Something has changed in the sampling of a learner's evidence. You are told this in outline; ask the mentor for more.",
    page="notices",
)

FULL: Mapping[Occasion.ValueType, Wording] = {
    Occasion.OCCASION_EVIDENCE_ACCEPTED: Wording(
        subject="Evidence was accepted",
        text="An assessor has accepted a piece of evidence. The decision and the feedback are here:",
        page="evidence",
    ),
    Occasion.OCCASION_EVIDENCE_REFERRED: Wording(
        subject="Evidence needs more work",
        text="An assessor has referred a piece of evidence back. What is still missing is here:",
        page="evidence",
    ),
    Occasion.OCCASION_EVIDENCE_RESUBMITTED: Wording(
        subject="Evidence was submitted again",
        text="A piece of evidence that was referred back was submitted again, and waits to be judged. It is here:",
        page="evidence",
    ),
    Occasion.OCCASION_EVIDENCE_WITHDRAWN: Wording(
        subject="Evidence was withdrawn",
        text="A piece of evidence was taken back and counts for nothing any more. Its history is here:",
        page="evidence",
    ),
    Occasion.OCCASION_EVIDENCE_DECISION_SUPERSEDED: Wording(
        subject="A decision on evidence stands no longer",
        text="Another decision was put in the place of one on a piece of evidence. Both are here:",
        page="evidence",
    ),
    Occasion.OCCASION_SAMPLE_ACTION_REQUIRED: Wording(
        subject="Internal quality assurance asks something of you",
        text="A piece that you assessed was sampled, and something is asked of you. What it is, and by when, is here:",
        page="samples",
    ),
    Occasion.OCCASION_SAMPLE_ACTION_OVERDUE: Wording(
        subject="What quality assurance asked of you is overdue",
        text="The day is over for what was asked of you about a piece that you assessed. What it is, and how to answer, is here:",
        page="samples",
    ),
    Occasion.OCCASION_SAMPLE_ACTION_CLOSED: Wording(
        subject="What quality assurance asked of you is closed",
        text="What was asked of you about a piece that you assessed is closed. What the IQA holds of it by now is here:",
        page="samples",
    ),
    Occasion.OCCASION_ASSESSMENT_ASKED: Wording(
        subject="An assessment is asked for",
        text="An assessment is asked for. What is to be assessed, and how to answer, is here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_ACCEPTED: Wording(
        subject="An assessment was taken on",
        text="An assessment that was asked for has been taken on. How it stands is here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_DECLINED: Wording(
        subject="An assessment was declined",
        text="An assessment that was asked for was declined. Somebody else can be asked here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_SCHEDULED: Wording(
        subject="An assessment is scheduled",
        text="An assessment has been scheduled, or moved. When it takes place is here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_CHASED: Wording(
        subject="An assessment is late",
        text="An answer, an appointment or a decision is late in an assessment that was asked for. Which, and how to go on, is here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_DECIDED: Wording(
        subject="An assessment is decided",
        text="An assessment that was asked for is decided. The outcome and the feedback are here:",
        page="assessments",
    ),
    Occasion.OCCASION_ASSESSMENT_CALLED_OFF: Wording(
        subject="An assessment is not asked of you any more",
        text="An assessment that you were asked for is not asked of you any more. There is nothing left to do about it:",
        page="assessments",
    ),
}

OUTLINE: Mapping[Occasion.ValueType, Wording] = {
    Occasion.OCCASION_EVIDENCE_ACCEPTED: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_EVIDENCE_REFERRED: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_EVIDENCE_RESUBMITTED: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_EVIDENCE_WITHDRAWN: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_EVIDENCE_DECISION_SUPERSEDED: _EVIDENCE_OUTLINE,
    Occasion.OCCASION_SAMPLE_ACTION_REQUIRED: _SAMPLES_OUTLINE,
    Occasion.OCCASION_SAMPLE_ACTION_OVERDUE: _SAMPLES_OUTLINE,
    Occasion.OCCASION_SAMPLE_ACTION_CLOSED: _SAMPLES_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_ASKED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_ACCEPTED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_DECLINED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_SCHEDULED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_CHASED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_DECIDED: _ASSESSMENTS_OUTLINE,
    Occasion.OCCASION_ASSESSMENT_CALLED_OFF: _ASSESSMENTS_OUTLINE,
}
