import base64
import json
import re
from dataclasses import replace

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from signon_idp import Idp, practice_key
from signon_idp.demo import demo_client
from signon_idp.dialects.sgid import SCOPES, SGID, settings, sgid_dialect

EVERYTHING = " ".join(SCOPES)
USUAL = "openid myinfo.name"


@pytest.fixture
def make(helpers, clock):
    """A walk through an sgID of which this is told; `client` changes the registration."""

    def make(*, client=None, **told):
        registered = replace(demo_client("sgid"), **(client or {}))
        dialect = sgid_dialect(**told) if told else SGID
        idp = Idp(dialect=dialect, origin="http://127.0.0.1:9005", clients=(registered,), now=clock)
        return Walk(idp, registered)

    class Walk(helpers.Walk):
        def parameters(self, **changes):
            return super().parameters(**{"scope": USUAL, **changes})

        def exchange(self, code, **changes):
            secret = {"client_id": self.client.client_id, "client_secret": self.client.client_secret}
            return super().exchange(code, **{**secret, **changes})

        def tokens(self, persona="meilin", **changes):
            return super().tokens(persona, **changes)

        def sign_in(self, persona="meilin", **changes):
            return super().sign_in(persona, **changes)

        def code(self, persona="meilin", **changes):
            return super().code(persona, **changes)

        def shared(self, persona="meilin", **changes):
            """The answer of userinfo."""
            return self.userinfo(self.tokens(persona, **changes)["access_token"]).json

    return make


@pytest.fixture
def walk(make):
    return make()


def opened(answer) -> dict[str, str]:
    """The fields of an answer, opened as the client does it."""
    ours = JWK.from_pem(practice_key.private_pem().encode())
    block = json.loads(_decrypted(answer["key"], ours))
    key = JWK(kty="oct", k=block["k"])
    return {name: _decrypted(value, key).decode() for name, value in answer["data"].items()}


def _decrypted(token: str, key: JWK) -> bytes:
    jwe = JWE()
    jwe.deserialize(token, key)
    return jwe.payload


def header_of(token: str) -> dict[str, str]:
    text = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def code_on(page) -> str:
    return re.search(r"<code>(\w+)</code></p>\n</section>", page.text)[1]


def test_addresses(walk):
    """The issuer ends in /v2, and the document names the addresses that clients know by heart."""
    document = walk.http.get("/v2/.well-known/openid-configuration").json
    base = "http://127.0.0.1:9005/v2"
    assert (document["issuer"], document["jwks_uri"]) == (base, f"{base}/.well-known/jwks.json")
    assert document["authorization_endpoint"] == f"{base}/oauth/authorize"
    assert document["token_endpoint"] == f"{base}/oauth/token"
    assert document["userinfo_endpoint"] == f"{base}/oauth/userinfo"
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_post"]
    assert document["grant_types_supported"] == ["authorization_code"]
    assert document["scopes_supported"] == list(SCOPES)
    assert not {"revocation_endpoint", "introspection_endpoint", "end_session_endpoint"} & document.keys()


def test_keys(walk, helpers):
    """The key set holds RS256 keys alone, and the ID token names one."""
    keys = walk.http.get("/v2/.well-known/jwks.json").json["keys"]
    assert [(key["kty"], key["alg"]) for key in keys] == [("RSA", "RS256")]
    assert helpers.header_of(walk.tokens()["id_token"])["kid"] == keys[0]["kid"]


def test_token_answer(walk):
    """Two members, the access token thirty letters and digits."""
    tokens = walk.tokens()
    assert tokens.keys() == {"access_token", "id_token"}
    assert re.fullmatch(r"[A-Za-z0-9]{30}", tokens["access_token"])


@pytest.mark.parametrize("nonce", ["nonce-1", None])
def test_id_token(walk, helpers, nonce):
    """Five claims, the nonce only if one came, `aud` one text, times integers; never a claim of the profile."""
    claims = helpers.claims_of(walk.tokens(nonce=nonce)["id_token"])
    expected = {"iss", "sub", "aud", "iat", "exp"} | ({"nonce"} if nonce else set())
    assert claims.keys() == expected
    assert (claims["iss"], claims["aud"], claims.get("nonce")) == ("http://127.0.0.1:9005/v2", "demo", nonce)
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert claims["exp"] - claims["iat"] == 600


def test_quirk_1_nonce(walk, helpers):
    """Quirk 1: the same nonce may come twice, as one client sends it: each ID token has what its request had."""
    for _ in range(2):
        assert helpers.claims_of(walk.tokens(nonce="the-one")["id_token"])["nonce"] == "the-one"


