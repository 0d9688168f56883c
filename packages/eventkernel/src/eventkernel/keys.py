"""Data keys: one a subject, wrapped by a key-encryption key. A destroyed key stays destroyed: no path makes a fresh one for its subject."""

import json
import os
import secrets
import stat
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from eventkernel.messages import WrappedKey
from eventkernel.ports import KeyStore

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyDestroyed(Exception):
    """The subject's data was erased: what their key sealed cannot be read again, and nothing more can be sealed for them."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"the key of {subject} is destroyed: what it sealed is erased for good")
        self.subject = subject


class KeyUnknown(Exception):
    """No key of this version was ever kept for this subject."""


class WrongKey(Exception):
    """A data key does not unwrap: another key-encryption key wrapped it, or it was altered, or it belongs to another subject."""


class SecretFileFault(Exception):
    """A file that holds a secret cannot be used as it is; the text says how to mend it."""


class KeyEncryptionKey(Protocol):
    """What wraps data keys: a file, or a key service."""

    async def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """The data key, to be unwrapped with the same context alone. Wrapping twice gives different bytes."""
        ...

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key; raises WrongKey where it was not wrapped by this key with this context."""
        ...


class KeyFile:
    """A key-encryption key in a file of 32 random bytes, made on first use with mode 0600.

    Whoever loses the file loses everything that was ever sealed, so one that looks wrong is refused and never replaced.

    Raises:
        SecretFileFault: others may read the file, or its length is wrong.
    """

    def __init__(self, path: Path) -> None:
        secret = kept_secret(path, lambda: secrets.token_bytes(KEY_BYTES))
        if len(secret) != KEY_BYTES:
            raise SecretFileFault(
                f"{path} holds {len(secret)} bytes and a key has {KEY_BYTES}: put the right file back; what is sealed is lost without it"
            )
        self._secret = secret
        self._cipher = AESGCM(_expand(secret, "wrap"))

    async def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """As KeyEncryptionKey says."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, context)

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """As KeyEncryptionKey says."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise WrongKey(
                "a data key does not unwrap: is the key file the one that this database was written with?"
            ) from error

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose, the same for ever; it tells nothing of the file or of other purposes' keys."""
        return _expand(self._secret, f"derive {purpose}")


@dataclass(frozen=True, slots=True)
class _Held:
    """One subject's unwrapped keys by version, as they stood at a time of the clock."""

    at: float
    keys: dict[int, bytes]


class DataKeys:
    """The data keys of one service, by tenant and subject.

    Unwrapped keys are kept in memory for a while, so a key destroyed by another process may serve this one for up to `ttl_seconds`.

    Args:
        store: where wrapped keys are kept.
        kek: what wraps them.
        capacity: how many subjects' keys are kept in memory; the least recently used go first.
        ttl_seconds: how long, counted from when they were read, however often they are used.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        store: KeyStore,
        kek: KeyEncryptionKey,
        *,
        capacity: int = 10_000,
        ttl_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kek = kek
        self._capacity = capacity
        self._ttl = ttl_seconds
        self._clock = clock
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._destructions = 0

    async def current(self, tenant: str, subject_id: str) -> tuple[int, bytes]:
        """The version and the key to seal with; the first is made on first use, and is the same for every process.

        Raises:
            KeyDestroyed: the subject was erased.
            WrongKey: the key-encryption key is not the one that wrapped it.
        """
        keys = await self._of(tenant, subject_id) or await self._first(tenant, subject_id)
        newest = max(keys)
        return newest, keys[newest]

    async def key(self, tenant: str, subject_id: str, version: int) -> bytes:
        """The key of this version.

        Raises:
            KeyDestroyed: the subject was erased.
            KeyUnknown: there never was one.
            WrongKey: the key-encryption key is not the one that wrapped it.
        """
        keys = await self._of(tenant, subject_id)
        if version not in keys:
            # Another process may have added it since these were read.
            keys = await self._read(tenant, subject_id)
        if version not in keys:
            raise KeyUnknown(f"{subject_id} has no key of version {version}")
        return keys[version]

    async def destroy(self, tenant: str, subject_id: str) -> int:
        """Destroys every key of the subject for ever; how many there were. A subject without a key is never given one after."""
        try:
            # An empty first version stands in the way of whoever would make one: now, or later.
            await self._store.add(tenant, WrappedKey(subject_id=subject_id, version=1, wrapped=b""))
            return await self._store.destroy(tenant, subject_id)
        finally:
            self._destructions += 1
            self._held.pop((tenant, subject_id), None)

    async def _of(self, tenant: str, subject_id: str) -> dict[int, bytes]:
        held = self._held.get((tenant, subject_id))
        if held is None or self._clock() - held.at >= self._ttl:
            return await self._read(tenant, subject_id)
        self._held.move_to_end((tenant, subject_id))
        return held.keys

    async def _read(self, tenant: str, subject_id: str) -> dict[int, bytes]:
        at, destructions = self._clock(), self._destructions
        keys = {
            stored.version: await self._unwrap(tenant, stored) for stored in await self._store.keys(tenant, subject_id)
        }
        self._hold(tenant, subject_id, _Held(at, keys), destructions)
        return keys

    async def _first(self, tenant: str, subject_id: str) -> dict[int, bytes]:
        at, destructions = self._clock(), self._destructions
        made = secrets.token_bytes(KEY_BYTES)
        wrapped = await self._kek.wrap(made, _context(tenant, subject_id, 1))
        stands = await self._store.add(tenant, WrappedKey(subject_id=subject_id, version=1, wrapped=wrapped))
        keys = {1: made if stands.wrapped == wrapped else await self._unwrap(tenant, stands)}
        self._hold(tenant, subject_id, _Held(at, keys), destructions)
        return keys

    async def _unwrap(self, tenant: str, stored: WrappedKey) -> bytes:
        if not stored.wrapped:
            self._held.pop((tenant, stored.subject_id), None)
            raise KeyDestroyed(stored.subject_id)
        return await self._kek.unwrap(stored.wrapped, _context(tenant, stored.subject_id, stored.version))

    def _hold(self, tenant: str, subject_id: str, held: _Held, destructions: int) -> None:
        # What was read before a destruction may be what was destroyed: it serves this call and is not kept.
        if not held.keys or destructions != self._destructions:
            return
        self._held[tenant, subject_id] = held
        self._held.move_to_end((tenant, subject_id))
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of a private file. The first call of all makes it, whole and with mode 0600; racing processes get the same bytes.

    Raises:
        SecretFileFault: others may read the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path, make())
    with path.open("rb") as file:
        _refuse_open_to_others(path, os.fstat(file.fileno()))
        return file.read()


def bound(*parts: str) -> bytes:
    """Associated data: what a ciphertext is bound to, one part a line, each as a JSON string so that no two lists look alike."""
    return "\n".join(json.dumps(part) for part in parts).encode()


def _create(path: Path, content: bytes) -> None:
    # Written aside and then linked: nobody sees half a file, and the link fails where another process was first.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    # Data sealed with a key must not outlive the key's directory entry in a power cut.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_open_to_others(path: Path, status: os.stat_result) -> None:
    # A secret that Kubernetes mounts belongs to root and is readable through the pod's group: that is how it reaches us.
    refused = 0o077 if status.st_uid == os.geteuid() else 0o037
    if status.st_mode & refused:
        mode = stat.S_IMODE(status.st_mode)
        raise SecretFileFault(f"{path} has mode {mode:04o}, so others can get at the secret in it: chmod 600 {path}")


def _expand(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def _context(tenant: str, subject_id: str, version: int) -> bytes:
    return bound("data key", tenant, subject_id, str(version))
