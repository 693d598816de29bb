"""Faults of answers that bring tokens by the browser (OIDC Core 3.2.2, 3.3.2): of their parts, and of the hashes.

An ID token is signed again after it was bent, so that nothing but the named check can find the fault.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from jwcrypto.common import base64url_decode

from signon_idp.faults.callback import BendCallback
from signon_idp.faults.kinds import Callback, Fault
from signon_idp.faults.shapes import BendMembers, having, without
from signon_idp.jws import draft, write
from signon_idp.scene import Scene

_OTHER = "another-value-of-the-same-name"


def _member(name: str, change: Callable[[str, Scene], str | None]) -> BendCallback:
    """Change one parameter where it is there; None takes it away."""

    def bend(callback: Callback, scene: Scene) -> Callback:
        changed = ((key, change(value, scene) if key == name else value) for key, value in callback.pairs)
        return replace(callback, pairs=tuple((key, value) for key, value in changed if value is not None))

    return bend


def _claims(change: BendMembers) -> BendCallback:
    def again(token: str, scene: Scene) -> str:
        header, payload = (json.loads(base64url_decode(part)) for part in token.split(".")[:2])
        key = scene.keys.signing_key(header["alg"])
        return write(draft(change(payload, scene), key=key, alg=header["alg"]))

    return _member("id_token", again)


def _in_the_query(callback: Callback, _scene: Scene) -> Callback:
    return replace(callback, mode="query")


_TABLE: dict[str, tuple[str, BendCallback]] = {
    "front_no_id_token": ("The answer has no ID token.", _member("id_token", lambda *_: None)),
    "front_no_access_token": ("The answer has no access token.", _member("access_token", lambda *_: None)),
    "front_no_code": ("The answer has no code.", _member("code", lambda *_: None)),
    "front_other_access_token": (
        "The access token is another than the ID token's.",
        _member("access_token", lambda *_: _OTHER),
    ),
    "front_other_code": ("The code is another than the ID token's.", _member("code", lambda *_: _OTHER)),
    "front_no_token_type": ("The access token has no type.", _member("token_type", lambda *_: None)),
    "front_expires_in_text": ("expires_in is no number.", _member("expires_in", lambda *_: "an hour")),
    "front_in_the_query": ("The answer comes in the query.", _in_the_query),
    "front_no_at_hash": ("The ID token has no at_hash.", _claims(without("at_hash"))),
    "front_no_c_hash": ("The ID token has no c_hash.", _claims(without("c_hash"))),
    "front_wrong_c_hash": ("c_hash is of another code.", _claims(having(c_hash="A" * 22))),
    "front_wrong_s_hash": ("s_hash is of another state.", _claims(having(s_hash="A" * 22))),
    "front_other_sub": ("The first ID token is about somebody else.", _claims(having(sub="somebody-else"))),
    "front_other_name": ("The two ID tokens have different names.", _claims(having(name="Somebody Else"))),
}

FRONT_CHANNEL_FAULTS = {name: Fault(sentence=says, callback=bend) for name, (says, bend) in _TABLE.items()}
