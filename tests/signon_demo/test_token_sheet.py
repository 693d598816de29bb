from signon.core.introspection import Introspection
from signon.core.person import Login, Person
from signon.core.tokens import TokenSet
from signon.core.values import Secret
from signon_demo.claims import local_time
from signon_demo.token_sheet import changes, introspection_rows, token_rows

NOW = 1_800_000_000.0
PERSON = Person(provider="thaid", issuer="https://op.example", subject="9103700001234", public_subject="our-key")
LOGIN = Login(person=PERSON, claims={}, signed_in_at=NOW)
WHOLE = TokenSet(
    access_token=Secret("a" * 4 + "-access-token-" + "z" * 4),
    refresh_token=Secret("r" * 4 + "-refresh-token-" + "y" * 4),
    id_token=Secret("i" * 4 + "-id-token-" + "x" * 4),
    scope=("openid", "email"),
    issued_at=NOW - 0.5,
    expires_at=NOW + 900,
)
BARE = TokenSet(access_token=Secret("short"), scope=())


def _said(rows):
    return {row.name: row.lines for row in rows}


def test_tokens_show_their_ends():
    """A token is its first and last four characters and its length; times are local, with the number beside."""
    rows = token_rows(WHOLE, LOGIN)
    assert _said(rows) == {
        "access_token": ("aaaa…zzzz (22)",),
        "refresh_token": ("rrrr…yyyy (23)",),
        "id_token": ("iiii…xxxx (18)",),
        "token_type": ("Bearer",),
        "scope": ("openid email",),
        "expires_at": (local_time(NOW + 900),),
        "refreshed_at": ("not since the sign-in",),
    }
    assert {row.name: row.raw for row in rows}["expires_at"] == "1800000900"


def test_what_there_is_not_is_said():
    """Tokens and times that a provider left out are said to be, and a short token shows nothing of itself."""
    rows = token_rows(BARE, LOGIN)
    assert _said(rows) == {
        "access_token": ("… (5)",),
        "refresh_token": ("none",),
        "id_token": ("none",),
        "token_type": ("Bearer",),
        "scope": ("not said",),
        "expires_at": ("not said",),
        "refreshed_at": ("not since the sign-in",),
    }
    assert {row.name: row.raw for row in rows}["expires_at"] is None


def test_only_tokens_with_a_refresh_are_said_to_be_refreshed():
    """What happens at the end depends on whether there is a refresh token."""
    meanings = [{row.name: row.meaning for row in token_rows(each, LOGIN)}["expires_at"] for each in (WHOLE, BARE)]
    assert ["it is refreshed before" in meaning for meaning in meanings] == [True, False]


def test_the_last_refresh_is_told():
    """Tokens that are younger than the sign-in say when they came."""
    (row,) = (row for row in token_rows(_issued(NOW + 60), LOGIN) if row.name == "refreshed_at")
    assert (row.lines, row.raw) == ((local_time(NOW + 60),), "1800000060")


def test_tokens_of_the_sign_in_itself_are_no_refresh():
    """The request for the tokens begins before the sign-in ends: neither order makes a refresh of it."""
    for seconds in (-1.0, 0.0, 1.0):
        (row,) = (row for row in token_rows(_issued(NOW + seconds), LOGIN) if row.name == "refreshed_at")
        assert row.lines == ("not since the sign-in",)


def _issued(at):
    return TokenSet(access_token=Secret("a" * 20), scope=(), issued_at=at)


def test_a_refresh_shows_both_ends_of_what_changed():
    """Old and new stand there where a token changed, one of them where it did not, none where there is none."""
    new = TokenSet(access_token=Secret("n" * 20), refresh_token=WHOLE.refresh_token, scope=())
    assert _said(changes(WHOLE, new)) == {
        "access_token": ("before: aaaa…zzzz (22)", "now: nnnn…nnnn (20)"),
        "refresh_token": ("rrrr…yyyy (23), the same",),
        "id_token": ("before: iiii…xxxx (18)", "now: none"),
    }
    assert _said(changes(BARE, BARE))["refresh_token"] == ("none",)


def test_introspection_never_tells_the_national_id():
    """Wherever a provider says the subject our key stands in its place; unknown members are called its own."""
    claims = {"sub": PERSON.subject, "pid_of": PERSON.subject, "exp": NOW, "scope": "pid name"}
    rows = introspection_rows(Introspection(active=True, claims=claims), LOGIN)
    said = _said(rows)
    assert (said["active"], said["sub"], said["pid_of"]) == (("true",), ("our-key",), ("our-key",))
    assert said["exp"] == (local_time(NOW),)
    assert {row.name: row.meaning for row in rows}["pid_of"].endswith("the provider's own")


def test_an_inactive_token_says_nothing_else():
    """Of a token that is over there is one row."""
    assert _said(introspection_rows(Introspection(active=False), LOGIN)) == {"active": ("false",)}
