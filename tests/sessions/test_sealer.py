import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from signon.core.errors import ConfigurationError
from signon.core.values import Secret, b64url_decode, b64url_encode
from signon.sessions import sealer as module
from signon.sessions.sealer import Sealer, _keyed

KEY = "sixteen letters!"
SEALER = Sealer([Secret(KEY)])
RECORD = b"r" * 32


def derived(key, info):
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key.encode())


def test_what_is_sealed_opens(sealer):
    """An envelope opens for its purpose and record, whatever it holds."""
    for plaintext in (b"", b"x", bytes(100_000)):
        envelope = sealer.seal(plaintext, purpose="session", record_id=RECORD)
        assert sealer.open(envelope, purpose="session", record_id=RECORD) == plaintext
        assert sealer.open_salted(sealer.seal_salted(plaintext, purpose="t"), purpose="t") == plaintext


def test_the_envelope_is_as_documented():
    """Form, key id, nonce and ciphertext, under HMAC(HKDF(key), purpose 0 record), bound to all of it."""
    envelope = SEALER.seal(b"text", purpose="session", record_id=RECORD)
    head, nonce, ciphertext = envelope[:5], envelope[5:17], envelope[17:]
    assert head == b"\x01" + derived(KEY, b"signon/1/id")[:4]
    context = b"session\0" + RECORD
    record_key = hmac.digest(derived(KEY, b"signon/1/seal"), context, "sha256")
    assert AESGCM(record_key).decrypt(nonce, ciphertext, head + context) == b"text"
    assert len(envelope) == 1 + 4 + 12 + len(b"text") + 16


def test_a_salted_envelope_carries_its_record_id():
    """A salted envelope has 16 random bytes after the key id, and they are its record id."""
    envelope = SEALER.seal_salted(b"text", purpose="transaction")
    head, salt, nonce, ciphertext = envelope[:5], envelope[5:21], envelope[21:33], envelope[33:]
    assert head[:1] == b"\x02"
    context = b"transaction\0" + salt
    record_key = hmac.digest(derived(KEY, b"signon/1/seal"), context, "sha256")
    assert AESGCM(record_key).decrypt(nonce, ciphertext, head + context) == b"text"


def test_two_envelopes_of_the_same_differ(sealer):
    """Sealing twice never gives the same bytes: nonce and salt are fresh."""
    same = [sealer.seal(b"text", purpose="session", record_id=RECORD) for _ in range(2)]
    salted = [sealer.seal_salted(b"text", purpose="session") for _ in range(2)]
    assert same[0][5:17] != same[1][5:17]
    assert salted[0][5:21] != salted[1][5:21]
    assert salted[0][21:33] != salted[1][21:33]


def test_an_envelope_opens_for_nothing_else(sealer):
    """Another purpose, another record or another kind of envelope doesn't open it."""
    envelope = sealer.seal(b"text", purpose="session", record_id=RECORD)
    assert sealer.open(envelope, purpose="transaction", record_id=RECORD) is None
    assert sealer.open(envelope, purpose="session", record_id=b"s" * 32) is None
    assert sealer.open_salted(envelope, purpose="session") is None
    salted = sealer.seal_salted(b"text", purpose="session")
    assert sealer.open_salted(salted, purpose="transaction") is None
    assert sealer.open(salted, purpose="session", record_id=salted[5:21]) is None
    bare = salted[:5] + salted[21:]
    assert sealer.open(b"\x01" + bare[1:], purpose="session", record_id=salted[5:21]) is None


