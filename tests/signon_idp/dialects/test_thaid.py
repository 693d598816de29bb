import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.thaid import SCOPES, THAID, settings, thaid_dialect

NUMBER = "9103700001234"
EVERYTHING = " ".join(SCOPES)


@pytest.fixture
def make(helpers, clock):
    """A walk through a ThaID of which this is told; `client` changes the registration."""

    def make(*, client=None, **told):
        registered = replace(demo_client("thaid"), **(client or {}))
        dialect = thaid_dialect(**told) if told else THAID
        idp = Idp(dialect=dialect, origin="http://127.0.0.1:9001", clients=(registered,), now=clock)
        return Walk(idp, registered)

    class Walk(helpers.Walk):
        def parameters(self, **changes):
            # As the vendor's samples ask: no code challenge.
            usual = {"scope": "openid pid name", "code_challenge": None, "code_challenge_method": None}
            return super().parameters(**{**usual, **changes})

        def exchange(self, code, **changes):
            return super().exchange(code, **{"code_verifier": None, **changes})

        def tokens(self, persona="somchai", **changes):
            return super().tokens(persona, **changes)

        def sign_in(self, persona="somchai", **changes):
            return super().sign_in(persona, **changes)

        def code(self, persona="somchai", **changes):
            return super().code(persona, **changes)

        def ask(self, name, **form):
            return self.http.post(
                self.path(name), data=form, auth=(self.client.client_id, self.client.client_secret)
            )

    return make


@pytest.fixture
def walk(make):
    return make()


@pytest.fixture
def document(walk):
    return walk.http.get("/.well-known/openid-configuration").json


def code_on(page) -> str:
    return re.search(r"<code>(\w+)</code></p>\n</section>", page.text)[1]


def test_quirk_1_slashes(document, walk):
    """Quirk 1: every endpoint ends in a slash, and none answers without it."""
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 5
    assert all(address.endswith("/") for address in addresses)
    for address in addresses:
        assert walk.http.get(urlsplit(address).path[:-1]).status_code not in range(200, 300)


