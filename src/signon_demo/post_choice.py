"""The post that a public officer is here for, where sgID knows of several: chosen once for each sign-in."""

from __future__ import annotations

from flask import Blueprint, Response, request, session, url_for
from werkzeug.exceptions import BadRequest

from signon.flask import current_login, current_user, login_required
from signon.providers.sgid import SgidPerson

_KEY = "post"


def add_post_choice(pages: Blueprint) -> None:
    """Add the address that the profile's form goes to."""
    pages.add_url_rule("/post", "post", choose, methods=["POST"])


def posts() -> tuple[str, ...]:
    """This person's posts in words, where there are several to choose from."""
    person = current_user.vendor
    if not isinstance(person, SgidPerson) or len(person.employments) <= 1:
        return ()
    words = ((post.employment_title, post.department_name, post.agency_name) for post in person.employments)
    return tuple(", ".join(filter(None, parts)) or "a post without a name" for parts in words)


def chosen() -> int | None:
    """The number of the post that was chosen since this sign-in, from 0; None: none yet."""
    signed_in_at, number = session.get(_KEY, (None, None))
    return number if signed_in_at == current_login.signed_in_at else None


@login_required
def choose() -> Response:
    """Note the choice beside the sign-in that it belongs to: a later one asks again."""
    number = request.form.get("post", type=int)
    if number is None or not 0 <= number < len(posts()):
        raise BadRequest
    session[_KEY] = (current_login.signed_in_at, number)
    response = Response(status=303)
    response.location = url_for("demo.profile")
    return response
