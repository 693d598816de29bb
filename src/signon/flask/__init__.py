"""Signon for Flask: `SignOn(app)`, `current_user`, `login_required`."""

from signon.core.authorize import Wishes
from signon.core.errors import ConfigurationError, SignOnError
from signon.core.person import Login, Person
from signon.flask.begin import start_sign_in
from signon.flask.current import User, current_login, current_user
from signon.flask.extension import SignOn
from signon.flask.guards import fresh_login_required, login_required, roles_required
from signon.flask.signals import signed_in, signed_out
from signon.service.party import Refused

__all__ = [
    "ConfigurationError",
    "Login",
    "Person",
    "Refused",
    "SignOn",
    "SignOnError",
    "User",
    "Wishes",
    "current_login",
    "current_user",
    "fresh_login_required",
    "login_required",
    "roles_required",
    "signed_in",
    "signed_out",
    "start_sign_in",
]