def test_quirk_2_document(document):
    """Quirk 2: the document is short, has one member misspelt, and is silent on PKCE, claims and introspection."""
    assert document["subject_type_supported"] == ["public"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    assert document["scopes_supported"] == list(SCOPES)
    absent = {"subject_types_supported", "code_challenge_methods_supported", "claims_supported"}
    absent |= {"introspection_endpoint", "end_session_endpoint", "authorization_response_iss_parameter_supported"}
    assert not absent & document.keys()


@pytest.mark.parametrize(
    ("life", "name", "seconds"),
    [
        ("expires_in", "expires_in", 1_800_000_900),
        ("expire_in", "expire_in", 1_800_000_900),
        ("duration", "expires_in", 900),
    ],
)
def test_quirk_3_expiry(make, life, name, seconds):
    """Quirk 3: the end is a time under either name, or a duration, as it is told."""
    tokens = make(life=life).tokens()
    assert tokens[name] == seconds
    assert len({"expires_in", "expire_in"} & tokens.keys()) == 1


def test_quirk_4_flat_claims(walk):
    """Quirk 4: without openid the claims stand beside the tokens and there is no ID token."""
    tokens = walk.tokens(scope="pid given_name family_name middle_name")
    assert tokens.keys() == {
        *("access_token", "token_type", "expires_in", "scope", "refresh_token"),
        *("pid", "given_name", "family_name"),
    }
    assert (tokens["pid"], tokens["given_name"]) == (NUMBER, "สมชาย")


def test_quirk_4_with_openid(walk, make, helpers):
    """Quirk 4: with openid they are in the ID token alone, or in both where that is told."""
    tokens = walk.tokens()
    assert "pid" not in tokens
    assert helpers.claims_of(tokens["id_token"])["pid"] == NUMBER
    assert make(flat_beside_id_token=True).tokens()["pid"] == NUMBER


@pytest.mark.parametrize("scope", ["openid email", "openid offline_access", "th_fullname", "", None])
def test_quirk_5_unknown_scope(walk, scope):
    """Quirk 5: one scope that there is not, or none at all, ends the request with 400 on a page."""
    page = walk.authorize(scope=scope)
    assert (page.status_code, code_on(page)) == (400, "invalid_scope")


def test_quirk_5_unregistered_scope(make):
    """Quirk 5: a scope that this client has no right to ends it, too, and its others go on."""
    walk = make(client={"scope": "openid name"})
    page = walk.authorize(scope="openid name pid")
    assert (page.status_code, code_on(page)) == (400, "invalid_scope")
    assert walk.tokens(scope="openid name")["scope"] == "openid name"


def test_quirk_6_keys(walk, helpers):
    """Quirk 6: several P-256 keys; the ID token names its own by kid, which is not the first."""
    keys = walk.http.get("/jwks/").json["keys"]
    header = helpers.header_of(walk.tokens()["id_token"])
    assert {key["crv"] for key in keys} == {"P-256"}
    assert header["alg"] == "ES256"
    assert [key["kid"] for key in keys].index(header["kid"]) == 1
    walk.idp.rotate_keys()
    assert len(walk.http.get("/jwks/").json["keys"]) == 3


def test_quirk_7_subject(walk, helpers):
    """Quirk 7: the subject is the number itself, the same for every client, with openid alone, too."""
    assert helpers.claims_of(walk.tokens(scope="openid")["id_token"])["sub"] == NUMBER


@pytest.mark.parametrize("form", ["Bearer {}", "{}"])
def test_quirk_8_introspection(walk, form):
    """Quirk 8: the token with or without Bearer before it; three members in the answer."""
    token = walk.tokens()["access_token"]
    answer = walk.ask("introspection", token=form.format(token))
    assert answer.json == {"active": True, "sub": NUMBER, "scope": "openid pid name"}
    assert walk.ask("introspection", token="Bearer unknown").json == {"active": False}


@pytest.mark.parametrize("form", ["Bearer {}", "{}"])
def test_quirk_8_revocation(walk, form):
    """Quirk 8: revoking takes both forms, too, answers with a sentence, and ends the token."""
    token = walk.tokens()["access_token"]
    answer = walk.ask("revocation", token=form.format(token), token_type_hint="access_token")
    assert (answer.status_code, answer.json) == (200, {"status": "OK", "message": "revoked"})
    assert walk.ask("introspection", token=token).json == {"active": False}


def test_introspection_without_a_token(walk):
    """A form without a token is the manual's one example of an error."""
    answer = walk.ask("introspection")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert answer.json["error_description"] == "The body is invalid"


REFUSALS = {
    "unknown code": ({"code": "unknown"}, 400, "invalid_request", "Invalid Authorization Code"),
    "other address": ({"redirect_uri": "http://localhost:5000/x"}, 400, "invalid_request", "redirect or callback"),
    "no code": ({"code": None}, 400, "invalid_request", "code is missing"),
    "grant type": ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type", ""),
    "unknown refresh token": (
        {"grant_type": "refresh_token", "refresh_token": "unknown"},
        401,
        "invalid_refresh_token",
        "Invalid Refresh Token",
    ),
    "secret": ({"client_id": "demo", "client_secret": "wrong"}, 401, "invalid_client", ""),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_quirk_9_errors(walk, name):
    """Quirk 9: each mistake at the token endpoint has the manual's code and status."""
    changes, status, code, description = REFUSALS[name]
    answer = walk.exchange(**{"code": walk.code(), **changes})
    assert (answer.status_code, answer.json["error"]) == (status, code)
    assert answer.json["error_description"].startswith(description)


def test_quirk_9_code_used_twice(walk):
    """Quirk 9: a second use of a code is a duplicate request, and ends what the first one gave."""
    code = walk.code()
    token = walk.exchange(code).json["access_token"]
    answer = walk.exchange(code)
    assert (answer.status_code, answer.json["error"]) == (400, "duplicate_request")
    assert walk.ask("introspection", token=token).json == {"active": False}


def test_quirk_9_code_too_old(walk, clock):
    """Quirk 9: an expired code is no valid code."""
    code = walk.code()
    clock.time += 61
    assert walk.exchange(code).json["error_description"] == "Invalid Authorization Code"


def test_token_of_another_client(walk, helpers):
    """Revoking somebody else's token is refused without a word on codes."""
    token = walk.tokens()["access_token"]
    walk.idp.register(replace(walk.client, client_id="other"))
    answer = walk.http.post(
        walk.path("revocation"), data={"token": token}, auth=("other", walk.client.client_secret)
    )
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "issued to another client" in answer.json["error_description"]


@pytest.mark.parametrize("denial", ["user_denied", "access_denied"])
@pytest.mark.parametrize("fields", [{"persona": "nattha"}, {"cancel": "1"}])
def test_quirk_9_denial(make, helpers, denial, fields):
    """Quirk 9: who refuses on the phone, or leaves the page, is sent back with the code that is told."""
    walk = make(denial=denial)
    answer = helpers.answer(walk.submit(walk.authorize(), **fields))
    assert (answer["error"], answer["state"]) == (denial, "state-1")
    assert "iss" not in answer


AT_AUTHORIZE = {
    "client": ({"client_id": "nobody"}, 401, "invalid_client"),
    "address": ({"redirect_uri": "http://localhost:5000/other"}, 400, "invalid_request"),
    "address with a slash more": (
        {"redirect_uri": "http://localhost:5000/auth/callback/thaid/"},
        400,
        "invalid_request",
    ),
    "response type": ({"response_type": "nonsense"}, 400, "unsupported_response_type"),
}


@pytest.mark.parametrize("name", AT_AUTHORIZE)
def test_mistakes_at_authorize(walk, name):
    """A mistake in the request is shown with its status, and never sent back."""
    changes, status, code = AT_AUTHORIZE[name]
    page = walk.authorize(**changes)
    assert (page.status_code, code_on(page)) == (status, code)
    assert "Location" not in page.headers


def test_quirk_11_state(walk):
    """Quirk 11: a request without state is refused; an unknown parameter is not."""
    page = walk.authorize(state=None)
    assert (page.status_code, code_on(page)) == (400, "invalid_request")
    assert walk.authorize(nonsense="1").status_code == 200


@pytest.mark.parametrize(("echoes", "nonce"), [(True, "nonce-1"), (False, None)])
def test_quirk_11_nonce(make, helpers, echoes, nonce):
    """Quirk 11: the nonce comes back, or not, as it is told."""
    tokens = make(echoes_nonce=echoes).tokens()
    assert helpers.claims_of(tokens["id_token"]).get("nonce") == nonce


def test_quirk_11_pkce(walk, helpers):
    """Quirk 11: a code challenge need not come, but one that came must be met."""
    sent = {"code_challenge": helpers.CHALLENGE, "code_challenge_method": "S256"}
    assert walk.exchange(walk.code(**sent), code_verifier=helpers.VERIFIER).status_code == 200
    assert walk.exchange(walk.code(**sent)).json["error"] == "invalid_request"


def test_quirk_12_api_key(walk):
    """Quirk 12: a header with an API key does no harm, under either name."""
    for header in ("x-api-key", "x-imauth-apikey"):
        auth = (walk.client.client_id, walk.client.client_secret)
        form = {"token": walk.tokens()["access_token"]}
        assert walk.http.post(walk.path("introspection"), data=form, auth=auth, headers={header: "k"}).json[
            "active"
        ]


def test_quirk_13_size(walk):
    """Quirk 13: with every scope the ID token alone fills more than a third of what a cookie can hold."""
    assert len(walk.tokens(scope=EVERYTHING)["id_token"]) > 4096 / 3


def test_id_token(walk, helpers):
    """The ID token has the manual's members, one claim for each granted scope, and nothing else."""
    claims = helpers.claims_of(walk.tokens(scope="openid name_en ial address")["id_token"])
    assert claims.keys() == {
        *("iss", "aud", "sub", "iat", "exp", "auth_time", "at_hash", "version", "nonce"),
        *("name_en", "ial", "address"),
    }
    assert (claims["iss"], claims["aud"]) == ("http://127.0.0.1:9001", "demo")
    assert claims["exp"] - claims["iat"] == 900
    assert claims["address"]["formatted"].startswith("99/9")


@pytest.mark.parametrize("raw", [True, False])
def test_basic(make, raw):
    """Id and secret are read from Basic as they stand there, or decoded first where that is told."""
    walk = make(client={"client_id": "an+rp=", "client_secret": "s%20ecret+"}, raw_basic=raw)
    answer = walk.exchange(walk.code())
    assert answer.status_code == (200 if raw else 401)


def test_posted_secret(make):
    """A client that is registered for it posts its secret."""
    walk = make(client={"token_endpoint_auth_method": "client_secret_post"})
    posted = {"client_id": "demo", "client_secret": walk.client.client_secret}
    assert walk.exchange(walk.code(), **posted).status_code == 200


def test_refresh(walk):
    """Refresh tokens come without being asked for, and give new tokens in the same shape."""
    tokens = walk.tokens(scope="pid")
    again = walk.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json
    assert again.keys() == tokens.keys()
    assert again["refresh_token"] != tokens["refresh_token"]


def test_dead_refresh_tokens(walk, clock):
    """A refresh token that was used, revoked or has expired is the manual's own error, with 401."""
    used = walk.tokens()["refresh_token"]
    walk.token(grant_type="refresh_token", refresh_token=used)
    revoked = walk.tokens()["refresh_token"]
    walk.ask("revocation", token=f"Bearer {revoked}")
    expired = walk.tokens()["refresh_token"]
    for token, later in ((used, 0), (revoked, 0), (expired, 900)):
        clock.time += later
        answer = walk.token(grant_type="refresh_token", refresh_token=token)
        assert (answer.status_code, answer.json) == (
            401,
            {"error": "invalid_refresh_token", "error_description": "Invalid Refresh Token"},
        )


def test_no_refresh(make):
    """A client that is not registered for refreshing gets no refresh token."""
    assert "refresh_token" not in make(client={"grant_types": ("authorization_code",)}).tokens()


def test_every_sign_in_asks_for_the_phone(walk):
    """The page with the code is shown each time: nobody stays signed in here."""
    walk.tokens()
    page = walk.authorize()
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "Confirm on the phone" in page.text


def test_unknown_phone(walk):
    """A person who is not there is said to be none, on the same page."""
    page = walk.submit(walk.authorize(), persona="somying")
    assert page.status_code == 400
    assert "Nobody here has that phone" in page.text


def test_quirk_15_brand(walk):
    """Quirk 15: the band and the settings' names have the brand as its owner spells it."""
    assert "plays ThaID on this computer" in walk.authorize().text


def test_people():
    """Everybody's number has the right check digit and is no real card's; several have what is odd about cards."""
    weights = range(13, 1, -1)
    for person in THAID.personas:
        total = sum(int(digit) * weight for digit, weight in zip(person.sub, weights, strict=False))
        assert (11 - total % 11) % 10 == int(person.sub[12])
        assert person.sub == person.claims["pid"]
        assert person.sub.startswith("9")
        assert person.note_th
    addresses = {type(person.claims.get("address")) for person in THAID.personas}
    assert addresses == {dict, str, type(None)}
    assert {len(person.claims["birthdate"]) for person in THAID.personas if "birthdate" in person.claims} == {
        4,
        10,
    }
    assert [person.id for person in THAID.personas if person.refuses_consent] == ["nattha"]


@pytest.mark.parametrize(
    ("method", "more"),
    [("client_secret_basic", {}), ("client_secret_post", {"CLIENT_AUTH": "client_secret_post"})],
)
def test_settings(method, more):
    """An application is told the metadata's address, as the vendor's sample has it."""
    client = replace(demo_client("thaid"), token_endpoint_auth_method=method)
    assert settings("http://127.0.0.1:9001", client) == {
        "WELL_KNOWN_URL": "http://127.0.0.1:9001/.well-known/openid-configuration",
        "CLIENT_ID": "demo",
        "CLIENT_SECRET": "practice-secret-of-the-demo-client",
        **more,
    }
