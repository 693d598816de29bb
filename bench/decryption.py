"""Opening sgID's userinfo: the least that `cryptography` can do, Signon, and joserfc alone.

Everybody's keys are ready before the clock starts. An answer has a block key under RSA-OAEP-256 (2048 bits) and
six fields, each under a key of its own that the block key wraps (A128GCMKW, A128GCM), as the vendor's own clients'
fixtures have them. Prints one JSON object of CPU seconds for one answer by round: {contender: [...]}.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from contenders import FLOOR, SIGNON
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from signon.core.jose import private_keys
from signon.providers.sgid import open_fields

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 61
ANSWERS = 30
VALUES = {
    "myinfo.name": "TAN MEI LIN",
    "myinfo.nric_number": "S9012345I",
    "myinfo.date_of_birth": "1990-02-28",
    "myinfo.email": "meilin@people.example",
    "myinfo.mobile_number": "81234567",
    "myinfo.registered_address": "12 EXAMPLE ROAD\n#03-45\nSINGAPORE 123456",
}
KEY_ALGS, FIELD_ALGS = ["RSA-OAEP-256", "A256GCM"], ["A128GCMKW", "A128GCM"]
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

Fields = dict[str, str]
Answer = dict[str, Any]


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def answer_for(key: rsa.RSAPrivateKey) -> Answer:
    """What the userinfo endpoint says."""
    octets = os.urandom(16)
    block = json.dumps({"kty": "oct", "alg": "A128GCM", "k": encode(octets)}).encode()
    header, wrapping = (
        dict(zip(("alg", "enc"), KEY_ALGS, strict=True)),
        dict(zip(("alg", "enc"), FIELD_ALGS, strict=True)),
    )
    block_key, public = OctKey.import_key(octets), RSAKey.import_key(key.public_key())
    return {
        "sub": "u=1",
        "key": jwe.encrypt_compact(header, block, public, algorithms=KEY_ALGS),
        "data": {
            scope: jwe.encrypt_compact(dict(wrapping), value.encode(), block_key, algorithms=FIELD_ALGS)
            for scope, value in VALUES.items()
        },
    }


def bare(key: rsa.RSAPrivateKey, answer: Answer) -> Fields:
    """The floor: base64, JSON and `cryptography`, and not one check."""
    block = AESGCM(decode(json.loads(_opened(answer["key"], lambda _, wrapped: key.decrypt(wrapped, OAEP)))["k"]))

    def unwrap(header: dict[str, str], wrapped: bytes) -> bytes:
        return block.decrypt(decode(header["iv"]), wrapped + decode(header["tag"]), None)

    return {scope: _opened(token, unwrap).decode() for scope, token in answer["data"].items()}


def _opened(token: str, unwrap: Callable[[dict[str, str], bytes], bytes]) -> bytes:
    protected, wrapped, iv, ciphertext, tag = token.split(".")
    key = unwrap(json.loads(decode(protected)), decode(wrapped))
    return AESGCM(key).decrypt(decode(iv), decode(ciphertext) + decode(tag), protected.encode())


def by_joserfc(key: RSAKey, answer: Answer) -> Fields:
    """The library that Signon uses, as its own documentation shows it."""
    block = json.loads(jwe.decrypt_compact(answer["key"], key, algorithms=KEY_ALGS).plaintext or b"")
    block_key = OctKey.import_key({"kty": "oct", "k": block["k"]})
    return {
        scope: (jwe.decrypt_compact(token, block_key, algorithms=FIELD_ALGS).plaintext or b"").decode()
        for scope, token in answer["data"].items()
    }


def contenders() -> tuple[Answer, dict[str, Callable[[Answer], Fields]]]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    joserfc_key = RSAKey.import_key(pem)
    joserfc_key.private_key  # noqa: B018 - makes the native key now and not in the first round
    ours = partial(open_fields, private_keys(pem), ("RSA-OAEP-256",))
    return answer_for(key), {
        FLOOR.name: partial(bare, key),
        SIGNON.name: lambda answer: {
            name: str(value) for name, value in ours(answer, 0.0).items() if name != "sub"
        },
        "joserfc alone": partial(by_joserfc, joserfc_key),
    }


def compare() -> dict[str, list[float]]:
    """CPU seconds of one answer, round by round, each beginning with another contender."""
    answer, opening = contenders()
    seconds: dict[str, list[float]] = {name: [] for name in opening}
    names = list(opening)
    for number in range(-1, ROUNDS):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            start = time.process_time()
            for _ in range(ANSWERS):
                fields = opening[name](answer)
            took = (time.process_time() - start) / ANSWERS
            if fields != VALUES:
                sys.exit(f"{name} opened something else")
            if number >= 0:  # the round before the first is for warming up
                seconds[name].append(took)
    return seconds


if __name__ == "__main__":
    json.dump(compare(), sys.stdout)
