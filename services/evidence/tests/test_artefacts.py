"""What may happen to the artefacts of a piece."""

from datetime import timedelta
from typing import Any

import pytest
from eventkernel.messages import Metadata, Principal
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON, Outcome, given
from evidence.domain.artefact_policy import ArtefactPolicyState, artefact_policy
from evidence.domain.conflicts import Conflicts
from evidence.domain.evidence import Evidence, evidence
from evidence.projections.artefact_policy import get_artefact_policy
from evidence.reactions.uploads import uploads
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from mentoring.common.v1.common_pb2 import Sealed
from mentoring.evidence.v1.artefact_events_pb2 import (
    UPLOAD_ENDING_EXPIRED,
    UPLOAD_ENDING_WRONG_HASH,
    ArtefactAttached,
    ArtefactPolicy,
    ArtefactUploadBegun,
    ArtefactUploadEnded,
)
from mentoring.evidence.v1.artefacts_pb2 import (
    AttachArtefactRequest,
    BeginUploadRequest,
    EndUploadRequest,
    ExpireUploadRequest,
    GetArtefactPolicyRequest,
    SetArtefactPolicyRequest,
)
from mentoring.evidence.v1.judging_pb2 import WithdrawEvidenceRequest

from .pieces import ASSESSOR, KNOWN, LEARNER, MENTOR, accept, at, judge_claims, refer, resubmit, story

SYSTEM = Principal.system("provider-1")
NAMED = {"evidence_id": "evidence-1", "learner_id": "learner-1", "artefact_id": "artefact-1"}
FILE: dict[str, Any] = {**NAMED, "media_type": "application/pdf", "size": 1000, "sha256": b"\x07" * 32}
BEGUN = ArtefactUploadBegun(
    **FILE, author_id="learner-1", attempt=1, title=Sealed(to_be_sealed="report.pdf"), part_bytes=1048576,
    expires_at=at(NOON + timedelta(days=1)),
)  # fmt: skip
ATTACHED = ArtefactAttached(**FILE, author_id="learner-1", attempt=1)
WITHDRAW = (WithdrawEvidenceRequest(evidence_id="evidence-1", learner_id="learner-1", reason="CONFIDENTIAL"), LEARNER)
REFERRED = (judge_claims(refer("K1", "K2", "S1")), ASSESSOR)


def asked(
    command: Message, *past: Message, by: Principal = LEARNER, policy: Any = artefact_policy.initial, **when: Any
) -> Outcome[Evidence]:
    return given(evidence, *past).beside(KNOWN, Conflicts(), policy).when(command, by=by, **when)


def begin(**changes: Any) -> BeginUploadRequest:
    return BeginUploadRequest(**{**FILE, "file_name": "report.pdf", **changes})


def test_the_author_announces_a_file() -> None:
    asked(begin(), *story()).then(BEGUN)


def test_announcing_it_again_changes_nothing_also_once_it_is_attached() -> None:
    asked(begin(), *story(), BEGUN).then_nothing()
    asked(begin(), *story(), BEGUN, ATTACHED).then_nothing()


@pytest.mark.parametrize("other", [{"size": 999}, {"media_type": "image/png"}, {"sha256": b"\x08" * 32}])
def test_the_same_id_announced_otherwise_is_refused(other: dict[str, Any]) -> None:
    assert asked(begin(**other), *story(), BEGUN).then_refused("ARTEFACT_EXISTS").field == "artefact_id"


def test_only_the_author_and_only_to_what_waits() -> None:
    asked(begin(), *story(), by=MENTOR).then_refused("NOT_THE_AUTHOR")
    asked(begin(learner_id="learner-2"), *story()).then_refused("EVIDENCE_UNKNOWN")
    asked(begin(), *story(REFERRED)).then_refused("ALREADY_JUDGED")
    asked(begin(), *story(WITHDRAW)).then_refused("EVIDENCE_WITHDRAWN")
    (event,) = asked(begin(), *story(REFERRED, (resubmit("K1"), LEARNER))).events
    assert isinstance(event, ArtefactUploadBegun)
    assert event.attempt == 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"size": 262144001}, "ARTEFACT_TOO_LARGE", "size"),
        ({"media_type": "application/x-msdownload"}, "MEDIA_TYPE_NOT_TAKEN", "media_type"),
        *(
            ({"file_name": name}, "FILE_NAME_INVALID", "file_name")
            for name in ("../../etc/passwd", "a/b.pdf", "a\\b.pdf", "..", ".hidden", "a\0.pdf", "a\nb", "C:x", "end.", "end ")
        ),
    ],
)  # fmt: skip
def test_what_the_policy_does_not_take(changes: dict[str, Any], code: str, field: str) -> None:
    assert asked(begin(**changes), *story()).then_refused(code).field == field


