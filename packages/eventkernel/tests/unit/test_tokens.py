import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eventkernel.messages import Principal
from eventkernel.tokens import KeySetFault, Tokens, Unauthenticated
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from structlog.testing import capture_logs

ISSUER, AUDIENCE = "https://issuer.example", "platform"
ED = Ed25519PrivateKey.generate()
OTHER_ED = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(kid: str, key: Any, **more: str) -> dict[str, object]:
    of_kind: dict[type, Any] = {
        Ed25519PrivateKey: OKPAlgorithm,
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
    }
    algorithm = next(algorithm for kind, algorithm in of_kind.items() if isinstance(key, kind))
    made: dict[str, object] = json.loads(algorithm.to_jwk(key.public_key()))
    return made | {"kid": kid} | more


def write(path: Path, *keys: Mapping[str, object]) -> None:
    path.write_text(json.dumps({"keys": keys}))


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    write(path, jwk("ed", ED), jwk("rsa", RSA), jwk("ec", EC))
    return path


@pytest.fixture
def tokens(jwks: Path, clock: Seconds) -> Tokens:
    return Tokens(jwks, issuer=ISSUER, audience=AUDIENCE, clock=clock)


def claims(**changed: object) -> dict[str, object]:
    now = datetime.now(UTC)
    full = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "p-1",
        "tenant": "acme",
        "roles": ["mentor", "iqa"],
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in (full | changed).items() if value is not None}


def signed(key: Any = ED, algorithm: str = "EdDSA", kid: str | None = "ed", **changed: object) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def refused(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as told:
        tokens.verify(token)
    assert told.value.text
    return told.value.code


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(ED, "EdDSA", "ed"), (RSA, "RS256", "rsa"), (EC, "ES256", "ec")])
def test_a_token_of_a_known_key_tells_who_calls(tokens: Tokens, key: Any, algorithm: str, kid: str) -> None:
    assert tokens.verify(signed(key, algorithm, kid)) == Principal("acme", "p-1", frozenset({"mentor", "iqa"}))


def test_one_audience_among_several_will_do(tokens: Tokens) -> None:
    assert tokens.verify(signed(aud=["other", AUDIENCE])).person_id == "p-1"


def test_no_roles_are_a_legitimate_list_of_roles(tokens: Tokens) -> None:
    assert tokens.verify(signed(roles=[])).roles == frozenset()


def test_the_claim_of_the_tenant_is_a_matter_of_configuration(jwks: Path) -> None:
    tokens = Tokens(jwks, issuer=ISSUER, audience=AUDIENCE, tenant_claim="provider")
    assert tokens.verify(signed(tenant="wrong", provider="college")).tenant == "college"
    assert refused(tokens, signed()) == "TOKEN_CLAIM"


def test_the_issuers_clock_may_be_off_by_the_leeway_and_no_more(tokens: Tokens) -> None:
    tokens.verify(signed(exp=from_now(-20)))
    tokens.verify(signed(nbf=from_now(20), iat=from_now(20)))
    assert refused(tokens, signed(exp=from_now(-40))) == "TOKEN_EXPIRED"
    assert refused(tokens, signed(nbf=from_now(40))) == "TOKEN_NOT_YET_VALID"
    assert refused(tokens, signed(iat=from_now(40))) == "TOKEN_NOT_YET_VALID"


def _unsigned() -> str:
    return jwt.encode(claims(), "", algorithm="none", headers={"kid": "ed"})


def _hs256_with_the_public_key() -> str:
    """By hand: the library itself refuses to sign with a public key as the secret."""

    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    payload = claims(iat=int(from_now(0).timestamp()), exp=int(from_now(60).timestamp()))
    signing = (
        part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).encode())
        + b"."
        + part(json.dumps(payload).encode())
    )
    return (signing + b"." + part(hmac.new(PUBLIC_PEM, signing, hashlib.sha256).digest())).decode()


def _lacking(name: str) -> str:
    return signed(**{name: None})  # type: ignore[arg-type]


