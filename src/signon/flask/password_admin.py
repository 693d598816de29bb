"""`reset_password`, `send_recovery_code`, `recover_password`: for an application's administrators, and for its
form for forgotten passwords.
"""

from __future__ import annotations

from signon.core.errors import OperatorError
from signon.core.provider import Provider
from signon.core.values import Secret
from signon.flask.state import state
from signon.service import passwords


def reset_password(user_id: str, new: str, *, provider: str | None = None) -> None:
    """Give somebody a new password, which they must change when they next sign in.

    `user_id` is the provider's (`current_user.vendor.user_id`). `provider` may be left out where one alone has an
    API for passwords. The view must let only administrators get here. The provider must have given the application
    a role for it. Raises `OperatorError` (`password_api_missing`), and what `signon.service.passwords` raises.
    """
    passwords.reset_password(state().party, _able(provider), user_id, new=Secret(new))


def send_recovery_code(user_id: str, *, provider: str | None = None) -> None:
    """Have the provider mail a code to somebody who has forgotten their password. Raises as `reset_password`.

    Whoever asks proves nothing: limit how often, and never tell them whether there is such a person.
    """
    passwords.send_recovery_code(state().party, _able(provider), user_id)


def recover_password(user_id: str, *, code: str, new: str, provider: str | None = None) -> None:
    """Set a new password by the code that was mailed; the provider judges both. Raises as `reset_password`; what
    was typed wrong is `PasswordRefused`, with each problem and its field.
    """
    party = state().party
    passwords.recover_password(party, _able(provider), user_id, code=Secret(code), new=Secret(new))


def _able(name: str | None) -> Provider:
    """The provider of this name, or the only one, that has an API for passwords."""
    able = [each for each in state().party.providers.values() if each.passwords is not None]
    found = [each for each in able if name in {None, each.name}]
    if len(found) != 1:
        known = ", ".join(each.name for each in able) or "none has"
        raise OperatorError("password_api_missing", f"name a provider that has an API for passwords: {known}")
    return found[0]
