"""Every figure that a service shows at /metrics, declared once. Dashboards and alerts may name only what stands here."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

COMMANDS = Counter("mentorstream_commands_total", "Commands by how they ended", ["service", "command", "outcome"])
COMMAND_SECONDS = Histogram(
    "mentorstream_command_seconds", "From request to reply", ["service", "command"], buckets=_FAST
)
QUERIES = Counter("mentorstream_queries_total", "Queries by how they ended", ["service", "query", "outcome"])
TRANSFERS = Counter("mentorstream_transfers_total", "Transfers by how they ended", ["service", "transfer", "outcome"])
PAGES = Counter("mentorstream_pages_total", "Pages by how they were answered", ["service", "page", "status"])
EVENTS_STORED = Counter("mentorstream_events_stored_total", "Events committed", ["service", "type"])
CONFLICTS = Counter("mentorstream_version_conflicts_total", "Appends decided again after a conflict", ["service"])
OUTBOX_PENDING = Gauge("mentorstream_outbox_pending", "Commits not yet on the topic", ["service"])
OUTBOX_AGE = Gauge("mentorstream_outbox_oldest_seconds", "Age of the oldest commit not yet on the topic", ["service"])
PUBLISHED = Counter("mentorstream_events_published_total", "Events put on the topic", ["service", "slot"])
RELAY_HELD = Gauge("mentorstream_relay_slot_held", "1 where this process holds the slot", ["service", "slot"])
RELAY_HALTED = Gauge("mentorstream_relay_slot_halted", "1 while the slot cannot publish", ["service", "slot"])
CONSUMED = Counter("mentorstream_records_consumed_total", "Records taken from the bus", ["service", "subscription"])
LAG = Gauge(
    "mentorstream_subscription_lag",
    "Records behind the end of the partition",
    ["service", "subscription", "topic", "partition"],
)
EVENT_AGE = Histogram(
    "mentorstream_event_age_seconds",
    "From commit to handled, of the oldest event that was handled at once",
    ["service", "subscription"],
    buckets=_FAST,
)
PARKED = Counter("mentorstream_records_parked_total", "Records set aside", ["service", "subscription"])
PARKED_NOW = Gauge("mentorstream_parked_records", "Records that wait for an operator", ["service", "subscription"])
DUE_OVERDUE = Gauge("mentorstream_due_overdue", "Due rows past their time", ["service"])
DUE_DONE = Counter("mentorstream_due_done_total", "Due rows done", ["service", "request"])
SEALED_OPENED = Counter("mentorstream_sealed_opened_total", "Sealed texts opened", ["service"])
