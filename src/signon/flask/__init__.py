"""Signon for Flask: `SignOn(app)`, `current_user`, `login_required`."""

from signon.core.authorize import Wishes
from signon.core.errors import ConfigurationError, SignOnError
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.flask.api import current_token, token_required
from signon.flask.begin import start_sign_in
from signon.flask.bff import fetch_required, sign_in_address
from signon.flask.current import CurrentLogin, User, current_login, current_user
from signon.flask.extension import SignOn
from signon.flask.guards import fresh_login_required, login_required, roles_required
from signon.flask.password_admin import recover_password, reset_password, send_recovery_code
from signon.flask.password_mail import send_password_mail
from signon.flask.permissions import permission_required, permissions_now
from signon.flask.service_tokens import service_token
from signon.flask.signals import session_ended, signed_in, signed_out, tokens_refreshed
from signon.flask.step_up import step_up
from signon.providers.pingone.refusals import PasswordRefused
from signon.service.party import Refused
from signon.service.saving import TokensEnded

__all__ = [
    "ConfigurationError",
    "CurrentLogin",
    "Login",
    "PasswordRefused",
    "Person",
    "Refused",
    "SignOn",
    "SignOnError",
    "TokenSet",
    "TokensEnded",
    "User",
    "Wishes",
    "current_login",
    "current_token",
    "current_user",
    "fetch_required",
    "fresh_login_required",
    "login_required",
    "permission_required",
    "permissions_now",
    "recover_password",
    "reset_password",
    "roles_required",
    "send_password_mail",
    "send_recovery_code",
    "service_token",
    "session_ended",
    "sign_in_address",
    "signed_in",
    "signed_out",
    "start_sign_in",
    "step_up",
    "token_required",
    "tokens_refreshed",
]
