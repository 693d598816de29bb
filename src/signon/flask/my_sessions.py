"""My sessions: where a person is signed in, and the end of what they no longer want; as a page and as JSON."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from functools import partial

from flask import Response, after_this_request, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from signon.core.errors import MalformedAnswer
from signon.core.http import add_query
from signon.core.provider import SignOutScope
from signon.core.values import JsonValue, read_json_object
from signon.flask import cookies, crosssite
from signon.flask.current import forget_session, load_session, user_of
from signon.flask.ended import revoke_afterwards, tell
from signon.flask.guards import challenge
from signon.flask.messages import duration, moment
from signon.flask.pages import page
from signon.flask.signals import signed_out
from signon.flask.state import application, site, state
from signon.flask.views import landing, see
from signon.service.my_sessions import end_one, end_others, list_places
from signon.service.sign_out import sign_out
from signon.sessions.record import Session

MAX_BODY_BYTES = 1024
"""What is asked for is one word, or one handle."""
_MINUTE_SECONDS = 60
_COUNT_DIGITS = 6


def my_sessions() -> Response:
    """List the sessions of whoever asks (GET), or end those that `end` says (POST)."""
    if request.method == "POST":
        crosssite.check_unsafe(request, site(), state().settings)
    session = load_session()
    session_id = cookies.session_id(request, site())
    if session is None or session_id is None:
        return challenge()
    return _end(session_id, session) if request.method == "POST" else _show(session_id, session)


def _show(session_id: str, session: Session) -> Response:
    party = state().party
    places = list_places(party, session_id, session)
    if not crosssite.wants_page(request):
        return jsonify({"sessions": [asdict(place) for place in places]})
    now = party.clock()
    return page(
        "sessions.html",
        places=places,
        ended=_just_ended(),
        address=site().path(request.path),
        home=site().path("/"),
        ago=lambda at: _ago(now - at),
        moment=moment,
    )


def _ago(seconds: float) -> str:
    return "just now" if seconds < _MINUTE_SECONDS else f"{duration(seconds)} ago"


def _just_ended() -> int | None:
    """How many our own form has just ended; another site's link can't make the page say that."""
    count = request.args.get("ended", "")
    mine = crosssite.is_own_navigation(request) and len(count) <= _COUNT_DIGITS
    return int(count) if mine and count.isascii() and count.isdigit() else None


def _end(session_id: str, session: Session) -> Response:
    party = state().party
    asked = _asked()
    if asked == "others":
        return _stay(_end_others(session_id, session))
    if asked == "everywhere":
        return _leave(session_id, _end_others(session_id, session), scope="everywhere")
    if asked == party.sessions.handle(session_id):
        return _leave(session_id, 0, scope="here")
    _follow_up((end_one(party, session, asked),))
    return _stay(1)


def _end_others(session_id: str, session: Session) -> int:
    """End all others, and say how many there were; where the store fails midway those that ended are told of."""
    ended: list[Session] = []
    try:
        end_others(state().party, session_id, session, each=ended.append)
    finally:
        _follow_up(ended)
    return len(ended)


def _follow_up(ended: Collection[Session]) -> None:
    tell(ended, reason="ended_elsewhere")
    after_this_request(partial(revoke_afterwards, sessions=ended))


def _asked() -> str:
    """`others`, `everywhere`, or a handle; anything that can't be read is no session's."""
    request.max_content_length = MAX_BODY_BYTES
    asked: JsonValue = None
    try:
        if request.is_json:
            asked = read_json_object(request.get_data(), document="request").get("end")
        else:
            asked = request.form.get("end")
    except (RequestEntityTooLarge, MalformedAnswer):
        pass
    return asked if isinstance(asked, str) else ""


def _stay(count: int) -> Response:
    if crosssite.wants_page(request):
        return see(add_query(site().path(request.path), {"ended": str(count)}))
    return jsonify({"ended": count})


def _leave(session_id: str, others: int, *, scope: SignOutScope) -> Response:
    """End this session, too, and go on to the provider's own sign-out, or to the page after a sign-out."""
    left = sign_out(state().party, session_id, landing=landing, scope=scope)
    forget_session()
    mine = [left.session] if left.session is not None else []
    for session in mine:
        signed_out.send(application(), user=user_of(session))
    tell(mine, reason="signed_out")
    where = left.url or site().path(state().settings.after_logout)
    count = others + len(mine)
    response = see(where) if crosssite.wants_page(request) else jsonify({"ended": count, "next": where})
    revoke_afterwards(response, mine)
    cookies.drop_session(response, site())
    return response
