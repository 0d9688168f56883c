"""The safeguarding service, wired: concerns, the rota and the routing policy, and files that go elsewhere. What is missing here stops the start."""

from eventkernel.contract import Contract, files_of
from eventkernel.service import Service
from mentoring.safeguarding.v1.attachments_pb2 import ExpireAttachmentRequest
from mentoring.safeguarding.v1.transfer_pb2 import MeetFileTransferDueRequest

from safeguarding.attachment_file import get_attachment_policy, list_attachments
from safeguarding.concern_file import get_concern
from safeguarding.domain.attachment_policy import attachment_policy
from safeguarding.domain.concern import concern
from safeguarding.domain.duty_set import duty
from safeguarding.domain.file_transfer import file_transfer
from safeguarding.domain.policy import policy
from safeguarding.domain.rota import rota
from safeguarding.duty_queries import check_duty, get_emergency_advice, preview_routing
from safeguarding.effects.attachments import expire_attachment
from safeguarding.effects.file_chasing import chase_file_transfer
from safeguarding.person_file import get_person_chronology, list_concern_reads
from safeguarding.projections.concern_tasks import concern_tasks, list_my_concern_tasks
from safeguarding.projections.file_transfers import file_transfers, list_file_transfers
from safeguarding.projections.handled_concerns import handled_concerns, list_my_concerns
from safeguarding.projections.open_concerns import get_concern_trends, list_open_concerns, open_concerns
from safeguarding.projections.rota_sites import list_rotas, rota_sites
from safeguarding.reactions.duty_gaps import duty_gaps
from safeguarding.reactions.escalation import escalation
from safeguarding.reactions.file_chasing import file_chasing
from safeguarding.reactions.merging import merging
from safeguarding.relations import (
    handler_of_both_concerns,
    handler_of_concern,
    handler_of_person,
    has_task_or_handler,
    may_see_to_file_transfer,
    raiser_or_handler,
    sees_to_file_transfer,
)
from safeguarding.rota_queries import get_rota
from safeguarding.routing_queries import get_routing_policy, preview_concern_routing
from safeguarding.transfer_file import get_file_contents, get_file_transfer
from safeguarding.transfers.download import download_attachment
from safeguarding.transfers.export import export_concern
from safeguarding.transfers.sent import record_file_sent
from safeguarding.transfers.upload import get_attachment_upload, upload_attachment


def build() -> Service:
    """Everything that the service is made of."""
    return Service(
        name="safeguarding",
        contract=Contract(files_of("mentoring.safeguarding.v1")),
        aggregates=[concern, rota, duty, policy, attachment_policy, file_transfer],
        projections=[handled_concerns, open_concerns, concern_tasks, file_transfers, rota_sites],
        reactions=[escalation, duty_gaps, file_chasing, merging],
        queries=[
            get_concern,
            list_my_concerns,
            list_my_concern_tasks,
            check_duty,
            get_rota,
            list_rotas,
            preview_routing,
            get_routing_policy,
            preview_concern_routing,
            get_emergency_advice,
            list_open_concerns,
            get_concern_trends,
            get_person_chronology,
            list_concern_reads,
            list_attachments,
            get_attachment_policy,
            get_file_contents,
            get_file_transfer,
            list_file_transfers,
        ],
        transfers=[get_attachment_upload, upload_attachment, download_attachment, record_file_sent, export_concern],
        effects={ExpireAttachmentRequest: expire_attachment, MeetFileTransferDueRequest: chase_file_transfer},
        relations={
            "handler_of_concern": handler_of_concern,
            "raiser_or_handler": raiser_or_handler,
            "has_task_or_handler": has_task_or_handler,
            "handler_of_person": handler_of_person,
            "handler_of_both_concerns": handler_of_both_concerns,
            "sees_to_file_transfer": sees_to_file_transfer,
            "may_see_to_file_transfer": may_see_to_file_transfer,
        },
    )
