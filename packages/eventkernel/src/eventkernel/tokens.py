"""Who a bearer token says is calling. Only a token signed by a key of the key file gets anybody in, and none makes its bearer the platform."""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import structlog

from eventkernel.messages import SYSTEM, Principal

# Asymmetric alone: with HS* the public key would be the secret.
ALGORITHMS = ("EdDSA", "RS256", "ES256")

_LOG = structlog.stdlib.get_logger(__name__)
# What an id is, in the contracts' own words (`buf.validate`) and here.
ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"
ID_IN_WORDS = "letters, digits and hyphens, 64 at the most, with a letter or digit first"
_ID = re.compile(ID_PATTERN)
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST_TOKEN = 16_384
_CHECK_SECONDS = 1.0
_KEPT_TOKENS = 10_000

_FAULTS: Mapping[type[jwt.PyJWTError], tuple[str, str]] = {
    jwt.ExpiredSignatureError: ("TOKEN_EXPIRED", "the token has expired: get a new one"),
    jwt.ImmatureSignatureError: ("TOKEN_NOT_YET_VALID", "the token is not valid yet: is the issuer's clock right?"),
    jwt.InvalidIssuerError: ("TOKEN_ISSUER", "the token is from another issuer"),
    jwt.InvalidAudienceError: ("TOKEN_AUDIENCE", "the token is for another audience"),
    jwt.InvalidSignatureError: ("TOKEN_SIGNATURE", "the token's signature is not that of the key it names"),
    jwt.InvalidAlgorithmError: ("TOKEN_ALGORITHM", "the token's algorithm is not that of the key it names"),
}


class Unauthenticated(Exception):
    """The caller is not known. `code` is stable, for programs; the text tells what is wrong, and quotes nothing of the token."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class KeySetFault(Exception):
    """The file of signing keys cannot be used; the text says why."""


class Tokens:
    """Verifies bearer tokens with the keys of a JWKS file.

    The file is looked at again when it has changed, at most once a second. A new file that cannot be used is logged, and the
    last good keys stay in force.

    Args:
        jwks: the file of public keys, each with its `kid`.
        issuer: what `iss` has to be.
        audience: what `aud` has to be, or to contain.
        tenant_claim: which claim holds the tenant.
        leeway_seconds: how far the issuer's clock may be off.
        clock: seconds that never go back, for looking at the file.
        now: seconds since 1970, by which a token that was verified before expires.

    Raises:
        KeySetFault: at the start there are no good keys yet to fall back on.
    """

    def __init__(
        self,
        jwks: Path,
        *,
        issuer: str,
        audience: str,
        tenant_claim: str = "tenant",
        leeway_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._audience = audience
        self._tenant_claim = tenant_claim
        self._leeway = leeway_seconds
        self._clock = clock
        self._looked = clock()
        self._seen = _state_of(jwks)
        self._keys = _read_keys(jwks)
        self._now = now
        # By hash, so that no token stays in memory: whose it is, and until when.
        self._verified: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    def verify(self, token: str) -> Principal:
        """Who bears this token (without the word `Bearer`); raises Unauthenticated.

        A signature is checked once: until the token expires, or the keys change, the same token gives the same answer.
        """
        if not token:
            raise Unauthenticated("TOKEN_MISSING", "there is no token: send `authorization: Bearer <token>`")
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise Unauthenticated("TOKEN_MALFORMED", "the token cannot be read")
        self._look_again()
        name = sha256(token.encode()).digest()
        known = self._verified.get(name)
        if known is not None and self._now() < known[1]:
            return known[0]
        claims = self._claims(token)
        principal = self._principal(claims)
        self._verified[name] = (principal, int(claims["exp"]) + self._leeway)
        if len(self._verified) > _KEPT_TOKENS:
            self._verified.popitem(last=False)
        return principal

    def _principal(self, claims: Mapping[str, object]) -> Principal:
        person_id, tenant = _id_in(claims, "sub"), _id_in(claims, self._tenant_claim)
        roles = claims["roles"]
        if not isinstance(roles, list) or not all(isinstance(role, str) and _ROLE.fullmatch(role) for role in roles):
            raise Unauthenticated("TOKEN_CLAIM", "the claim `roles` has to be a list of role names in lower case")
        # The id too: who acts under it would look like the platform in the records.
        if SYSTEM in roles or person_id.lower() == SYSTEM:
            raise Unauthenticated(
                "TOKEN_SYSTEM", f"a token cannot make its bearer `{SYSTEM}`: only the platform itself is"
            )
        return Principal(tenant=tenant, person_id=person_id, roles=frozenset(roles))

    def _claims(self, token: str) -> dict[str, Any]:
        key = self._key_for(token)
        try:
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "roles", self._tenant_claim],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated("TOKEN_CLAIM", f"the token lacks the claim `{error.claim}`") from error
        except jwt.PyJWTError as error:
            code, text = _FAULTS.get(type(error), ("TOKEN_MALFORMED", "the token cannot be read"))
            raise Unauthenticated(code, text) from error

    def _key_for(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Unauthenticated("TOKEN_MALFORMED", "the token cannot be read") from error
        if header.get("alg") not in ALGORITHMS:
            raise Unauthenticated("TOKEN_ALGORITHM", f"the token has to be signed with one of {', '.join(ALGORITHMS)}")
        key = self._keys.get(header.get("kid", ""))
        if key is None:
            raise Unauthenticated("TOKEN_KEY_UNKNOWN", "the token names no key (`kid`) that is known here")
        return key

    def _look_again(self) -> None:
        now = self._clock()
        if now - self._looked < _CHECK_SECONDS:
            return
        self._looked = now
        state = _state_of(self._jwks)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._keys = _read_keys(self._jwks)
        except KeySetFault as error:
            _LOG.error("signing keys not replaced", reason=str(error), kept=sorted(self._keys))
        else:
            self._verified.clear()
            _LOG.info("signing keys replaced", kids=sorted(self._keys))


def _id_in(claims: Mapping[str, object], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unauthenticated(
            "TOKEN_CLAIM", f"the claim `{name}` has to be an id: letters, digits and hyphens, 64 at the most"
        )
    return value


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file does; the inode, because a mounted secret is swapped whole. None: there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read_keys(path: Path) -> dict[str, jwt.PyJWK]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise KeySetFault(f"{path} cannot be read as JSON ({type(error).__name__})") from error
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise KeySetFault(f"{path} is no JWKS: it has no list `keys`")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in listed:
        # A set may hold keys for other purposes (RFC 7517, section 5): those that do not fit are passed over.
        key = _usable(entry)
        if key is None or key.key_id is None:
            continue
        if key.key_id in keys:
            raise KeySetFault(f"{path} holds two keys of the kid {key.key_id}")
        keys[key.key_id] = key
    if not keys:
        raise KeySetFault(f"{path} holds no key for {', '.join(ALGORITHMS)} with a `kid`")
    return keys


def _usable(entry: object) -> jwt.PyJWK | None:
    # A private key in this file is a mistake that is not to be put to use.
    if (
        not isinstance(entry, dict)
        or "d" in entry
        or entry.get("use", "sig") != "sig"
        or not isinstance(entry.get("kid"), str)
    ):
        return None
    try:
        key = jwt.PyJWK(entry)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in ALGORITHMS else None
