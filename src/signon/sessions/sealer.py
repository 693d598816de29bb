"""Sealing: AES-256-GCM under keys derived for one record and one purpose, and keyed digests to file things under.

An envelope is: form (1 byte), key id (4), salt (16, only where the record id is the salt), nonce (12), and the
ciphertext with its tag (16 more than the plaintext). Form, key id, purpose and record id are bound to it as
associated data. A record has a key of its own, so that random nonces stay far below the 2^32 that one key may
have (NIST SP 800-38D 8.3).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from signon.core.errors import ConfigurationError
from signon.core.values import Secret, b64url_decode, b64url_encode

MIN_KEY_CHARACTERS = 16
_BOUND, _SALTED = b"\x01", b"\x02"
_KEY_ID_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 16, 12, 16
_STAMP_RANDOM_BYTES, _STAMP_TIME_BYTES, _STAMP_MAC_BYTES = 32, 4, 12
_STAMP_CHARACTERS = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_BLOCK_BYTES = 64

Mac: TypeAlias = Callable[[bytes], bytes]
"""HMAC-SHA256 under a key of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Key:
    """What is derived from one key, once. The id tells which key to open an envelope with."""

    id: bytes
    seal: Mac
    index: Mac
    stamp: Mac


class Sealer:
    """Seals under the first of its keys, opens under all: to change a key, put the new one in front.

    Raises `ConfigurationError` where there is no key, or one is shorter than 16 characters.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        problems = [
            f"a key that seals sessions has at least {MIN_KEY_CHARACTERS} characters, and number {number} has"
            f" {len(key.reveal())}: python -c 'import secrets; print(secrets.token_urlsafe())' makes a good one"
            for number, key in enumerate(keys, start=1)
            if len(key.reveal()) < MIN_KEY_CHARACTERS
        ]
        if not keys:
            problems.append("there is no key to seal sessions with")
        if problems:
            raise ConfigurationError(tuple(problems))
        self._keys = tuple(_derive(key) for key in keys)
        self._by_purpose: dict[str, tuple[Mac, ...]] = {}

    @property
    def key_ids(self) -> tuple[str, ...]:
        """What envelopes call our keys, in their order: 8 hexadecimal digits that say nothing of the keys."""
        return tuple(key.id.hex() for key in self._keys)

    def seal(self, plaintext: bytes, *, purpose: str, record_id: bytes) -> bytes:
        """An envelope that opens only for this purpose and record."""
        head = _BOUND + self._keys[0].id
        nonce, context = os.urandom(_NONCE_BYTES), _context(purpose, record_id)
        return head + _encrypt(self._keys[0], plaintext, nonce=nonce, head=head, context=context)

    def open(self, envelope: bytes, *, purpose: str, record_id: bytes) -> bytes | None:
        """What was sealed, or None: corrupt, cut, another purpose or record, a key that isn't ours."""
        if envelope[:1] != _BOUND:
            return None
        head_bytes = 1 + _KEY_ID_BYTES
        return self._decrypt(envelope[:head_bytes], envelope[head_bytes:], _context(purpose, record_id))

    def seal_salted(self, plaintext: bytes, *, purpose: str) -> bytes:
        """An envelope that carries its record id, a random salt: for what is stored nowhere."""
        random = os.urandom(_SALT_BYTES + _NONCE_BYTES)
        salt, nonce = random[:_SALT_BYTES], random[_SALT_BYTES:]
        head = _SALTED + self._keys[0].id
        context = _context(purpose, salt)
        return head + salt + _encrypt(self._keys[0], plaintext, nonce=nonce, head=head, context=context)

    def open_salted(self, envelope: bytes, *, purpose: str) -> bytes | None:
        """What was sealed, or None."""
        if envelope[:1] != _SALTED:
            return None
        head_bytes = 1 + _KEY_ID_BYTES
        salt_end = head_bytes + _SALT_BYTES
        context = _context(purpose, envelope[head_bytes:salt_end])
        return self._decrypt(envelope[:head_bytes], envelope[salt_end:], context)

    def index_keys(self, purpose: str, *parts: str) -> tuple[bytes, ...]:
        """A 32-byte store key for these parts under each of our keys: write under the first, look up under all.

        Keyed, since a plain hash of a national id is found by trying them all.
        """
        message = b"".join(map(_prefixed, parts))
        return tuple([mac(message) for mac in self._keys_for(purpose)])

    def _keys_for(self, purpose: str) -> tuple[Mac, ...]:
        """The index keys of one purpose, each worked out once: there are a handful of purposes."""
        found = self._by_purpose.get(purpose)
        if found is None:
            found = tuple(_keyed(key.index(_prefixed(purpose))) for key in self._keys)
            self._by_purpose[purpose] = found
        return found

    def stamp(self, *, now: float) -> str:
        """A fresh random value of 64 characters that says when we made it, and that we did: a `state`."""
        body = os.urandom(_STAMP_RANDOM_BYTES) + int(now).to_bytes(_STAMP_TIME_BYTES, "big")
        return b64url_encode(body + _stamp_mac(self._keys[0], body))

    def read_stamp(self, state: str) -> float | None:
        """When we made it, in whole POSIX seconds; None if we didn't."""
        stamped = b64url_decode(state) if len(state) == _STAMP_CHARACTERS else None
        if stamped is None:
            return None
        body, mac = stamped[:-_STAMP_MAC_BYTES], stamped[-_STAMP_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _stamp_mac(key, body)) for key in self._keys):
            return None
        return float(int.from_bytes(body[_STAMP_RANDOM_BYTES:], "big"))

    def _decrypt(self, head: bytes, sealed: bytes, context: bytes) -> bytes | None:
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            return None
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for key in self._keys:
            if key.id != head[1:]:
                continue
            try:
                return AESGCM(key.seal(context)).decrypt(nonce, ciphertext, head + context)
            except InvalidTag:
                continue  # two of our keys may share an id
        return None


def _encrypt(key: _Key, plaintext: bytes, *, nonce: bytes, head: bytes, context: bytes) -> bytes:
    return nonce + AESGCM(key.seal(context)).encrypt(nonce, plaintext, head + context)


def _context(purpose: str, record_id: bytes) -> bytes:
    """Purpose and record id in one; unambiguous, since no purpose has a zero byte in it."""
    return purpose.encode("ascii") + b"\0" + record_id


def _derive(key: Secret) -> _Key:
    def master(info: str) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"signon/1/{info}".encode())
        return derivation.derive(key.reveal().encode("utf-8", "surrogatepass"))

    seal, index, stamp = (_keyed(master(info)) for info in ("seal", "index", "stamp"))
    return _Key(id=master("id")[:_KEY_ID_BYTES], seal=seal, index=index, stamp=stamp)


def _stamp_mac(key: _Key, body: bytes) -> bytes:
    return key.stamp(body)[:_STAMP_MAC_BYTES]


def _prefixed(part: str) -> bytes:
    data = part.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data


def _keyed(key: bytes) -> Mac:
    """HMAC-SHA256 under one key of at most 64 bytes, whose two blocks are hashed beforehand (RFC 2104 4).

    A sign-in makes eight of them, each after a wait that has emptied the processor's caches: there
    `hmac.digest` takes 75 us, since it looks the digest up each time, and this takes 18.
    """
    block = key.ljust(_BLOCK_BYTES, b"\0")
    inner, outer = hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))

    def mac(message: bytes) -> bytes:
        first, last = inner.copy(), outer.copy()
        first.update(message)
        last.update(first.digest())
        return last.digest()

    return mac
