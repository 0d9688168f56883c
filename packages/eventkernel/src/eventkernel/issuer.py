"""Tokens for a platform on one's own machine, so that it runs with no identity provider. It exists in local mode alone."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from eventkernel.keys import SecretFileFault, kept_secret

LOCAL = "local"
ISSUER = "urn:eventkernel:local-issuer"
AUDIENCE = "urn:eventkernel:local"


class LocalOnly(Exception):
    """Somebody asked for the local issuer outside local mode."""

    code = "LOCAL_ONLY"


def _now() -> datetime:
    return datetime.now(UTC)


class LocalIssuer:
    """Issues tokens signed with an Ed25519 key that is made on first use, and writes its public half to `jwks.json`.

    Args:
        folder: where the key and `jwks.json` are kept.
        mode: the mode that the platform runs in: anything but `local` is refused.
        issuer: the tokens' `iss`.
        audience: the tokens' `aud`.
        tenant_claim: the claim that holds the tenant.
        now: the time, with its zone.

    Raises:
        LocalOnly: `mode` is another one.
        SecretFileFault: the key's file may be read by others, or holds no Ed25519 key.
    """

    def __init__(
        self,
        folder: Path,
        mode: str,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        tenant_claim: str = "tenant",
        now: Callable[[], datetime] = _now,
    ) -> None:
        if mode != LOCAL:
            raise LocalOnly(
                f"the local issuer lets anybody who can run it be anybody, so it is refused in mode {mode!r}: "
                "have your identity provider issue the tokens, and give the services its key set (JWKS), issuer and audience"
            )
        self.issuer = issuer
        self.audience = audience
        self.jwks = folder / "jwks.json"
        self._tenant_claim = tenant_claim
        self._now = now
        self._key = _kept_key(folder / "issuer.pem")
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._kid = _base64url(hashlib.sha256(public).digest())
        _publish(
            self.jwks,
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self._kid, "x": _base64url(public)},
        )

    def token(self, person_id: str, tenant: str, roles: Iterable[str], lifetime: timedelta = timedelta(hours=1)) -> str:
        """A bearer token for this person with these roles, from now on."""
        now = self._now()
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": person_id,
            self._tenant_claim: tenant,
            "roles": sorted(roles),
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})


def _kept_key(path: Path) -> Ed25519PrivateKey:
    pem = kept_secret(
        path, lambda: Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    try:
        key = load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise SecretFileFault(f"{path} holds no private key: remove it, and a new one is made") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretFileFault(f"{path} holds a key of another kind than Ed25519: remove it, and a new one is made")
    return key


def _publish(path: Path, key: dict[str, str]) -> None:
    # Swapped in whole: a service that reads it at this moment sees the old file or the new one.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.write_text(json.dumps({"keys": [key]}, indent=2))
    os.replace(draft, path)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
