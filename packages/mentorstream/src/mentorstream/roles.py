"""The contracts' roles as they are typed, and as a token's claim spells them."""

from enum import StrEnum

from mentoring.options.v1.options_pb2 import Role

# No token carries the platform's own.
RoleName = StrEnum(  # type: ignore[misc]
    "RoleName",
    {
        name: name.removeprefix("ROLE_").lower()
        for name, _ in Role.items()
        if name not in {"ROLE_UNSPECIFIED", "ROLE_ANYONE_KNOWN", "ROLE_SYSTEM"}
    },
)