def test_every_byte_is_sealed(sealer):
    """No byte of either envelope can be changed, and none can be cut off or added."""
    for seal, opens in (
        (
            sealer.seal(b"text", purpose="p", record_id=RECORD),
            lambda e: sealer.open(e, purpose="p", record_id=RECORD),
        ),
        (sealer.seal_salted(b"text", purpose="p"), lambda e: sealer.open_salted(e, purpose="p")),
    ):
        assert opens(seal) == b"text"
        for place in range(len(seal)):
            changed = bytearray(seal)
            changed[place] ^= 1
            assert opens(bytes(changed)) is None
            assert opens(seal[:place]) is None
        assert opens(seal + b"\0") is None


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x01", b"\x02"]), st.booleans())
def test_any_bytes_open_to_nothing(rest, form, ours):
    """Bytes that we didn't seal open to None, also behind a right form and key id."""
    envelope = form + (SEALER.seal(b"", purpose="p", record_id=b"")[1:5] if ours else b"") + rest
    assert SEALER.open(envelope, purpose="p", record_id=RECORD) is None
    assert SEALER.open_salted(envelope, purpose="p") is None


def test_a_new_key_seals_and_the_old_still_opens(sealer, rotated, new_key):
    """With a new key in front, what the old one sealed opens; what the new one seals the old one can't open."""
    old = sealer.seal(b"old", purpose="p", record_id=RECORD)
    new = rotated.seal(b"new", purpose="p", record_id=RECORD)
    assert rotated.open(old, purpose="p", record_id=RECORD) == b"old"
    assert sealer.open(new, purpose="p", record_id=RECORD) is None
    assert Sealer([new_key]).open(new, purpose="p", record_id=RECORD) == b"new"
    assert Sealer([new_key]).open(old, purpose="p", record_id=RECORD) is None


def test_two_keys_may_share_an_id(monkeypatch, old_key, new_key):
    """Two keys whose ids happen to be equal are both tried."""
    monkeypatch.setattr(module, "_KEY_ID_BYTES", 0)
    old = Sealer([old_key]).seal(b"text", purpose="p", record_id=RECORD)
    assert Sealer([new_key, old_key]).open(old, purpose="p", record_id=RECORD) == b"text"
    assert Sealer([new_key]).open(old, purpose="p", record_id=RECORD) is None


def test_short_keys_stop_the_start():
    """Each key has 16 characters or more; all that haven't are named together, by number and never by text."""
    Sealer([Secret("x" * 16)])
    with pytest.raises(ConfigurationError) as caught:
        Sealer([Secret("x" * 15), Secret("y" * 16), Secret("")])
    first, second = caught.value.problems
    assert "number 1 has 15" in first
    assert "number 3 has 0" in second
    assert "xxx" not in str(caught.value)


def test_no_key_stops_the_start():
    """Without any key there is nothing to seal with."""
    with pytest.raises(ConfigurationError) as caught:
        Sealer([])
    assert caught.value.problems == ("there is no key to seal sessions with",)


def test_a_key_may_be_any_text():
    """A key from an environment in another encoding is as good as any."""
    sealer = Sealer([Secret("ก\udcff" * 8)])
    assert sealer.open_salted(sealer.seal_salted(b"x", purpose="p"), purpose="p") == b"x"


def test_a_sealer_shows_no_key():
    """Neither the sealer nor what it derived prints a key or a part of one."""
    assert "bytes" not in repr(SEALER._keys[0])
    assert derived(KEY, b"signon/1/seal").hex() not in repr(vars(SEALER))
    assert "b'" not in repr(vars(SEALER))


def test_index_keys_are_as_documented():
    """HMAC under a key of the purpose, itself under a key of its own, over parts with their lengths."""
    (key,) = SEALER.index_keys("subject", "https://op.example", "ก")
    purpose_key = hmac.digest(derived(KEY, b"signon/1/index"), b"\0\0\0\x07subject", "sha256")
    message = b"\0\0\0\x12https://op.example" + b"\0\0\0\x03" + "ก".encode()
    assert key == hmac.digest(purpose_key, message, "sha256")


