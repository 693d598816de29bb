"""AuthMachine's permissions API: what a person may do with which object."""

import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.errors import OAuthError
from signon_idp.model import JsonObject, Persona
from signon_idp.replies import json_reply, to_response

if TYPE_CHECKING:
    from signon_idp.provider import Idp

Permissions = Mapping[str, Mapping[str, tuple[str, ...]]]
_SUPERUSER = "super_admin"


def permissions(
    granted: Permissions, *, people: tuple[Persona, ...], token: str, bare: bool = False
) -> "Callable[[Idp], Response]":
    """The view for `granted` (codes by persona and object); `bare` answers in the older shape, the map alone."""

    def view(_idp: "Idp") -> Response:
        shown = request.headers.get("Authorization", "")
        # The word is Token, not Bearer.
        if not hmac.compare_digest(shown.encode(), f"Token {token}".encode()):
            raise OAuthError("invalid_token", "the header must be Authorization: Token ...", status=401)
        user_id = (request.view_args or {})["user_id"]
        person = next((one for one in people if one.claims.get("id", one.sub) == user_id), None)
        if person is None:
            return to_response(json_reply({"detail": "Not found."}, status=404), request.environ)
        return to_response(json_reply(_members(granted.get(person.id, {}), bare=bare)), request.environ)

    return view


def _members(all_of_them: Mapping[str, tuple[str, ...]], *, bare: bool) -> JsonObject:
    objects = request.args.getlist("object") or list(all_of_them)
    codes = {name: list(all_of_them.get(name, ())) for name in objects}
    superuser = any(_SUPERUSER in of_one for of_one in all_of_them.values())
    return codes if bare else {"is_superuser": superuser, "permissions": codes}