@pytest.mark.parametrize("nonce", ["~~~", "a?b?c?d?", ">>>>", "%22%41%", "ก~🦊>\x7f"])
def test_quirk_3_plain_payload(walk, helpers, nonce):
    """Quirk 3: whatever the nonce is, the payload is ASCII that plain base64 and percent-decoding leave alone."""
    token = walk.tokens(nonce=nonce)["id_token"]
    payload = token.split(".")[1]
    assert not set(payload) & set("-_")
    text = base64.b64decode(payload + "=" * (-len(payload) % 4)).decode("ascii")
    assert not set(text) & set("~?>%\x7f")
    assert helpers.claims_of(token)["nonce"] == nonce


def test_quirks_4_and_5_values(walk):
    """Quirks 4 and 5: every value of everybody is ASCII and not empty; what there is no data for is NA."""
    for person in SGID.personas:
        if person.refuses_consent:
            continue
        values = opened(walk.shared(person.id, scope=EVERYTHING))
        assert values.keys() == set(SCOPES) - {"openid"}
        assert all(value.isascii() and value for value in values.values())
    assert opened(walk.shared("lakshmi", scope=EVERYTHING))["myinfo.email"] == "NA"


def test_recipe_a(walk):
    """A fresh 128-bit block key each time, under RSA-OAEP-256; each field under a key that it wraps."""
    first, second = walk.shared(), walk.shared()
    assert header_of(first["key"]) == {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    field = header_of(first["data"]["myinfo.name"])
    assert (field["alg"], field["enc"]) == ("A128GCMKW", "A128GCM")
    assert {"iv", "tag"} <= field.keys()
    ours = JWK.from_pem(practice_key.private_pem().encode())
    blocks = [json.loads(_decrypted(answer["key"], ours)) for answer in (first, second)]
    assert blocks[0].keys() == {"kty", "alg", "k"}
    assert (len(blocks[0]["k"]), blocks[0]["alg"]) == (22, "A128GCM")
    assert blocks[0]["k"] != blocks[1]["k"]
    assert opened(first) == {"myinfo.name": "TAN MEI LIN"}


def test_recipe_b(make):
    """MockPass's way, where that is told."""
    answer = make(recipe="B").shared()
    outer, inner = header_of(answer["key"]), header_of(answer["data"]["myinfo.name"])
    assert (outer["alg"], outer["enc"]) == ("RSA-OAEP", "A128CBC-HS256")
    assert (inner["alg"], inner["enc"]) == ("dir", "A256GCM")
    assert answer["data"]["myinfo.name"].split(".")[1] == ""
    assert opened(answer) == {"myinfo.name": "TAN MEI LIN"}


def test_openid_alone(walk, helpers):
    """With openid alone userinfo is the subject, which is the ID token's."""
    tokens = walk.tokens(scope="openid")
    assert walk.userinfo(tokens["access_token"]).json == {"sub": helpers.claims_of(tokens["id_token"])["sub"]}


def test_subject(walk):
    """The subject is the same each time, another for another person, and another at another client."""
    again, other = walk.shared()["sub"], walk.shared("hafiz")["sub"]
    assert re.fullmatch(r"u=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", again)
    assert walk.shared()["sub"] == again != other
    walk.client = walk.idp.register(replace(walk.client, client_id="elsewhere"))
    assert walk.shared()["sub"] not in {again, other}


def test_client_without_a_key(make):
    """A client that has registered no RSA key gets an error in place of fields."""
    walk = make(client={"jwks": None})
    answer = walk.userinfo(walk.tokens()["access_token"])
    assert answer.status_code == 400
    assert "no public RSA key" in answer.json["message"]


AT_AUTHORIZE = {
    "no challenge": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "response type": ({"response_type": "id_token"}, "unsupported_response_type"),
    "without openid": ({"scope": "myinfo.name"}, "invalid_scope"),
    "unknown scope": ({"scope": "openid myinfo.shoe_size"}, "invalid_scope"),
    "client": ({"client_id": "nobody"}, "unknown_client"),
    "address": ({"redirect_uri": "http://localhost:5000/other"}, "redirect_uri_mismatch"),
}


@pytest.mark.parametrize("name", AT_AUTHORIZE)
@pytest.mark.parametrize("errors", ["message", "standard"])
def test_mistakes_at_authorize(make, name, errors):
    """A bad request shows a page with a code and a sentence, and is never sent back."""
    changes, code = AT_AUTHORIZE[name]
    page = make(errors=errors).authorize(**changes)
    assert (page.status_code, code_on(page)) == (400, code)
    assert "Location" not in page.headers


def test_unapproved_scope(make):
    """A scope that this client was not approved for is refused, or dropped where that is told."""
    approved = {"scope": "openid myinfo.name"}
    page = make(client=approved).authorize(scope="openid myinfo.name myinfo.email")
    assert (page.status_code, code_on(page)) == (400, "invalid_scope")
    walk = make(client=approved, unapproved="dropped")
    assert walk.shared(scope="openid myinfo.name myinfo.email")["data"].keys() == {"myinfo.name"}


def test_state_is_not_needed(walk, helpers):
    """State comes back if it was sent, and nothing in its place if not."""
    assert helpers.answer(walk.sign_in(state=None)).keys() == {"code"}
    assert helpers.answer(walk.sign_in()).keys() == {"code", "state"}


@pytest.mark.parametrize("fields", [{"persona": "faridah"}, {"cancel": "1"}])
@pytest.mark.parametrize("errors", ["message", "standard"])
def test_denial(make, helpers, fields, errors):
    """Who refuses on the phone is sent back with access_denied, however errors are told elsewhere."""
    walk = make(errors=errors)
    assert helpers.answer(walk.submit(walk.authorize(), **fields))["error"] == "access_denied"


@pytest.mark.parametrize(
    ("errors", "body"),
    [("message", {"message"}), ("standard", {"error", "error_description"})],
)
def test_token_errors(make, errors, body):
    """An error of the token endpoint is a message alone, or the standard's, as it is told."""
    answer = make(errors=errors).exchange("unknown")
    assert (answer.status_code, answer.json.keys()) == (400, body)


def test_basic_is_refused(make):
    """The secret is posted, and never in a header; a wrong one is refused."""
    walk = make(errors="standard")
    basic = walk.token(
        grant_type="authorization_code", code=walk.code(), redirect_uri=walk.client.redirect_uris[0]
    )
    assert (basic.status_code, basic.json["error"]) == (401, "invalid_client")
    assert walk.exchange(walk.code(), client_secret="wrong").status_code == 401


def test_code_works_once_and_not_for_long(make, clock):
    """A code is used up by its first use, and dead after five minutes."""
    walk = make(errors="standard")
    code = walk.code()
    assert walk.exchange(code).status_code == 200
    assert walk.exchange(code).json["error"] == "invalid_grant"
    code = walk.code()
    clock.time += 300
    assert walk.exchange(code).json["error"] == "invalid_grant"


def test_quirk_6_userinfo_says_why(walk):
    """Quirk 6: a refusal of userinfo has the header that the vendor's own client reads."""
    answer = walk.userinfo("unknown")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_every_sign_in_asks_for_the_phone(walk):
    """The page with the code is shown each time: nobody stays signed in here."""
    walk.tokens()
    assert "Confirm on the phone" in walk.authorize().text


def test_people():
    """Identity numbers have right check letters; lists are JSON; several have what is odd about sgID."""
    for person in SGID.personas:
        number = person.claims.get("myinfo.nric_number")
        assert number is None or _check_letter(number) == number[-1]
        assert person.note_th
        for scope in ("myinfo.vehicles", "pocdex.public_officer_details", "myinfo.sponsored_child_records"):
            assert isinstance(json.loads(person.claims.get(scope, "[]")), list)
    people = {person.id: person.claims for person in SGID.personas}
    assert len(json.loads(people["hafiz"]["pocdex.public_officer_details"])) == 3
    assert people["jun"]["myinfo.date_of_birth"] == "1993-11"
    assert "\n\n" in people["hafiz"]["myinfo.registered_address"]


def _check_letter(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    letters = "JZIHGFEDCBA" if number[0] in "ST" else "XWUTRQPNMLK"
    return letters[(total + 4 * (number[0] in "TG")) % 11]


def test_settings():
    """An application is told issuer, id, secret and, of the practice key alone, the private half on one line."""
    told = settings("http://127.0.0.1:9005/v2", demo_client("sgid"))
    assert told.keys() == {"ISSUER", "CLIENT_ID", "CLIENT_SECRET", "PRIVATE_KEY"}
    assert "\n" not in told["PRIVATE_KEY"]
    assert told["PRIVATE_KEY"].replace("\\n", "\n") == practice_key.private_pem()
    own = replace(demo_client("sgid"), jwks={"keys": []})
    assert "PRIVATE_KEY" not in settings("http://127.0.0.1:9005/v2", own)
