"""What may happen to the files of a concern: who may attach, within which limits, and that whoever has it is told."""

from datetime import timedelta
from typing import Any

import pytest
from eventkernel.messages import Principal
from eventkernel.testing.reading import LaidDown
from eventkernel.testing.scenario import NOON, given, person
from google.protobuf.duration_pb2 import Duration
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.safeguarding.v1 import attachment_events_pb2 as attachment_events
from mentoring.safeguarding.v1 import attachments_pb2 as attachments
from mentoring.safeguarding.v1 import events_pb2 as events
from mentoring.safeguarding.v1 import safeguarding_pb2 as calls
from safeguarding.attachment_file import get_attachment_policy
from safeguarding.domain.attachment import attachment_id_of
from safeguarding.domain.attachment_policy import AttachmentPolicyState, attachment_policy
from safeguarding.service import build

from .stories import (
    DSL,
    HOUR,
    LEARNER,
    MENTOR,
    STRANGER,
    Tale,
    a_concern,
    a_file,
    acknowledged,
    an_addition,
    closure,
    dsl,
    file_came,
    file_failed,
    mentor,
    platform,
    raised,
    refusal_of,
    timestamp,
)

CONTRACT = build().contract
A_DAY = timedelta(days=1)
SMALL = AttachmentPolicyState(10_000, 1, ("application/pdf",), HOUR, 100)


def begun(by: Principal = mentor) -> Tale:
    tale = raised()
    tale.give(a_file(), by)
    return tale


def expiry(tale: Tale) -> attachments.ExpireAttachmentRequest:
    return attachments.ExpireAttachmentRequest(
        concern_id="concern-1", attachment_id=tale.state.attachments[0].attachment_id
    )


def test_the_raiser_announces_a_file_and_its_name_is_sealed_for_the_person_at_risk() -> None:
    assert raised().give(a_file(), mentor) == [
        attachment_events.ConcernAttachmentBegun(
            concern_id="concern-1",
            person_at_risk_id=LEARNER,
            attachment_id=attachment_id_of("concern-1", MENTOR, "upload-1"),
            author_id=MENTOR,
            file_name=Sealed(to_be_sealed="the-file.pdf"),
            media_type="application/pdf",
            size=1000,
            sha256=b"\x07" * 32,
            part_bytes=1048576,
            expires_at=timestamp(NOON + A_DAY),
        )
    ]


def test_nothing_of_a_file_is_published_but_that_the_concern_was_added_to() -> None:
    tale = begun()
    assert not any(CONTRACT.of(event).published for event in tale.happened[3:])
    attached, asked = tale.give(file_came(), platform)
    assert not CONTRACT.of(attached).published
    assert isinstance(asked, events.ConcernAssigned)
    other = raised()
    (*_, asked_of_text) = other.give(an_addition(), mentor)
    assert asked == asked_of_text


def test_a_handler_may_and_of_anybody_else_the_answer_is_as_of_no_concern() -> None:
    begun(dsl)
    for tale, by in ((raised(), person(STRANGER, "dsl")), (raised(), person(LEARNER, "learner")), (Tale(), mentor)):
        found = refusal_of(tale, a_file(), by)
        assert (found.code, found.text) == ("CONCERN_NOT_YOURS", refusal_of(Tale(), an_addition(), mentor).text)
    named = raised(a_concern(naming=[DSL]))
    assert refusal_of(named, a_file(), dsl).code == "CONCERN_NOT_YOURS"


def test_two_people_may_call_theirs_the_same_and_neither_learns_of_the_other() -> None:
    tale = begun(dsl)
    tale.give(a_file(size=5), mentor)
    first, second = tale.state.attachments
    assert first.attachment_id != second.attachment_id
    tale.give(file_came(DSL), platform)
    assert [one.attached for one in tale.state.attachments] == [True, False]