def test_a_piece_has_so_many_artefacts_and_those_that_came_to_nothing_do_not_count() -> None:
    policy = ArtefactPolicyState(10_000, 1, ("application/pdf",), timedelta(hours=1), 100)
    another = begin(artefact_id="artefact-2")
    asked(another, *story(), BEGUN, policy=policy).then_refused("TOO_MANY_ARTEFACTS")
    ended = ArtefactUploadEnded(**NAMED, reason=UPLOAD_ENDING_EXPIRED)
    (event,) = asked(another, *story(), BEGUN, ended, policy=policy).events
    assert isinstance(event, ArtefactUploadBegun)
    assert (event.part_bytes, event.expires_at) == (100, at(NOON + timedelta(hours=1)))


def test_a_providers_policy_replaces_the_default() -> None:
    asked_for = ArtefactPolicy(
        most_bytes=5, most_artefacts=2, media_types=["text/plain"], expires_after=Duration(seconds=60)
    )
    story_ = given(artefact_policy).when(SetArtefactPolicyRequest(policy=asked_for)).after()
    assert (story_.state.most_bytes, story_.state.expires_after) == (5, timedelta(minutes=1))
    story_.when(SetArtefactPolicyRequest(policy=asked_for)).then_nothing()


async def test_the_policy_in_force_is_told(reader: Any) -> None:
    found = await get_artefact_policy(GetArtefactPolicyRequest(), reader(LEARNER))
    assert (found.policy.most_bytes, found.policy.expires_after.seconds) == (262144000, 86400)
    assert "application/pdf" in found.policy.media_types


def test_what_is_right_is_attached_once() -> None:
    attach = AttachArtefactRequest(**NAMED)
    asked(attach, *story(), BEGUN, by=SYSTEM).then(ATTACHED)
    asked(attach, *story(), BEGUN, ATTACHED, by=SYSTEM).then_nothing()
    asked(attach, *story(), by=SYSTEM).then_refused("UPLOAD_UNKNOWN")
    ended = ArtefactUploadEnded(**NAMED, reason=UPLOAD_ENDING_WRONG_HASH)
    assert "wrong hash" in asked(attach, *story(), BEGUN, ended, by=SYSTEM).then_refused("UPLOAD_ENDED").text


def test_what_was_judged_meanwhile_is_not_added_to() -> None:
    attach = AttachArtefactRequest(**NAMED)
    begun = (*story(), BEGUN)
    judged = (
        given(evidence, *begun)
        .beside(KNOWN, Conflicts())
        .when(judge_claims(refer("K1", "K2", "S1")), by=ASSESSOR)
        .after()
    )
    asked(attach, *judged.past, by=SYSTEM).then_refused("ALREADY_JUDGED")
    again = judged.when(resubmit("K1"), by=LEARNER).after()
    asked(attach, *again.past, by=SYSTEM).then_refused("ALREADY_JUDGED")
    accepted = (
        given(evidence, *begun).beside(KNOWN, Conflicts()).when(judge_claims(accept("K1", "K2", "S1")), by=ASSESSOR)
    )
    asked(attach, *accepted.after().past, by=SYSTEM).then_refused("ALREADY_JUDGED")


def test_an_upload_expires_when_its_time_is_over_and_not_before() -> None:
    expire = ExpireUploadRequest(**NAMED)
    over = NOON + timedelta(days=1)
    asked(expire, *story(), BEGUN, by=SYSTEM, at=over - timedelta(seconds=1)).then_nothing()
    ended = ArtefactUploadEnded(**NAMED, reason=UPLOAD_ENDING_EXPIRED)
    asked(expire, *story(), BEGUN, by=SYSTEM, at=over).then(ended)
    asked(expire, *story(), BEGUN, ended, by=SYSTEM, at=over).then_nothing()
    asked(expire, *story(), BEGUN, ATTACHED, by=SYSTEM, at=over).then_nothing()


def test_what_is_wrong_ends_once_and_nothing_ends_what_is_attached() -> None:
    end = EndUploadRequest(**NAMED, reason=UPLOAD_ENDING_WRONG_HASH)
    ended = ArtefactUploadEnded(**NAMED, reason=UPLOAD_ENDING_WRONG_HASH)
    asked(end, *story(), BEGUN, by=SYSTEM).then(ended)
    asked(end, *story(), BEGUN, ended, by=SYSTEM).then_nothing()
    asked(end, *story(), BEGUN, ATTACHED, by=SYSTEM).then_nothing()


def test_every_upload_sets_the_alarm_of_its_own_end() -> None:
    meta = Metadata("id", "type", "provider-1", "evidence-evidence-1", 2, NOON)
    (later,) = uploads.policies[ArtefactUploadBegun](BEGUN, meta)
    assert later == Later(NOON + timedelta(days=1, minutes=2), ExpireUploadRequest(**NAMED))