def test_index_keys_tell_parts_and_purposes_apart(sealer):
    """Parts that run into each other, another purpose and no part at all have keys of their own."""
    keys = {
        sealer.index_keys(*parts)
        for parts in (
            ("sid", "ab", "c"),
            ("sid", "a", "bc"),
            ("sid", "abc"),
            ("sid", "abc", ""),
            ("sid",),
            ("sub", "ab", "c"),
            ("si", "dab", "c"),
        )
    }
    assert len(keys) == 7


def test_index_keys_come_under_every_key(sealer, rotated, new_key):
    """The first key's is first, and each other key's follows, so that what it wrote is found."""
    (old,) = sealer.index_keys("sid", "a")
    (new,) = Sealer([new_key]).index_keys("sid", "a")
    assert rotated.index_keys("sid", "a") == (new, old)


def test_index_keys_are_no_plain_hash(sealer):
    """Who doesn't have the key can't try out all national ids against an index."""
    (key,) = sealer.index_keys("subject", "1100700999998")
    assert key != hashlib.sha256(b"1100700999998").digest()
    assert (key,) != SEALER.index_keys("subject", "1100700999998")


def test_index_keys_take_any_text(sealer):
    """Half a character is a part like any other."""
    assert sealer.index_keys("sid", "\ud800") != sealer.index_keys("sid", "\ud801")


def test_a_stamp_tells_its_time(sealer):
    """A stamp is 64 characters of base64url, never the same, and says the second it was made in."""
    stamps = {sealer.stamp(now=1_760_000_000.9) for _ in range(50)}
    assert len(stamps) == 50
    assert {len(b64url_decode(stamp)) for stamp in stamps} == {48}
    assert {sealer.read_stamp(stamp) for stamp in stamps} == {1_760_000_000.0}


def test_a_stamp_of_an_older_key_is_read(sealer, rotated, new_key):
    """After a key change older stamps are ours still; a stranger's never are."""
    stamp = sealer.stamp(now=5)
    assert rotated.read_stamp(stamp) == 5.0
    assert Sealer([new_key]).read_stamp(stamp) is None


def test_no_bit_of_a_stamp_can_be_changed(sealer):
    """Random part, time and MAC all count."""
    stamped = b64url_decode(sealer.stamp(now=1_760_000_000))
    for place in range(len(stamped)):
        changed = bytearray(stamped)
        changed[place] ^= 1
        assert sealer.read_stamp(b64url_encode(bytes(changed))) is None


def test_a_stamp_is_under_a_key_of_its_own():
    """The MAC is 12 bytes of HMAC under the stamps' key, not of one that seals or indexes."""
    stamped = b64url_decode(SEALER.stamp(now=1))
    mac = hmac.digest(derived(KEY, b"signon/1/stamp"), stamped[:36], "sha256")[:12]
    assert stamped[36:] == mac


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=()), max_size=80)
    | st.binary(min_size=48, max_size=48).map(b64url_encode)
)
def test_any_text_is_no_stamp(text):
    """Text that we didn't make is no stamp, and raises nothing."""
    assert SEALER.read_stamp(text) is None


def test_a_stamp_has_one_spelling(sealer):
    """Padding, white space or another length is not the stamp."""
    stamp = sealer.stamp(now=1)
    for other in (stamp + "=", stamp + "\n", " " + stamp, stamp[:-1], stamp + "A" * 4, ""):
        assert sealer.read_stamp(other) is None


@given(key=st.binary(max_size=64), message=st.binary(max_size=300))
def test_the_keyed_hash_is_hmac(key, message):
    """The hash whose key is worked in beforehand is HMAC-SHA256 for every key and message, also twice."""
    mac = _keyed(key)
    assert mac(message) == mac(message) == hmac.digest(key, message, "sha256")


def test_key_ids_are_what_envelopes_begin_with(sealer, rotated):
    """Each key has an id of 8 hexadecimal digits, the same wherever it stands, and the first one's is written."""
    new, old = rotated.key_ids
    assert (old,) == sealer.key_ids
    assert new != old
    assert rotated.seal(b"", purpose="session", record_id=b"1")[1:5].hex() == new