def _with_payload_swapped() -> str:
    header, _, signature = signed().split(".")
    return f"{header}.{signed(sub='somebody-else').split('.')[1]}.{signature}"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(lambda: "", "TOKEN_MISSING", id="no token"),
        pytest.param(lambda: "rubbish", "TOKEN_MALFORMED", id="no token at all"),
        pytest.param(lambda: "a.b.c", "TOKEN_MALFORMED", id="three rubbish parts"),
        pytest.param(lambda: "ä.ö.ü", "TOKEN_MALFORMED", id="not ASCII"),
        pytest.param(lambda: "\ud800.b.c", "TOKEN_MALFORMED", id="not even text"),
        pytest.param(lambda: signed(filler="x" * 20_000), "TOKEN_MALFORMED", id="too long"),
        pytest.param(_unsigned, "TOKEN_ALGORITHM", id="algorithm none"),
        pytest.param(_hs256_with_the_public_key, "TOKEN_ALGORITHM", id="HS256 with the public key as the secret"),
        pytest.param(lambda: signed(b"s" * 32, "HS256", "ed"), "TOKEN_ALGORITHM", id="HS256"),
        pytest.param(lambda: signed(RSA, "RS512", "rsa"), "TOKEN_ALGORITHM", id="RS512"),
        pytest.param(lambda: signed(RSA, "RS256", "ed"), "TOKEN_ALGORITHM", id="another key's algorithm"),
        pytest.param(lambda: signed(OTHER_ED), "TOKEN_SIGNATURE", id="signed by a stranger"),
        pytest.param(_with_payload_swapped, "TOKEN_SIGNATURE", id="payload swapped"),
        pytest.param(lambda: signed(kid="unknown"), "TOKEN_KEY_UNKNOWN", id="unknown kid"),
        pytest.param(lambda: signed(kid=None), "TOKEN_KEY_UNKNOWN", id="no kid"),
        pytest.param(lambda: signed(iss="https://evil.example"), "TOKEN_ISSUER", id="another issuer"),
        pytest.param(lambda: signed(aud="other"), "TOKEN_AUDIENCE", id="another audience"),
        pytest.param(lambda: signed(exp=from_now(-3600)), "TOKEN_EXPIRED", id="expired"),
        pytest.param(lambda: signed(exp="soon"), "TOKEN_MALFORMED", id="expiry is no time"),
        pytest.param(lambda: signed(roles=["mentor", "system"]), "TOKEN_SYSTEM", id="system role"),
        pytest.param(lambda: signed(sub="system"), "TOKEN_SYSTEM", id="system as a person"),
        pytest.param(lambda: signed(sub="System"), "TOKEN_SYSTEM", id="system in capitals"),
        pytest.param(lambda: signed(roles=["SYSTEM"]), "TOKEN_CLAIM", id="role in capitals"),
        pytest.param(lambda: signed(roles="mentor"), "TOKEN_CLAIM", id="roles is a text"),
        pytest.param(lambda: signed(roles=[1]), "TOKEN_CLAIM", id="a role is a number"),
        pytest.param(lambda: signed(tenant=["acme"]), "TOKEN_CLAIM", id="tenant is a list"),
        *(pytest.param(partial(_lacking, name), "TOKEN_CLAIM", id=f"no {name}") for name in claims()),
        *(
            pytest.param(
                lambda name=name, value=value: signed(**{name: value}), "TOKEN_CLAIM", id=f"{name}={value!r:.12}"
            )
            for name in ("sub", "tenant")
            for value in ("", "-a", "a b", "a/b", "a\n", "ä", "a" * 65)
        ),
    ],
)
def test_a_bad_token_is_refused_with_its_reason(tokens: Tokens, token: Callable[[], str], code: str) -> None:
    assert refused(tokens, token()) == code


def test_a_refusal_quotes_nothing_of_the_token(tokens: Tokens) -> None:
    for token in (
        signed(sub="secret person"),
        signed(iss="secret"),
        signed(roles=["secret", "system"]),
        signed(kid="secret"),
    ):
        with pytest.raises(Unauthenticated) as told:
            tokens.verify(token)
        assert "secret" not in told.value.text


