import ast
import string
from pathlib import Path

import pytest

import signon
from signon.core import errors
from signon.core.errors import PersonRefused, ProviderError, SignOnError, SuspectError, UnknownKey
from signon.flask.messages import _BY_KIND, MESSAGES, day, duration, message_for, message_id, moment
from signon.service.party import Refused


@pytest.mark.parametrize(
    ("error", "identifier"),
    [
        (SuspectError("state_used", ""), "state_used"),
        (SuspectError("iss_mismatch", ""), "suspect"),
        (errors.PersonError("anything", ""), "person"),
        (PersonRefused("access_denied", "", error="e"), "access_denied"),
        (PersonRefused("consent_required", "", error="e"), "person_refused"),
        (errors.ProviderRefused("provider_refused", "", error="e"), "provider_refused"),
        (errors.ProviderRefused("token_invalid_grant", "", error="e"), "token_invalid_grant"),
        (errors.ProviderUnavailable("token_timeout", ""), "unavailable"),
        (errors.ProviderUnavailable("permissions_timeout", ""), "refresh_unavailable"),
        (errors.ProviderUnavailable("password_unreachable", ""), "refresh_unavailable"),
        (errors.OperatorError("permissions_token_missing", ""), "operator"),
        (errors.StoreUnavailable("store_unavailable", ""), "store_unavailable"),
        (errors.TokenRejected("id_token_aud", ""), "rejected"),
        (UnknownKey("id_token_key", ""), "rejected"),
        (errors.MalformedAnswer("token_not_json", ""), "malformed"),
        (ProviderError("code_missing", ""), "malformed"),
        (errors.OperatorError("base_url_missing", ""), "operator"),
        (errors.ConfigurationError(()), "operator"),
        (Refused("no"), "refused"),
    ],
)
def test_code_or_kind_finds_the_message(error, identifier):
    """A code with a message of its own gets that; all others get the message of their kind."""
    assert message_id(error) == identifier
    assert message_for(error, provider="Op").title == MESSAGES[identifier].title.format(provider="Op")


def every_error(kind=SignOnError):
    for below in kind.__subclasses__():
        yield below
        yield from every_error(below)


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=lambda kind: kind.__name__))
def test_every_kind_of_error_has_a_message(kind):
    """No error of ours may be without words for a visitor."""
    error = kind.__new__(kind)
    error.code = "a_code_that_nobody_has"
    assert message_id(error) in MESSAGES


@pytest.mark.parametrize("identifier", MESSAGES)
def test_message_says_what_happened_and_what_to_do(identifier):
    """Each message: a title, a sentence, a button; provider and limit are all that is ever filled in."""
    message = MESSAGES[identifier]
    for text in message:
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= {"provider", "limit"}
        assert text.strip() == text
        assert "!" not in text
    assert not message.title.endswith(".")
    assert message.text.endswith((".", "?"))
    assert len(message.button) <= 25


def test_label_is_filled_in_once():
    """A label with braces must be text, not a field."""
    message = message_for(errors.ProviderUnavailable("x", ""), provider="{provider} {0}")
    assert message.title == "{provider} {0} can't be reached"


def test_provider_without_a_label_fits_into_the_sentence():
    """A provider that nobody knows is "the provider", capital only where a sentence begins; labels stay."""
    unreachable, unreadable = errors.ProviderUnavailable("x", ""), errors.MalformedAnswer("x", "")
    assert message_for(unreachable, provider=None).title == "The provider can't be reached"
    assert message_for(unreadable, provider=None).text == "What the provider sent is damaged or incomplete."
    assert message_for(unreachable, provider="sgID").title == "sgID can't be reached"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (90, "1 minute 30 seconds"),
        (3600, "1 hour"),
        (3601, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (28_800, "8 hours"),
        (86_400, "1 day"),
        (86_460, "1 day"),
        (90_061, "1 day 1 hour"),
        (2_592_000, "30 days"),
    ],
)
def test_duration_is_said_in_two_units_at_most(seconds, words):
    """A time is said in its largest unit and the next one, as people do."""
    assert duration(seconds) == words


def test_moment_is_utc_to_the_minute():
    """A time is the same text for people and machines, wherever the server stands."""
    assert moment(0) == "1970-01-01 00:00Z"
    assert moment(1_800_000_059.9) == "2027-01-15 08:00Z"


def test_day_is_in_words():
    """A day as people say it, in UTC."""
    assert (day(0), day(1_799_971_199)) == ("1 January 1970", "14 January 2027")


@pytest.mark.parametrize("code", ["session_idle", "session_expired"])
def test_limit_is_filled_in(code):
    """The message of a limit says how long the limit is."""
    error = errors.PersonError(code, "")
    assert "for 2 hours" in message_for(error, provider=None, limit="2 hours").text


def test_every_message_is_used():
    """Each identifier must be some error's code, or the name of a kind: else nobody can ever see it."""
    texts = set()
    for path in Path(signon.__file__).parent.rglob("*.py"):
        if path.name != "messages.py":
            nodes = ast.walk(ast.parse(path.read_text("utf-8")))
            texts |= {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    ends = tuple(
        text for text in texts if text.startswith("_") and len(text) > 4
    )  # of codes that are put together
    kinds = {identifier for _, identifier in _BY_KIND}
    assert not [name for name in MESSAGES if name not in texts | kinds and not name.endswith(ends)]
