"""Faults of the token endpoint's answer (RFC 6749 5)."""

import time
from collections.abc import Iterator
from dataclasses import replace

from signon_idp.faults import shapes
from signon_idp.faults.kinds import Fault
from signon_idp.faults.shapes import BendReply, having, members, raw_member, without
from signon_idp.replies import Reply
from signon_idp.scene import Scene

DRIP_SECONDS = 60
_DRIP_EVERY_SECONDS = 0.1
_DEEP = 100_000


def _drop(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, dropped=True)


def _drip(reply: Reply, scene: Scene) -> Reply:
    def blanks() -> Iterator[bytes]:
        end = time.monotonic() + DRIP_SECONDS
        while time.monotonic() < end and not scene.stopped.wait(_DRIP_EVERY_SECONDS):
            yield b" "

    return replace(reply, trickle=blanks)


_TABLE: dict[str, tuple[str, BendReply]] = {
    "token_not_json": ("The answer is no JSON.", shapes.body(b"access_token=abc&token_type=Bearer")),
    "token_empty": ("The answer is empty.", shapes.body(b"")),
    "token_array": ("The answer is an array that holds the object.", shapes.in_array),
    "token_scalar": ("The answer is a JSON text, no object.", shapes.body(b'"access_token"')),
    "token_duplicate_member": ("access_token comes twice.", shapes.twice("access_token", "the-first-of-two")),
    "token_nan": ("expires_in is NaN.", raw_member("expires_in", b"NaN")),
    "token_infinite": ("expires_in is 1e400.", raw_member("expires_in", b"1e400")),
    "token_big_number": ("expires_in has 5,000 digits.", raw_member("expires_in", b"9" * 5000)),
    "token_lone_surrogate": ("scope holds half a surrogate pair.", raw_member("scope", b'"openid \\ud800"')),
    "token_not_utf8": ("scope holds bytes that are no UTF-8.", raw_member("scope", b'"openid \xff\xfe"')),
    "token_deep": (
        "One member is nested 100,000 arrays deep.",
        raw_member("deep", b"[" * _DEEP + b"]" * _DEEP),
    ),
    "token_too_large": ("2 MiB of blanks follow the object.", shapes.too_large),
    "token_html": ("The content type is text/html.", shapes.typed("text/html; charset=utf-8")),
    "token_no_type": ("token_type is missing.", members(without("token_type"))),
    "token_unknown_type": ("token_type is mac.", members(having(token_type="mac"))),
    "token_no_access_token": ("access_token is missing.", members(without("access_token"))),
    "token_access_token_number": ("access_token is a number.", members(having(access_token=12345))),
    "token_no_id_token": ("id_token is missing.", members(without("id_token"))),
    "token_expires_in_text": ("expires_in is a text.", members(having(expires_in="soon"))),
    "token_expires_in_negative": ("expires_in is negative.", members(having(expires_in=-3600))),
    "token_expires_in_huge": ("expires_in is 1e300.", raw_member("expires_in", b"1e300")),
    "token_expires_in_true": ("expires_in is true.", members(having(expires_in=True))),
    "token_redirect": ("The endpoint answers 307 to another address.", shapes.redirect),
    "token_invalid_grant": ("The endpoint answers invalid_grant.", shapes.error(400, "invalid_grant")),
    "token_invalid_client": ("The endpoint answers invalid_client.", shapes.error(401, "invalid_client")),
    "token_error_500": ("The endpoint answers 500.", shapes.status(500)),
    "token_drop": ("The connection is closed without an answer.", _drop),
    "token_drip": ("Blanks come one by one, for a minute, and never an object.", _drip),
    "token_gzip": ("The answer is compressed, though nobody asked for that.", shapes.gzipped),
    "id_token_number": ("The id_token member is a number.", members(having(id_token=12345))),
}

TOKEN_FAULTS = {name: Fault(sentence=says, token=bend) for name, (says, bend) in _TABLE.items()}