@given(
    st.text(max_size=80) | st.lists(st.text(alphabet="abAB01-_=", max_size=20), min_size=2, max_size=4).map(".".join)
)
def test_whatever_is_sent_as_a_token_the_answer_is_unauthenticated(
    tmp_path_factory: pytest.TempPathFactory, token: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "jwks.json"
    write(path, jwk("ed", ED))
    with pytest.raises(Unauthenticated):
        Tokens(path, issuer=ISSUER, audience=AUDIENCE).verify(token)


def test_a_new_key_file_takes_effect_within_a_second_and_retires_the_old_keys(
    tokens: Tokens, jwks: Path, clock: Seconds
) -> None:
    rotated = signed(OTHER_ED, kid="new")
    write(jwks, jwk("new", OTHER_ED))
    clock.now += 0.5
    assert refused(tokens, rotated) == "TOKEN_KEY_UNKNOWN"
    clock.now += 0.5
    assert tokens.verify(rotated).person_id == "p-1"
    assert refused(tokens, signed()) == "TOKEN_KEY_UNKNOWN"


def test_a_key_file_swapped_for_one_of_the_same_time_and_size_is_read(
    tokens: Tokens, jwks: Path, clock: Seconds
) -> None:
    status = jwks.stat()
    swapped = jwks.with_name("swapped")
    swapped.write_text(jwks.read_text().replace('"ed"', '"de"'))
    os.utime(swapped, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(swapped, jwks)
    clock.now += 1
    assert tokens.verify(signed(kid="de")).person_id == "p-1"


def test_an_unchanged_key_file_is_not_read_again(
    tokens: Tokens, clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    clock.now += 10
    assert tokens.verify(signed()).person_id == "p-1"


def test_a_signature_is_checked_once_until_the_token_expires(
    jwks: Path, clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Seconds()
    wall.now = datetime.now(UTC).timestamp()
    tokens = Tokens(jwks, issuer=ISSUER, audience=AUDIENCE, leeway_seconds=30, clock=clock, now=wall)
    decode, decoded = jwt.decode, []

    def counted(*arguments: Any, **named: Any) -> Any:
        decoded.append(1)
        return decode(*arguments, **named)

    monkeypatch.setattr(jwt, "decode", counted)
    token = signed(exp=int(wall.now) + 60)
    assert [tokens.verify(token).person_id for _ in range(3)] == ["p-1"] * 3
    assert len(decoded) == 1
    wall.now = float(int(wall.now) + 89)
    tokens.verify(token)
    assert len(decoded) == 1
    wall.now += 1
    tokens.verify(token)
    assert len(decoded) == 2


def test_a_token_that_was_verified_goes_with_its_key(tokens: Tokens, jwks: Path, clock: Seconds) -> None:
    token = signed()
    tokens.verify(token)
    write(jwks, jwk("ed", OTHER_ED))
    clock.now += 1.1
    assert refused(tokens, token) == "TOKEN_SIGNATURE"


def test_what_one_token_was_verified_for_says_nothing_of_another(tokens: Tokens) -> None:
    tokens.verify(signed())
    assert refused(tokens, signed(OTHER_ED)) == "TOKEN_SIGNATURE"
    assert refused(tokens, signed(aud="other")) == "TOKEN_AUDIENCE"
    assert tokens.verify(signed(sub="p-2")).person_id == "p-2"


def test_only_so_many_tokens_are_remembered(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventkernel.tokens._KEPT_TOKENS", 2)
    for number in range(5):
        tokens.verify(signed(sub=f"p-{number}"))
    assert len(tokens._verified) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text('{"keys": ['),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"keys": {}}'),
        lambda path: path.write_bytes(b"\xff\xfe"),
        write,
        lambda path: write(path, jwk("same", ED), jwk("same", OTHER_ED)),
        lambda path: write(path, {"kty": "RSA", "kid": "ed", "n": "!"}),
    ],
    ids=["gone", "empty", "cut", "list", "no list", "no text", "no keys", "one kid twice", "no good key"],
)
def test_a_malformed_new_key_file_leaves_the_last_good_keys_in_force_and_is_logged_once(
    tokens: Tokens, jwks: Path, clock: Seconds, spoil: Callable[[Path], object]
) -> None:
    spoil(jwks)
    with capture_logs() as logged:
        for _ in range(3):
            clock.now += 1
            assert tokens.verify(signed()).person_id == "p-1"
    assert [(entry["log_level"], entry["event"], entry["kept"]) for entry in logged] == [
        ("error", "signing keys not replaced", ["ec", "ed", "rsa"])
    ]
    with pytest.raises(KeySetFault, match="jwks"):
        Tokens(jwks, issuer=ISSUER, audience=AUDIENCE)
    write(jwks, jwk("new", OTHER_ED))
    clock.now += 1
    assert tokens.verify(signed(OTHER_ED, kid="new")).person_id == "p-1"


def test_keys_that_are_not_for_verifying_are_passed_over(jwks: Path) -> None:
    secret = {"kty": "oct", "kid": "secret", "k": base64.urlsafe_b64encode(b"s" * 32).decode()}
    private = json.loads(OKPAlgorithm.to_jwk(OTHER_ED)) | {"kid": "private"}
    write(jwks, jwk("ed", ED), secret, private, jwk("enc", OTHER_ED, use="enc"), jwk("mixed", RSA, alg="HS256"))
    tokens = Tokens(jwks, issuer=ISSUER, audience=AUDIENCE)
    assert tokens.verify(signed()).person_id == "p-1"
    assert refused(tokens, signed(b"s" * 32, "HS256", "secret")) == "TOKEN_ALGORITHM"
    for kid in ("private", "enc", "mixed", "secret"):
        assert refused(tokens, signed(OTHER_ED, kid=kid)) == "TOKEN_KEY_UNKNOWN"


def test_a_key_too_short_to_be_safe_lets_nobody_in(jwks: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    write(jwks, jwk("weak", weak))
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = signed(weak, "RS256", "weak")
    assert refused(Tokens(jwks, issuer=ISSUER, audience=AUDIENCE), token) == "TOKEN_MALFORMED"
