import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    NOW,
    REDIRECT_URI,
    VERIFIER,
    answer,
    callback,
    chain,
    json_answer,
    metadata,
    outcome,
    provider,
    transaction,
    with_changes,
)

from signon.core.client_auth import Client
from signon.core.errors import (
    MalformedAnswer,
    OperatorError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    RefreshEnded,
    SignOnError,
)
from signon.core.tokens import MAX_LIFE_SECONDS, TokenSet, code_request, read_refreshed, read_tokens
from signon.core.values import Secret

ASKED = ("openid", "profile")


def document(**changes: object) -> dict[str, object]:
    genuine = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600, "id_token": "a.b.c"}
    return with_changes(genuine, changes)


def read(response=None, *, scopes: tuple[str, ...] = ASKED, of_provider=None, **changes: object) -> TokenSet:
    response = json_answer(document(**changes)) if response is None else response
    return read_tokens(response, provider=of_provider or provider(), scopes=scopes, now=NOW)


def test_code_is_redeemed_with_its_redirect_uri_and_verifier():
    """The request must be a form with code, redirect_uri and verifier, authenticated once (RFC 6749 4.1.3)."""
    request = code_request(provider(headers={"X-Region": "th"}), metadata(), callback(), now=NOW)
    assert (request.method, request.url, request.document) == ("POST", f"{ISSUER}/token", "token")
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Region"] == "th"
    assert CLIENT_SECRET not in repr(request)


def test_code_is_redeemed_by_the_method_that_the_provider_lists():
    """Where the provider lists post alone, the credentials must go by post and not by both."""
    request = code_request(
        provider(), metadata(token_endpoint_auth_methods_supported=("client_secret_post",)), callback(), now=NOW
    )
    form = dict(parse_qsl(request.body.decode()))
    assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
    assert "Authorization" not in request.headers


def test_no_verifier_is_sent_where_no_challenge_was():
    """Without a challenge there must be no verifier, and not an empty one."""
    bare = callback(of_transaction=transaction(verifier=""))
    form = dict(
        parse_qsl(code_request(provider(), metadata(), bare, now=NOW).body.decode(), keep_blank_values=True)
    )
    assert form.keys() == {"grant_type", "code", "redirect_uri"}


def test_tokens_are_read():
    """Each token and what is said of it must come back, the expiry counted from now."""
    tokens = read(refresh_token="the-refresh-token", scope="openid email")
    assert tokens.access_token.reveal() == ACCESS_TOKEN
    assert tokens.refresh_token.reveal() == "the-refresh-token"
    assert tokens.id_token.reveal() == "a.b.c"
    assert tokens.scope == ("openid", "email")
    assert (tokens.issued_at, tokens.expires_at) == (NOW, NOW + 3600)
    for hidden in (ACCESS_TOKEN, "the-refresh-token", "a.b.c"):
        assert hidden not in repr(tokens)


ACCEPTED = {
    "expires_in absent": ({"expires_in": ABSENT}, "expires_at", None),
    "expires_in null": ({"expires_in": None}, "expires_at", None),
    "expires_in of zero": ({"expires_in": 0}, "expires_at", NOW),
    "expires_in a fraction": ({"expires_in": 0.5}, "expires_at", NOW + 0.5),
    "expires_in of a century": ({"expires_in": MAX_LIFE_SECONDS}, "expires_at", NOW + MAX_LIFE_SECONDS),
    "scope absent": ({"scope": ABSENT}, "scope", ASKED),
    "scope null": ({"scope": None}, "scope", ASKED),
    "scope empty": ({"scope": ""}, "scope", ASKED),
    "scope smaller": ({"scope": "openid"}, "scope", ("openid",)),
    "scope larger": ({"scope": "openid profile admin"}, "scope", ("openid", "profile", "admin")),
    "refresh_token empty": ({"refresh_token": ""}, "refresh_token", None),
    "token_type in capitals": ({"token_type": "BEARER"}, "scope", ASKED),
    "token_type in small letters": ({"token_type": "bearer"}, "scope", ASKED),
    "unknown members": ({"future": {"a": [1]}}, "scope", ASKED),
}


