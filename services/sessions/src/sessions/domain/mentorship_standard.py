"""A mentorship goes on by another version or standard, where the evidence service has migrated its learner."""

from eventkernel.aggregate import Context, NotYet
from mentoring.common.v1.common_pb2 import Party as PartyMessage
from mentoring.common.v1.common_pb2 import PartyRelationship, StandardVersion
from mentoring.sessions.v1.following_pb2 import FollowMigrationRequest
from mentoring.sessions.v1.mentorship_events_pb2 import StandardChanged

from sessions.domain.mentorship_state import Mentorship, Mentorships, changed
from sessions.domain.standard import Standard


def follow_migration(state: Mentorships, command: FollowMigrationRequest, context: Context) -> list[StandardChanged]:
    """The active mentorship on the version before goes on by the other. One that has ended stays on what it was judged against.

    A migration that is put right takes the mentorship from where the mistaken one led to. Nothing where the learner has none on it, or has another on the standard to come: two of one standard there never are.
    Raises NotYet while the standard to come has not been heard of.
    """
    codes = context.state(Standard).codes_of(command.to.version)
    if codes is None:
        raise NotYet(
            "STANDARD_UNKNOWN",
            f"{command.to.reference} {command.to.version} has not been heard of; try again after that",
        )
    found = _followed(state, command)
    if found is None or any(one.reference == command.to.reference for one in state.active if one is not found):
        return []
    if (found.reference, found.version) == (command.to.reference, command.to.version):
        return []
    return [
        StandardChanged(
            learner_id=command.learner_id,
            mentorship_id=found.mentorship_id,
            mentor_id=found.mentor_id,
            standard=command.to,
            parties=[
                PartyMessage(person_id=party.person_id, relationship=PartyRelationship.ValueType(party.relationship))
                for party in found.people.parties
            ],
            former_standard=StandardVersion(reference=found.reference, version=found.version),
            ksb_codes=codes,
            migrated_from=command.standard,
            migration=command.migration,
        )
    ]


def standard_changed(state: Mentorships, event: StandardChanged) -> Mentorships:
    """It is on this one now, with its codes."""
    return changed(
        state,
        event.mentorship_id,
        moved_to=(event.standard.reference, event.standard.version),
        ksb_codes=tuple(event.ksb_codes),
        moved_from=(event.migrated_from.reference, event.migrated_from.version),
        moved_by=event.migration,
    )


def _followed(state: Mentorships, command: FollowMigrationRequest) -> Mentorship | None:
    """The mentorship that goes along: the one on the version before, else the one that an earlier migration took from there."""
    before = (command.standard.reference, command.standard.version)
    on_it = [one for one in state.active if (one.reference, one.version) == before]
    taken = [one for one in state.active if one.moved_from == before and one.moved_by < command.migration]
    return next(iter([*on_it, *taken]), None)
