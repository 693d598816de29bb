"""Signals (blinker). Each is sent with the application as its sender."""

from blinker import Namespace

_signals = Namespace()

signed_in = _signals.signal("signon.signed_in")
"""After a sign-in, before the redirect: `user` (a `User`), `login` (a `Login`)."""

signed_out = _signals.signal("signon.signed_out")
"""After a session was ended by its owner: `user` (the `User` it was)."""
