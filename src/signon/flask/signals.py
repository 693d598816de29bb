"""Signals (blinker). Each is sent with the application as its sender."""

from blinker import Namespace

_signals = Namespace()

signed_in = _signals.signal("signon.signed_in")
"""After a sign-in, before the redirect: `user` (a `User`), `login` (a `Login`)."""

signed_out = _signals.signal("signon.signed_out")
"""After a session was ended by its owner: `user` (the `User` it was)."""

session_ended = _signals.signal("signon.session_ended")
"""After a session has ended, whoever ended it: `login` (a `Login`), and `reason`, one of `signed_out` (by its
owner), `replaced` (by a new sign-in in the same browser), `ended_elsewhere` (by its owner, from another session),
`backchannel`, `frontchannel` and `revoked` (by the provider), `operator` (by `flask signon sessions end`, but not
with `--all`). Nobody is there to notice when a limit ends one."""

tokens_refreshed = _signals.signal("signon.tokens_refreshed")
"""After a provider gave new tokens for a session and they were saved: `login` (a `Login`) and `tokens` (a
`TokenSet`). Sent once for all workers, by the one that asked."""
