"""The protocol: OpenID Connect and OAuth 2 as plain functions and values.

No networking code at all, no clock, no logging and no framework. Time comes in as `now` (POSIX seconds),
requests go out as values, answers come in as values, and nothing but a `SignOnError` comes out of a reader,
whatever bytes it was given.
"""