def test_announcing_it_again_changes_nothing_and_otherwise_is_refused() -> None:
    tale = begun()
    assert tale.give(a_file(), mentor) == []
    assert refusal_of(tale, a_file(size=999), mentor).code == "UPLOAD_EXISTS"
    assert refusal_of(tale, a_file(sha256=b"\x08" * 32), mentor).field == "upload_id"
    tale.give(file_came(), platform)
    assert tale.give(a_file(), mentor) == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"size": 262144001}, "ATTACHMENT_TOO_LARGE", "size"),
        ({"media_type": "application/x-msdownload"}, "MEDIA_TYPE_NOT_TAKEN", "media_type"),
        ({"file_name": "../../etc/passwd"}, "FILE_NAME_INVALID", "file_name"),
    ],
)
def test_what_the_policy_does_not_take(changes: dict[str, Any], code: str, field: str) -> None:
    found = refusal_of(raised(), a_file(**changes), mentor)
    assert (found.code, found.field) == (code, field)


def test_one_person_attaches_so_many_and_what_others_attached_does_not_count() -> None:
    tale = raised()
    tale.files = SMALL
    tale.give(a_file(), dsl)
    tale.give(file_came(DSL), platform)
    tale.give(a_file(), mentor)
    another = a_file("upload-2")
    assert refusal_of(tale, another, mentor).code == "TOO_MANY_ATTACHMENTS"
    tale.now += HOUR
    tale.give(another, mentor)
    tale.give(file_came(MENTOR, "upload-2"), platform)
    tale.now += A_DAY
    assert refusal_of(tale, a_file("upload-3"), mentor).code == "TOO_MANY_ATTACHMENTS"


def test_one_that_came_to_nothing_does_not_count() -> None:
    tale = raised()
    tale.files = SMALL
    tale.give(a_file(), mentor)
    tale.give(file_failed(), platform)
    assert tale.give(a_file("upload-2"), mentor)
    assert "wrong hash" in refusal_of(tale, file_came(), platform).text


def test_what_is_attached_is_told_once_with_a_deadline_also_where_it_was_closed() -> None:
    tale = acknowledged()
    tale.give(closure, dsl)
    tale.give(a_file(), mentor)
    assert tale.state.status == calls.CONCERN_STATUS_CLOSED
    attached, asked = tale.give(file_came(), platform)
    assert isinstance(attached, attachment_events.ConcernAttached)
    assert isinstance(asked, events.ConcernAssigned)
    assert (asked.assignee_id, asked.assignee_role) == (DSL, events.ASSIGNEE_ROLE_HANDLER)
    assert tale.state.status == calls.CONCERN_STATUS_AWAITING_ACKNOWLEDGEMENT
    assert tale.state.added_to_at == tale.now
    assert tale.give(file_came(), platform) == []


def test_whoever_has_it_and_attaches_is_not_asked_to_read_it() -> None:
    tale = acknowledged()
    tale.give(a_file(), dsl)
    assert len(tale.give(file_came(DSL), platform)) == 1


def test_who_turned_out_to_be_in_it_meanwhile_attaches_no_more() -> None:
    tale = begun(dsl)
    tale.give(an_addition(DSL), mentor)
    assert refusal_of(tale, file_came(DSL), platform).code == "CONCERN_NOT_YOURS"


def test_an_upload_expires_when_its_time_is_over_and_not_before() -> None:
    tale = begun()
    tale.now += A_DAY - timedelta(seconds=1)
    assert tale.give(expiry(tale), platform) == []
    tale.now += timedelta(seconds=1)
    (ended,) = tale.give(expiry(tale), platform)
    assert isinstance(ended, attachment_events.ConcernAttachmentEnded)
    assert ended.ending == attachment_events.ATTACHMENT_ENDING_EXPIRED
    assert tale.give(expiry(tale), platform) == []


def test_what_is_attached_never_ends() -> None:
    tale = begun()
    tale.give(file_came(), platform)
    tale.now += A_DAY
    assert tale.give(expiry(tale), platform) == []
    assert tale.give(file_failed(), platform) == []


async def test_a_providers_policy_replaces_the_default_and_is_told() -> None:
    asked_for = attachment_events.AttachmentPolicy(
        most_bytes=5, most_each=2, media_types=["text/plain"], expires_after=Duration(seconds=60)
    )
    story = given(attachment_policy).when(attachments.SetAttachmentPolicyRequest(policy=asked_for)).after()
    story.when(attachments.SetAttachmentPolicyRequest(policy=asked_for)).then_nothing()
    reader = LaidDown(mentor, {"attachment-policy": story.past})
    told = await get_attachment_policy(attachments.GetAttachmentPolicyRequest(), reader)
    assert told.policy == asked_for
