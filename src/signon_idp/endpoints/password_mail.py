"""Auth0's `/dbconnections/change_password`: a mail with a link to a new password. No mail leaves this process."""

import json
from typing import TYPE_CHECKING

from flask import Response, request

from signon_idp.model import JsonObject
from signon_idp.replies import JSON, Reply, json_reply, to_response

if TYPE_CHECKING:
    from signon_idp.provider import Idp

CONNECTION = "Username-Password-Authentication"
_SENTENCE = b"We've just sent you an email to reset your password."
_DATABASE = "auth0|"


def password_mail(idp: "Idp") -> Response:
    """The same plain sentence for every address; `idp.state.mails` has those that a person here has."""
    asked = _members()
    wrong = _wrong(idp, asked)
    if wrong is not None:
        return to_response(json_reply({"error": wrong}, status=400), request.environ)
    known = {str(one.claims.get("email")).lower() for one in idp.dialect.personas if one.sub.startswith(_DATABASE)}
    if asked["connection"] == CONNECTION and str(asked["email"]).lower() in known:
        idp.state.mails.append(str(asked["email"]))
    return to_response(Reply(body=_SENTENCE, content_type="text/html; charset=utf-8"), request.environ)


def _members() -> JsonObject:
    try:
        found = json.loads(request.get_data()) if request.mimetype == JSON else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _wrong(idp: "Idp", asked: JsonObject) -> str | None:
    missing = [name for name in ("email", "connection") if not isinstance(asked.get(name), str) or not asked[name]]
    if missing:
        return f"{missing[0]} is required"
    return None if asked.get("client_id", "") in {"", *idp.clients} else "the client does not exist"
