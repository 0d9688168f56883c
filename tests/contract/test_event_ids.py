"""A caller may use one idempotency key for two services: their events still have ids of their own, on which reactions build."""

from pathlib import Path

from eventkernel.commands import Order
from eventkernel.messages import Principal
from eventkernel.node import Node
from eventkernel.settings import Settings
from eventkernel.store.memory import MemoryStore
from eventkernel.testing.scenario import NOON
from mentoring.notifications.v1.notifications_pb2 import RegisterContactRequest
from mentoring.safeguarding.v1.safeguarding_pb2 import SetRotaRequest
from notifications.service import build as notifications
from safeguarding.service import build as safeguarding


async def test_one_key_for_two_services_gives_two_event_ids(tmp_path: Path) -> None:
    rota = SetRotaRequest(site_id="s", dsl_id="a", senior_lead_id="b")
    contact = RegisterContactRequest(person_id="a", name="n", email="a@example.org")
    ids = set()
    for service, request, role, stream in (
        (safeguarding(), rota, "senior_lead", "rota-s"),
        (notifications(), contact, "provider_manager", "contact-a"),
    ):
        store = MemoryStore()
        key_file = tmp_path / f"{service.name}.key"
        settings = Settings(kafka_bootstrap="-", mongodb_uri="-", key_file=key_file, jwks_file=tmp_path / "jwks")
        node = Node(service, settings, store, clock=lambda: NOON)
        await node.commands.give(Order(request, Principal("p", "x", frozenset({role})), "one-key"))
        (commit,) = await store.commits.read("p", stream)
        ids.add(commit.events[0].id)
    assert len(ids) == 2
