import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eventkernel.issuer import LocalIssuer, LocalOnly
from eventkernel.keys import SecretFileFault
from eventkernel.messages import Principal
from eventkernel.tokens import Tokens, Unauthenticated


def tokens_of(issuer: LocalIssuer) -> Tokens:
    return Tokens(issuer.jwks, issuer=issuer.issuer, audience=issuer.audience)


def test_a_service_accepts_what_the_local_issuer_gives(tmp_path: Path) -> None:
    issuer = LocalIssuer(tmp_path, "local")
    token = issuer.token("p-1", "acme", ["mentor", "iqa"])
    assert tokens_of(issuer).verify(token) == Principal("acme", "p-1", frozenset({"mentor", "iqa"}))


@pytest.mark.parametrize("mode", ["production", "", "Local", "test"])
def test_outside_local_mode_it_does_not_exist_and_says_what_to_do(tmp_path: Path, mode: str) -> None:
    with pytest.raises(LocalOnly, match="identity provider") as told:
        LocalIssuer(tmp_path / "keys", mode)
    assert told.value.code == "LOCAL_ONLY"
    assert not (tmp_path / "keys").exists()


def test_the_private_key_is_for_its_owner_alone_and_not_in_the_key_set(tmp_path: Path) -> None:
    issuer = LocalIssuer(tmp_path / "keys", "local")
    assert stat.S_IMODE((tmp_path / "keys" / "issuer.pem").stat().st_mode) == 0o600
    (published,) = json.loads(issuer.jwks.read_text())["keys"]
    assert published.keys() == {"kty", "crv", "alg", "use", "kid", "x"}
    assert sorted(entry.name for entry in (tmp_path / "keys").iterdir()) == ["issuer.pem", "jwks.json"]


def test_after_a_restart_earlier_tokens_still_hold(tmp_path: Path) -> None:
    token = LocalIssuer(tmp_path, "local").token("p-1", "acme", [])
    assert tokens_of(LocalIssuer(tmp_path, "local")).verify(token).person_id == "p-1"


def test_another_issuers_token_does_not_hold(tmp_path: Path) -> None:
    token = LocalIssuer(tmp_path / "one", "local").token("p-1", "acme", [])
    with pytest.raises(Unauthenticated) as told:
        tokens_of(LocalIssuer(tmp_path / "other", "local")).verify(token)
    assert told.value.code == "TOKEN_KEY_UNKNOWN"


def test_a_token_lasts_for_its_lifetime(tmp_path: Path) -> None:
    two_hours_ago = datetime.now(UTC) - timedelta(hours=2)
    issuer = LocalIssuer(tmp_path, "local", now=lambda: two_hours_ago)
    with pytest.raises(Unauthenticated) as told:
        tokens_of(issuer).verify(issuer.token("p-1", "acme", []))
    assert told.value.code == "TOKEN_EXPIRED"
    assert tokens_of(issuer).verify(issuer.token("p-1", "acme", [], lifetime=timedelta(hours=3))).person_id == "p-1"


def test_even_the_local_issuer_cannot_make_anybody_the_platform(tmp_path: Path) -> None:
    issuer = LocalIssuer(tmp_path, "local")
    with pytest.raises(Unauthenticated) as told:
        tokens_of(issuer).verify(issuer.token("p-1", "acme", ["system"]))
    assert told.value.code == "TOKEN_SYSTEM"


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_spoilt_key_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "issuer.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretFileFault, match="remove it"):
        LocalIssuer(tmp_path, "local")
    assert path.read_bytes() == content
