"""What the environment may set of this service."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What the environment may set: SMTP_HOST, SMTP_PORT, LINK_BASE and so on. The defaults fit a mail catcher on this machine."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    # TLS from the first byte on, as port 465 has it. Else STARTTLS: true: only over TLS; false: never; not set: where the server offers it.
    smtp_tls: bool = False
    smtp_start_tls: bool | None = None
    # Up to DATA, and from there to the last answer: both together must end well within the lease of a due row.
    smtp_seconds: float = 6.0
    smtp_answer_seconds: float = 10.0
    mail_sender: str = "mentorstream@localhost.localdomain"
    link_base: str = "http://localhost:8080"
    # Where this service's own pages (PAGES_ADDRESS) are reached by TLS: mail that may be unsubscribed has an address there. Empty: none has.
    unsubscribe_base: str = Field(default="", pattern=r"^(https://[^\s<>?#]+)?$")
    mail_retry_first_seconds: float = 5.0
    mail_retry_longest_seconds: float = 3600.0
    mail_retry_longest_seconds_safeguarding: float = 60.0
    mail_attempts: int = 12
    # So many messages go out in a minute at the most; alerts are never held back.
    mail_per_minute: float = Field(default=6000, gt=0)
    webhook_per_minute: float = Field(default=6000, gt=0)
    apprise_per_minute: float = Field(default=60, gt=0)
    # After so many in a row that found a provider dead nothing is tried for so long.
    circuit_failures: int = Field(default=5, gt=0)
    circuit_open_seconds: float = Field(default=30.0, gt=0)
    # Webhooks may go into private networks, and without TLS.
    webhook_private: bool = False
    # Which kinds of Apprise's URLs may be used, separated by commas: `twilio,msteams`. None where it is empty.
    apprise_schemas: str = ""

    @property
    def schemas(self) -> frozenset[str]:
        """The kinds of Apprise's URLs that may be used."""
        return frozenset(name.strip().lower() for name in self.apprise_schemas.split(",") if name.strip())
