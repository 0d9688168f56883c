"""One learner's way through the KSBs as a document: what `ksb_progress` keeps, and the figures are added up from."""

from mentoring.evidence.v1.events_pb2 import DECISION_UNSPECIFIED, Decision
from pydantic import BaseModel


class Break(BaseModel):
    """A break in learning; its first day, and the first day of learning again, empty while it lasts."""

    first_day: str
    returned_on: str = ""


class Mentorship(BaseModel):
    """A mentorship on a version of a standard, started at milliseconds since 1970."""

    reference: str
    version: str
    mentor_id: str
    employer_id: str
    site_id: str
    started_ms: int
    active: bool = True
    breaks: list[Break] = []


class Touched(BaseModel):
    """How long a KSB was practised, in seconds, and when that was recorded, in milliseconds since 1970."""

    seconds: int
    ms: int


class Session(BaseModel):
    """A session that was not cancelled: what it aims at, and, once it was held, how long it was and what it touched.

    Its record may be of another version than its plan: the learner was migrated in between. `record_reference` is empty where it is not.
    """

    reference: str
    version: str
    aims: list[str]
    starts_ms: int
    missed: bool = False
    held: bool = False
    seconds: int = 0
    touched: dict[str, Touched] = {}
    record_reference: str = ""
    record_version: str = ""

    @property
    def planned_on(self) -> tuple[str, str]:
        """Reference and version of what its aims are KSBs of."""
        return self.reference, self.version

    @property
    def recorded_on(self) -> tuple[str, str]:
        """Reference and version of what it touched KSBs of."""
        return (self.record_reference, self.record_version) if self.record_reference else self.planned_on


class Activity(BaseModel):
    """An activity of a learning plan. What was done on one that was withdrawn stays done."""

    reference: str
    version: str
    ksb_codes: list[str]
    withdrawn: bool = False


class Report(BaseModel):
    """Hours done on an activity, aimed at the KSBs that it had then."""

    activity_id: str
    reference: str
    version: str
    ksb_codes: list[str]
    seconds: int
    off_the_job: bool
    ms: int


class Claim(BaseModel):
    """How a piece stands that is claimed against a KSB: it waits, or was accepted or referred back, by whom, in milliseconds since 1970.

    `number` is the decision's among those on the piece. `origin` is the reference, version and code that it was claimed against where it was carried over; nothing where it was not.
    """

    decision: Decision.ValueType = DECISION_UNSPECIFIED
    decided_by: str = ""
    decided_ms: int = 0
    number: int = 0
    touched_ms: int = 0
    origin: tuple[str, str, str] | None = None


class Piece(BaseModel):
    """A piece of evidence and its claims by KSB."""

    reference: str
    version: str
    claims: dict[str, Claim] = {}


class Way(BaseModel):
    """A migration: what each KSB of a version becomes in another, none where it is dropped."""

    reference: str
    version: str
    to_reference: str
    to_version: str
    codes: dict[str, list[str]]

    @property
    def source(self) -> tuple[str, str]:
        """Reference and version of where it comes from."""
        return self.reference, self.version

    @property
    def target(self) -> tuple[str, str]:
        """Reference and version of where it leads to."""
        return self.to_reference, self.to_version


class LearnerProgress(BaseModel):
    """One learner.

    By mentorship: `minimum_seconds` off the job, and `reviews_late_ms`, after which a review is missing, 0 where none is due. By piece and
    KSB: `confirmed`, the numbers of the decisions whose acceptance the IQA confirmed. `planned_ends` has days by standard and version,
    `counted_off_the_job` the sessions that were said to be off the job. `mentor_ids`: who mentors the learner now.
    """

    learner_id: str
    mentorships: dict[str, Mentorship] = {}
    minimum_seconds: dict[str, int] = {}
    reviews_late_ms: dict[str, int] = {}
    sessions: dict[str, Session] = {}
    activities: dict[str, Activity] = {}
    reports: dict[str, Report] = {}
    counted_off_the_job: dict[str, bool] = {}
    pieces: dict[str, Piece] = {}
    confirmed: dict[str, dict[str, list[int]]] = {}
    planned_ends: dict[str, str] = {}
    ways: list[Way] = []
    mentor_ids: list[str] = []
