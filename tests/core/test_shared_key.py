import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from tests.core.forge import b64, unb64

from signon.core.shared_key import open_gcm

KEYS = {"A128GCMKW": b"k" * 16, "A256GCMKW": b"k" * 32}
WAYS = [
    *(("dir", enc) for enc in ("A128GCM", "A256GCM")),
    *((alg, enc) for alg in KEYS for enc in ("A128GCM", "A256GCM")),
]


def octets_for(alg: str, enc: str) -> bytes:
    return KEYS.get(alg) or b"k" * {"A128GCM": 16, "A256GCM": 32}[enc]


def sealed(alg: str, enc: str, text: bytes = b"inside") -> str:
    """A token made with an engine that is not ours."""
    token = JWE(text, protected=json.dumps({"alg": alg, "enc": enc}))
    token.add_recipient(JWK(kty="oct", k=b64(octets_for(alg, enc))))
    return token.serialize(compact=True)


def header_of(token: str) -> dict[str, object]:
    return json.loads(unb64(token.split(".", maxsplit=1)[0]))


def opened(token: str, *, octets: bytes, header=None) -> bytes | None:
    return open_gcm(token, header=header or header_of(token), octets=octets)


def changed(token: str, part: int, change) -> str:
    parts = token.split(".")
    parts[part] = b64(change(unb64(parts[part])))
    return ".".join(parts)


def flip(octets: bytes) -> bytes:
    return bytes([octets[0] ^ 1]) + octets[1:]


@pytest.mark.parametrize(("alg", "enc"), WAYS)
@pytest.mark.parametrize("text", [b"", b"inside", "ก".encode() * 500])
def test_each_way_is_opened(alg, enc, text):
    """Each key encryption with each content encryption must give the plaintext, an empty one, too."""
    assert opened(sealed(alg, enc, text), octets=octets_for(alg, enc)) == text


@pytest.mark.parametrize(("alg", "enc"), WAYS)
def test_another_key_opens_nothing(alg, enc):
    """Another key of the right size must open nothing, and one of another size neither."""
    octets = octets_for(alg, enc)
    for other in (b"x" * len(octets), b"k" * (48 - len(octets)), b"k" * 24, b"k" * 3, b""):
        assert opened(sealed(alg, enc), octets=other) is None


@pytest.mark.parametrize(("alg", "enc"), WAYS)
@pytest.mark.parametrize("part", [2, 3, 4])
@pytest.mark.parametrize(
    "change",
    [flip, lambda octets: octets[:-1], lambda octets: octets + b"\0", lambda _: b""],
    ids=["flipped", "shorter", "longer", "empty"],
)
def test_changed_part_opens_nothing(alg, enc, part, change):
    """Initialization vector, ciphertext and tag must be whole, and of their exact sizes."""
    assert opened(changed(sealed(alg, enc), part, change), octets=octets_for(alg, enc)) is None


def test_short_tag_is_refused():
    """A tag of four octets must be refused even where the octets before it belong to the ciphertext."""
    token = sealed("dir", "A128GCM")
    head, wrapped, iv, text, tag = token.split(".")
    moved = unb64(text) + unb64(tag)
    for split in (4, 12, 15):
        forged = ".".join((head, wrapped, iv, b64(moved[:-split]), b64(moved[-split:])))
        assert opened(forged, octets=b"k" * 16) is None


@pytest.mark.parametrize("alg", KEYS)
@pytest.mark.parametrize("change", [flip, lambda octets: octets[:-1], lambda _: b""])
def test_changed_wrapped_key_opens_nothing(alg, change):
    """The wrapped key must be whole."""
    assert opened(changed(sealed(alg, "A128GCM"), 1, change), octets=KEYS[alg]) is None


@pytest.mark.parametrize("member", ["iv", "tag"])
@pytest.mark.parametrize("value", [None, 7, "", "AAAA", "=", "A" * 22, ["A" * 22]])
def test_header_members_of_the_wrapped_key(member, value):
    """`iv` and `tag` of the wrapped key must be there, base64url, and of their exact sizes (RFC 7518 4.7.1)."""
    token = sealed("A128GCMKW", "A128GCM")
    header = {**header_of(token), member: value}
    assert opened(token, octets=KEYS["A128GCMKW"], header=header) is None


def test_header_is_bound():
    """The header as it was sent must be what the tag was made over."""
    token = sealed("dir", "A128GCM")
    head, rest = token.split(".", 1)
    other = b64(unb64(head)[:-1] + b',"x":1}')
    assert opened(f"{other}.{rest}", octets=b"k" * 16) is None


def test_wrapped_key_of_another_size():
    """A key wrapped for another content encryption must not serve (RFC 7516 5.2, step 9)."""
    token = sealed("A128GCMKW", "A256GCM")
    assert opened(token, octets=KEYS["A128GCMKW"], header={**header_of(token), "enc": "A128GCM"}) is None


def test_wrapped_key_beside_dir():
    """With `dir` the second part must be empty (RFC 7516 5.2, step 10)."""
    token = sealed("dir", "A128GCM")
    assert opened(changed(token, 1, lambda _: b"x" * 16), octets=b"k" * 16) is None


@given(
    st.lists(st.binary(max_size=40).map(b64), min_size=4, max_size=4), st.sampled_from(WAYS), st.text(max_size=30)
)
def test_any_parts_open_nothing(parts, way, text):
    """Whatever the parts are, the answer must be None and no error."""
    alg, enc = way
    header = {"alg": alg, "enc": enc, "iv": text, "tag": b64(bytes(16))}
    token = ".".join([b64(json.dumps(header).encode()), *parts])
    assert open_gcm(token, header=header, octets=octets_for(alg, enc)) is None