@pytest.mark.parametrize(("changes", "name", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_standard_leaves_open_is_accepted(changes, name, value):
    """What may be left out must be, and scope is what was granted, or asked for where nothing is said."""
    assert getattr(read(**changes), name) == value


def test_without_openid_no_id_token_is_demanded():
    """Only a sign-in that asked for `openid` must get an ID token; one that comes is kept all the same."""
    assert read(scopes=("profile",), id_token=ABSENT).id_token is None
    assert read(scopes=("profile",)).id_token.reveal() == "a.b.c"


MEMBERS = {
    "access_token absent": ({"access_token": ABSENT}, "token_access_token_missing"),
    "access_token null": ({"access_token": None}, "token_access_token_missing"),
    "access_token empty": ({"access_token": ""}, "token_access_token_missing"),
    "access_token a number": ({"access_token": 1}, "token_access_token_invalid"),
    "access_token a list": ({"access_token": ["t"]}, "token_access_token_invalid"),
    "access_token with a line end": ({"access_token": "t\r\nX: y"}, "token_access_token_invalid"),
    "access_token not ASCII": ({"access_token": "té"}, "token_access_token_invalid"),
    "token_type absent": ({"token_type": ABSENT}, "token_token_type_missing"),
    "token_type a list": ({"token_type": ["Bearer"]}, "token_token_type_invalid"),
    "token_type DPoP": ({"token_type": "DPoP"}, "token_type_unknown"),
    "token_type mac": ({"token_type": "mac"}, "token_type_unknown"),
    "token_type padded": ({"token_type": "Bearer "}, "token_type_unknown"),
    "id_token absent": ({"id_token": ABSENT}, "token_id_token_missing"),
    "id_token null": ({"id_token": None}, "token_id_token_missing"),
    "id_token empty": ({"id_token": ""}, "token_id_token_missing"),
    "id_token a number": ({"id_token": 1}, "token_id_token_invalid"),
    "id_token an object": ({"id_token": {}}, "token_id_token_invalid"),
    "refresh_token a number": ({"refresh_token": 1}, "token_refresh_token_invalid"),
    "refresh_token not visible": ({"refresh_token": "\x00"}, "token_refresh_token_invalid"),
    "scope a list": ({"scope": ["openid"]}, "token_scope_invalid"),
    "expires_in text": ({"expires_in": "3600"}, "token_expires_in_invalid"),
    "expires_in negative": ({"expires_in": -1}, "token_expires_in_invalid"),
    "expires_in true": ({"expires_in": True}, "token_expires_in_invalid"),
    "expires_in 1e300": ({"expires_in": 1e300}, "token_expires_in_invalid"),
    "expires_in beyond a century": ({"expires_in": MAX_LIFE_SECONDS + 1}, "token_expires_in_invalid"),
    "expires_in a list": ({"expires_in": [3600]}, "token_expires_in_invalid"),
}


@pytest.mark.parametrize(("changes", "code"), MEMBERS.values(), ids=MEMBERS)
def test_each_fault_of_a_member_has_its_code(changes, code):
    """An answer with one member missing or of a wrong kind must be refused with that member's code."""
    with pytest.raises(MalformedAnswer) as error:
        read(**changes)
    assert error.value.code == code
    assert ACCESS_TOKEN not in str(chain(error.value))


RAW_DOCUMENTS = {
    "empty": (answer(b""), MalformedAnswer, "token_not_json"),
    "not JSON": (answer(b"access_token=t"), MalformedAnswer, "token_not_json"),
    "not UTF-8": (answer(b"\xff"), MalformedAnswer, "token_not_utf8"),
    "a list": (answer(b"[{}]"), MalformedAnswer, "token_not_object"),
    "a number": (answer(b"1"), MalformedAnswer, "token_not_object"),
    "a member twice": (
        answer(b'{"access_token":"a","access_token":"b"}'),
        MalformedAnswer,
        "token_duplicate_member",
    ),
    "NaN": (answer(b'{"expires_in":NaN}'), MalformedAnswer, "token_bad_number"),
    "1e400": (answer(b'{"expires_in":1e400}'), MalformedAnswer, "token_bad_number"),
    "5,000 digits": (answer(b'{"expires_in":' + b"1" * 5000 + b"}"), MalformedAnswer, "token_bad_number"),
    "too deep": (answer(b'{"a":' * 99 + b"1" + b"}" * 99), MalformedAnswer, "token_too_deep"),
    "half a character": (answer(b'{"access_token":"\\ud800"}'), MalformedAnswer, "token_lone_surrogate"),
    "HTML": (answer(b"<html>", content_type="text/html"), MalformedAnswer, "token_content_type"),
    "307": (answer(b"", status=307), ProviderError, "token_redirect"),
    "500": (answer(b"", status=500), ProviderUnavailable, "token_server_error"),
    "429": (answer(b"", status=429), ProviderUnavailable, "token_server_error"),
    "404": (answer(b'{"error":"invalid_grant"}', status=404), ProviderError, "token_status"),
    "400 without JSON": (answer(b"<html>", status=400), ProviderError, "token_status"),
    "400 without an error": (answer(b"{}", status=400), ProviderError, "token_status"),
    "400 with an error that is no text": (answer(b'{"error":1}', status=400), ProviderError, "token_status"),
    "401 without JSON": (answer(b"", status=401), ProviderError, "token_status"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), RAW_DOCUMENTS.values(), ids=RAW_DOCUMENTS)
def test_each_unreadable_answer_has_its_code(response, error_class, code):
    """An answer that can't be read must be refused with the class and code of its fault."""
    with pytest.raises(error_class) as error:
        read(response)
    assert type(error.value) is error_class
    assert error.value.code == code


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("name", "error_class", "code"),
    [
        ("invalid_grant", ProviderRefused, "token_invalid_grant"),
        ("invalid_request", ProviderRefused, "token_refused"),
        ("new_error", ProviderRefused, "token_refused"),
        ("invalid_client", OperatorError, "token_invalid_client"),
        ("unauthorized_client", OperatorError, "token_invalid_client"),
    ],
)
def test_oauth_errors_are_told_apart(status, name, error_class, code):
    """An OAuth error must be the provider's refusal or the operator's mistake, with its name and status."""
    with pytest.raises(error_class) as error:
        read(json_answer({"error": name, "error_description": "why"}, status=status))
    assert type(error.value) is error_class
    assert error.value.code == code
    assert f"{status} {name}" in str(error.value)


def test_refusal_quotes_the_provider():
    """Error, description and address must come along, printable and cut; other types count as absent."""
    body = {
        "error": "invalid_grant",
        "error_description": "used\x00" + "x" * 999,
        "error_uri": "https://op.example/e",
    }
    with pytest.raises(ProviderRefused) as error:
        read(json_answer(body, status=400))
    assert error.value.error == "invalid_grant"
    assert error.value.description.startswith("used?x")
    assert len(error.value.description) == 201
    assert error.value.error_uri == "https://op.example/e"
    with pytest.raises(ProviderRefused) as error:
        read(json_answer({"error": "invalid_grant", "error_description": 1, "error_uri": []}, status=400))
    assert (error.value.description, error.value.error_uri) == ("", "")


def test_wrong_client_says_how_it_was_registered():
    """The operator must be told which way of authentication was tried."""
    client = Client(client_id=CLIENT_ID, auth="none")
    with pytest.raises(OperatorError) as error:
        read(json_answer({"error": "invalid_client"}, status=401), of_provider=provider(client=client))
    assert "whether none is what was registered" in str(error.value)


def test_hooks_translate_the_dialect():
    """A provider's hooks must turn its JSON into standard JSON, and what they give is judged as any other."""
    dialect = provider(
        read_tokens=lambda wire, now: {**wire, "token_type": "Bearer", "expires_in": wire["expires_at"] - now},
        read_error=lambda wire, _now: {"error": "invalid_grant"} if wire.get("message") else wire,
    )
    wire = document(token_type=ABSENT, expires_in=ABSENT, expires_at=NOW + 60)
    assert read(json_answer(wire), of_provider=dialect).expires_at == NOW + 60
    with pytest.raises(ProviderRefused) as error:
        read(json_answer({"message": "used"}, status=400), of_provider=dialect)
    assert error.value.code == "token_invalid_grant"
    with pytest.raises(MalformedAnswer) as malformed:
        read(json_answer(wire | {"access_token": "t\n"}), of_provider=dialect)
    assert malformed.value.code == "token_access_token_invalid"


OLD = TokenSet(access_token=Secret("old"), scope=ASKED, refresh_token=Secret("the-refresh-token"))


def read_again(response=None, *, of_provider=None, **changes: object) -> TokenSet:
    response = json_answer(document(**changes)) if response is None else response
    return read_refreshed(response, provider=of_provider or provider(), old=OLD, now=NOW)


def test_refresh_may_leave_tokens_out():
    """A refresh may come without ID token and refresh token; the latter then stays (RFC 6749 6)."""
    tokens = read_again(id_token=ABSENT)
    assert (tokens.id_token, tokens.refresh_token, tokens.scope) == (None, OLD.refresh_token, ASKED)
    assert read_again(refresh_token="another").refresh_token == Secret("another")


@pytest.mark.parametrize(
    ("error", "status", "ends", "statuses", "final"),
    [
        ("invalid_grant", 400, {"invalid_grant"}, (), True),
        ("invalid_grant", 401, {"invalid_grant"}, (), True),
        ("invalid_grant", 403, {"refresh_over"}, (), False),
        ("refresh_over", 401, {"refresh_over"}, (), True),
        ("refresh_over", 401, {"invalid_grant"}, (), True),
        ("mfa_required", 400, {"mfa_required"}, (), True),
        ("mfa_required", 400, {"invalid_grant"}, (), False),
        ("whatever", 403, {"invalid_grant"}, (403,), True),
        ("whatever", 400, {"invalid_grant"}, (403,), False),
    ],
)
def test_profile_says_what_ends_a_refresh(error, status, ends, statuses, final):
    """The vendor's own code, the standard one that its profile makes of that, or a status must end a refresh."""
    vendor = provider(
        refresh_ends=frozenset(ends),
        refresh_end_statuses=frozenset(statuses),
        read_error=lambda wire, _now: (
            {**wire, "error": "invalid_grant"} if wire["error"] == "refresh_over" else wire
        ),
    )
    body = {"error": error, "error_description": "why", "error_uri": "https://op.example/e"}
    with pytest.raises(ProviderRefused) as refused:
        read_again(json_answer(body, status=status), of_provider=vendor)
    assert type(refused.value) is (RefreshEnded if final else ProviderRefused)
    assert (refused.value.error, refused.value.description) == (error, "why")
    if final:
        assert (refused.value.code, refused.value.error_uri) == ("refresh_ended", "https://op.example/e")


@pytest.mark.parametrize(
    ("response", "error_class", "code"),
    [
        (json_answer({"error": "invalid_client"}, status=403), OperatorError, "token_invalid_client"),
        (answer(b"<html>", status=403), ProviderError, "token_status"),
        (answer(b"", status=500), ProviderUnavailable, "token_server_error"),
        (json_answer({"access_token": "t"}), MalformedAnswer, "token_token_type_missing"),
    ],
)
def test_nothing_else_ends_a_refresh(response, error_class, code):
    """A wrong client, a page of a firewall, a broken server may all pass: they end nothing."""
    with pytest.raises(error_class) as error:
        read_again(response, of_provider=provider(refresh_end_statuses=frozenset({403})))
    assert (type(error.value), error.value.code) == (error_class, code)


@pytest.mark.parametrize(
    ("life", "due"), [(3600, 3540), (240, 180), (239, 179.25), (100, 75), (8, 6), (0, 0), (None, None)]
)
def test_token_is_due_a_minute_before_its_end(life, due):
    """A token must be refreshed a minute before its end, in the last quarter of a short life, else never."""
    tokens = read(expires_in=life)
    if life is None:
        assert not tokens.is_due(NOW + 1e9)
        assert not tokens.is_over(NOW + 1e9)
        return
    assert tokens.is_due(NOW + due)
    assert not tokens.is_due(NOW + due - 0.1)
    assert tokens.is_over(NOW + life)
    assert not tokens.is_over(NOW + life - 0.1)


def test_token_of_an_older_record_is_due_a_minute_before_its_end():
    """Without a time of issue, as in records of old, a token is taken for a long one."""
    tokens = TokenSet(access_token=Secret("t"), scope=(), expires_at=NOW + 100)
    assert (tokens.is_due(NOW + 39.9), tokens.is_due(NOW + 40)) == (False, True)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
NAMES = ["access_token", "token_type", "expires_in", "id_token", "refresh_token", "scope", "error"]


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(NAMES), VALUES).map(lambda d: json.dumps({**document(), **d}).encode()),
    st.sampled_from([200, 400, 401, 500]),
)
def test_any_bytes_give_tokens_or_our_error(body, status):
    """Whatever comes from the token endpoint, the reader must give tokens or an error of ours."""
    result = outcome(lambda: read(answer(body, status=status)))
    assert isinstance(result, TokenSet | SignOnError)
    if isinstance(result, TokenSet):
        assert result.access_token.reveal().isprintable()
