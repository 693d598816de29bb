"""Faults of the authorization response (RFC 6749 4.1.2, RFC 9207)."""

from dataclasses import replace

from signon_idp.faults.kinds import Bend, Callback, Fault
from signon_idp.scene import Scene

STRANGE_ISSUER = "https://issuer.example.net"
MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\r\nSet-Cookie: planted=1\r\n\r\n'
_OTHER = "another-value-of-the-same-name"

BendCallback = Bend[Callback]


def _drop(name: str) -> BendCallback:
    return lambda callback, _scene: replace(
        callback, pairs=tuple(pair for pair in callback.pairs if pair[0] != name)
    )


def _put(name: str, value: str) -> BendCallback:
    return lambda callback, scene: _add(name, value)(_drop(name)(callback, scene), scene)


def _add(name: str, value: str) -> BendCallback:
    return lambda callback, _scene: replace(callback, pairs=(*callback.pairs, (name, value)))


def _error(error: str, description: str) -> BendCallback:
    def bend(callback: Callback, scene: Scene) -> Callback:
        rest = _drop("code")(callback, scene).pairs
        return replace(callback, pairs=(("error", error), ("error_description", description), *rest))

    return bend


def _two_errors(callback: Callback, scene: Scene) -> Callback:
    return _add("error", "server_error")(_error("access_denied", "refused on purpose")(callback, scene), scene)


def _other_mode(callback: Callback, _scene: Scene) -> Callback:
    return replace(callback, mode="query" if callback.mode == "form_post" else "form_post")


_TABLE: dict[str, tuple[str, BendCallback]] = {
    "callback_no_state": ("The answer has no state.", _drop("state")),
    "callback_empty_state": ("The answer's state is empty.", _put("state", "")),
    "callback_wrong_state": ("The answer's state is another's.", _put("state", _OTHER)),
    "callback_two_states": ("A second, other state follows the right one.", _add("state", _OTHER)),
    "callback_two_codes": ("A second, other code follows the right one.", _add("code", _OTHER)),
    "callback_two_iss": ("A second, other iss follows the right one.", _add("iss", STRANGE_ISSUER)),
    "callback_two_errors": ("The answer has two errors and no code.", _two_errors),
    "callback_wrong_iss": ("The answer's iss names another issuer.", _put("iss", STRANGE_ISSUER)),
    "callback_no_iss": ("The answer has no iss, though metadata promises it.", _drop("iss")),
    "callback_no_code": ("The answer has neither code nor error.", _drop("code")),
    "callback_code_and_error": ("The answer has a code and an error.", _add("error", "access_denied")),
    "callback_access_denied": (
        "The answer is access_denied.",
        _error("access_denied", "The person refused."),
    ),
    "callback_server_error": (
        "The answer is server_error.",
        _error("server_error", "The provider is out of order."),
    ),
    "callback_unrequested_token": (
        "An access token that nobody asked for comes with the code.",
        _add("access_token", "token-in-the-front-channel"),
    ),
    "callback_unrequested_id_token": (
        "An ID token that nobody asked for comes with the code.",
        _add("id_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdHJhbmdlciJ9."),
    ),
    "callback_wrong_mode": ("The answer comes by form_post where query was asked, and the reverse.", _other_mode),
    "callback_markup_error": (
        "The error description holds markup and line ends.",
        _error("access_denied", MARKUP),
    ),
}

CALLBACK_FAULTS = {name: Fault(sentence=says, callback=bend) for name, (says, bend) in _TABLE.items()}
