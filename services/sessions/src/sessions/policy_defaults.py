"""What holds until a provider sets its own. It is data, in `policy_defaults.json`, with its source (DOMAIN.md, Rules that carry numbers)."""

import json
from datetime import timedelta
from importlib import resources

_content = json.loads(resources.files(__package__).joinpath("policy_defaults.json").read_text(encoding="utf-8"))

TIME_ZONE: str = _content["time_zone"]["name"]
SKILL_NOTICE_DAYS: int = _content["skills"]["notice_days"]
MINIMUM_OFF_THE_JOB = timedelta(hours=_content["off_the_job"]["minimum_hours"])
MINIMUM_SOURCE: str = _content["off_the_job"]["source"]
CALENDAR_DAYS_BACK: int = _content["calendar"]["days_back"]
LEAST_PEOPLE: int = _content["practice"]["least_people"]
ISSUE_ANSWER_WORKING_DAYS: int = _content["issues"]["answer_working_days"]
ISSUE_CHASES: int = _content["issues"]["chases"]
ISSUE_IDLE_WORKING_DAYS: int = _content["issues"]["idle_working_days"]
