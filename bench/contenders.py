"""The applications that are compared; the first is the measure of the others."""

from __future__ import annotations

from typing import NamedTuple


class Contender(NamedTuple):
    """An application: its column in the tables, its module in apps/, and where its sign-in starts."""

    name: str
    module: str
    login_path: str


FLOOR, SIGNON, AUTHLIB = CONTENDERS = (
    Contender("floor", "floor", "/login"),
    Contender("Signon", "signon_app", "/auth/login/oidc"),
    Contender("Authlib", "authlib_app", "/login"),
)
