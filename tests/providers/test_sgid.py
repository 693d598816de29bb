import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from tests.core.forge import NOW, ec_key, json_answer, outcome, pem, rsa_key

from signon.core.authorize import prepare
from signon.core.errors import MalformedAnswer, OperatorError, ProviderRefused, SignOnError, TokenRejected
from signon.core.refusal import raise_refusal
from signon.core.tokens import read_tokens as read_token_answer
from signon.core.userinfo import read_userinfo
from signon.providers.dates import PartialDate
from signon.providers.sgid import (
    KEYWORDS,
    NO_TOKEN_TYPE,
    Employment,
    metadata,
    read_error,
    sgid,
    to_person,
    to_vendor,
)

PRIVATE_KEY = pem(rsa_key("sgid-client"))
SETTINGS = {"SGID_CLIENT_ID": "AN-RP", "SGID_CLIENT_SECRET": "s" * 32, "SGID_PRIVATE_KEY": PRIVATE_KEY}
PUBLIC = JWK.from_pyca(rsa_key("sgid-client").public_key())
BLOCK = {"kty": "oct", "alg": "A128GCM", "k": base64.urlsafe_b64encode(b"b" * 16).rstrip(b"=").decode()}
SUB = "u=5d1c0b52-9a77-4a0e-8d0e-0f6f2a6f3c11"
ISSUER = "https://api.id.gov.sg/v2"


def make(**keywords):
    return sgid(settings=SETTINGS, **keywords)


def sealed(text: str | bytes, key: JWK, **header: str) -> str:
    """A compact JWE, made with an engine that is not ours."""
    token = JWE(text.encode() if isinstance(text, str) else text, protected=json.dumps(header))
    token.add_recipient(key)
    return token.serialize(compact=True)


def told(values: dict[str, str | bytes], *, alg="A128GCMKW", enc="A128GCM", block=BLOCK, **outer: str):
    """What the userinfo endpoint answers (recipe A, unless it is told otherwise)."""
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", **outer}
    key = JWK(kty="oct", k=block["k"])
    return {
        "sub": SUB,
        "key": sealed(json.dumps(block), PUBLIC, **header),
        "data": {name: sealed(value, key, alg=alg, enc=enc) for name, value in values.items()},
    }


def opened(answer, provider=None):
    return (provider or make()).read_userinfo(answer, NOW)


def test_three_settings_are_enough():
    """Id, secret and key make the profile: fixed addresses, posted secret, name asked for, userinfo always."""
    provider = make()
    assert provider.problems == ()
    assert (provider.label, provider.issuer, provider.metadata) == ("sgID", ISSUER, metadata(ISSUER))
    assert provider.client.auth == "client_secret_post"
    assert provider.scopes == ("openid", "myinfo.name")
    assert (provider.userinfo, provider.sign_out, provider.subject_is_national_id) == ("always", (), False)
    assert provider.id_token_algs == {"RS256"}
    assert provider.deviations == (NO_TOKEN_TYPE,)
    assert [key.kty for key in provider.private_keys] == ["RSA"]


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9005/v2", "http://127.0.0.1:9005/v2/"])
def test_other_addresses(issuer):
    """All addresses follow from the issuer, which never ends in a slash."""
    known = sgid(settings={**SETTINGS, "SGID_ISSUER": issuer}).metadata
    assert known.issuer == "http://127.0.0.1:9005/v2"
    assert known.authorization_endpoint == "http://127.0.0.1:9005/v2/oauth/authorize"
    assert known.token_endpoint == "http://127.0.0.1:9005/v2/oauth/token"
    assert known.userinfo_endpoint == "http://127.0.0.1:9005/v2/oauth/userinfo"
    assert known.jwks_uri == "http://127.0.0.1:9005/v2/.well-known/jwks.json"
    assert known.end_session_endpoint is known.introspection_endpoint is known.revocation_endpoint is None


PEM = PRIVATE_KEY.strip()
KEYS = {
    "PKCS#8": PEM,
    "PKCS#1": pem(rsa_key("sgid-client"), "TraditionalOpenSSL"),
    "CRLF": PEM.replace("\n", "\r\n"),
    "no final line end": PEM,
    "final line end": f"{PEM}\n",
    r"\n for line ends": PEM.replace("\n", r"\n"),
    r"\r\n for line ends": PEM.replace("\n", r"\r\n"),
    "blanks for line ends": PEM.replace("\n", " "),
}


@pytest.mark.parametrize("form", KEYS)
def test_private_key(form):
    """Each way of writing the key opens the same fields."""
    provider = sgid(settings={**SETTINGS, "SGID_PRIVATE_KEY": KEYS[form]})
    assert provider.problems == ()
    assert opened(told({"myinfo.name": "TAN MEI LIN"}), provider)["myinfo.name"] == "TAN MEI LIN"


@pytest.mark.parametrize("name", ["SGID_PRIVATE_KEY", "SGID_PRIVATE_KEY_FILE"])
def test_private_key_in_a_file(tmp_path, name):
    """The key may be in a file, named in place of the key or by the setting for files."""
    file = tmp_path / "key.pem"
    file.write_text(PRIVATE_KEY)
    settings = {key: value for key, value in SETTINGS.items() if key != "SGID_PRIVATE_KEY"}
    assert sgid(settings={**settings, name: str(file)}).problems == ()


BAD_KEYS = {
    "none": ({}, "SGID_PRIVATE_KEY is not set: sgID encrypts fields to its public half"),
    "empty": ({"private_key": ""}, "SGID_PRIVATE_KEY is not set"),
    "EC": ({"private_key": pem(ec_key())}, "SGID_PRIVATE_KEY is no RSA key"),
    "for signing": (
        {"private_key": json.dumps(JWK.from_pem(PRIVATE_KEY.encode()).export(as_dict=True) | {"use": "sig"})},
        "SGID_PRIVATE_KEY is there to sign alone",
    ),
    "public": (
        {"private_key": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"},
        "SGID_PRIVATE_KEY: the private key is no PEM",
    ),
    "no file": ({"private_key": "no/such/file"}, "SGID_PRIVATE_KEY is no key, and names no file that can be read"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_private_key_that_is_none(name):
    """A key that can't decrypt is one problem at the start, which shows nothing of it."""
    keywords, problem = BAD_KEYS[name]
    settings = {key: value for key, value in SETTINGS.items() if key != "SGID_PRIVATE_KEY"}
    (found,) = sgid(settings=settings, **keywords).problems
    assert found.startswith(problem)
    assert "MIIB" not in found


def test_without_openid():
    """A scope without openid is a problem."""
    assert make(scope="myinfo.name").problems == ("SGID_SCOPE must contain openid (OIDC Core 3.1.2.1)",)


def test_openid_alone():
    """With openid alone no key is needed and userinfo is not asked; its bare answer is read all the same."""
    settings = {key: value for key, value in SETTINGS.items() if key != "SGID_PRIVATE_KEY"}
    provider = sgid(settings=settings, scope="openid")
    assert (provider.problems, provider.userinfo) == ((), "never")
    assert opened({"sub": SUB}, provider) == {"sub": SUB}


def test_token_answer_of_two_members():
    """The documented answer, access token and ID token alone, is read: Bearer is meant, and no end is known."""
    tokens = read_token_answer(
        json_answer({"access_token": "q7T0mZ4yX1c9", "id_token": "a.b.c"}),
        provider=make(),
        scopes=("openid", "myinfo.name"),
        now=NOW,
    )
    assert (tokens.expires_at, tokens.refresh_token) == (None, None)
    assert tokens.scope == ("openid", "myinfo.name")


@pytest.mark.parametrize("missing", ["access_token", "id_token"])
def test_token_answer_without_one_of_them(missing):
    """Without one of the two it is refused by name, where the vendor's own client ends in a KeyError."""
    answer = {"access_token": "a", "id_token": "a.b.c"}
    del answer[missing]
    with pytest.raises(MalformedAnswer) as error:
        read_token_answer(json_answer(answer), provider=make(), scopes=("openid",), now=NOW)
    assert error.value.code == f"token_{missing}_missing"


def test_token_answer_of_mockpass():
    """What MockPass adds is read as usual, and another token type is still refused."""
    more = {"token_type": "Bearer", "expires_in": 86400, "scope": "openid", "refresh_token": "r"}
    answer = {"access_token": "a", "id_token": "a.b.c", **more}
    tokens = read_token_answer(json_answer(answer), provider=make(), scopes=("openid",), now=NOW)
    assert tokens.expires_at == NOW + 86400
    with pytest.raises(MalformedAnswer) as error:
        read_token_answer(
            json_answer({**answer, "token_type": "mac"}), provider=make(), scopes=("openid",), now=NOW
        )
    assert error.value.code == "token_type_unknown"


def test_quirk_1_a_nonce_for_each_sign_in():
    """Quirk 1: no two sign-ins share a nonce."""
    provider = make()
    nonces = {
        prepare(provider, provider.metadata, redirect_uri="https://a.example/cb", state="s", now=NOW)[0]["nonce"]
        for _ in range(20)
    }
    assert len(nonces) == 20


def test_recipe_a():
    """Fields are opened with the block key, and that with ours."""
    values = {"myinfo.name": "TAN MEI LIN", "myinfo.date_of_birth": "1990-02-28"}
    assert opened(told(values)) == {**values, "sub": SUB}


def test_recipe_b():
    """MockPass's way, SHA-1 OAEP and the block key used directly, is opened only where it was allowed."""
    octets = base64.urlsafe_b64encode(b"k" * 32).rstrip(b"=").decode()
    block = {"kty": "oct", "kid": "k", "alg": "A256GCM", "k": octets}
    answer = told({"myinfo.name": "TAN"}, alg="dir", enc="A256GCM", block=block)
    header = {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "kid": "mine"}
    answer["key"] = sealed(json.dumps(block), PUBLIC, **header)
    assert opened(answer, make(allow_rsa_oaep="true"))["myinfo.name"] == "TAN"
    with pytest.raises(TokenRejected) as error:
        opened(answer)
    assert error.value.code == "userinfo_encryption_alg"


def test_recipe_a_with_the_switch_on():
    """The switch adds a way and takes none away."""
    assert opened(told({"myinfo.name": "TAN"}), make(allow_rsa_oaep=True))["myinfo.name"] == "TAN"


@pytest.mark.parametrize(("alg", "enc"), [("A128GCMKW", "A256GCM"), ("A128GCMKW", "A128GCM"), ("dir", "A128GCM")])
def test_other_allowed_ways_of_fields(alg, enc):
    """The field's own way is taken from the list of those that may be."""
    assert opened(told({"myinfo.name": "TAN"}, alg=alg, enc=enc))["myinfo.name"] == "TAN"


@pytest.mark.parametrize("alg", ["A128KW", "PBES2-HS256+A128KW"])
def test_other_ways_of_fields(alg):
    """Any other way of encrypting a field is refused before anything is opened."""
    with pytest.raises(TokenRejected) as error:
        opened(told({"myinfo.name": "TAN"}, alg=alg))
    assert error.value.code == "userinfo_encryption_alg"


def test_rsa1_5_is_refused():
    """RSA1_5 is refused whatever is allowed (RFC 8725 3.2)."""
    token = JWE(
        json.dumps(BLOCK).encode(), protected='{"alg":"RSA1_5","enc":"A256GCM"}', algs=["RSA1_5", "A256GCM"]
    )
    token.add_recipient(PUBLIC)
    with pytest.raises(TokenRejected) as error:
        opened({**told({"myinfo.name": "T"}), "key": token.serialize(compact=True)}, make(allow_rsa_oaep="true"))
    assert error.value.code == "userinfo_encryption_alg"


@pytest.mark.parametrize("name", ["陳美玲", "Zoë", "สมหญิง"])
def test_quirk_4_names_beyond_ascii(name):
    """Quirk 4: a name that is not ASCII is a name."""
    claims = opened(told({"myinfo.name": name}))
    assert to_person(claims, provider="sgid", issuer=ISSUER).name == name


def test_quirk_5_empty_value():
    """Quirk 5: an empty value is no error, and no value."""
    claims = opened(told({"myinfo.name": "", "myinfo.email": "a@people.example"}))
    person = to_person(claims, provider="sgid", issuer=ISSUER)
    assert (person.name, person.email) == (None, "a@people.example")
    assert to_vendor(claims).name is None


def test_no_data():
    """NA means that there is no data: such a field is not there."""
    claims = opened(told({"myinfo.name": "TAN", "myinfo.email": "NA", "pocdex.public_officer_details": "NA"}))
    assert claims == {"myinfo.name": "TAN", "sub": SUB}


def test_field_that_is_no_text():
    """A field that is not UTF-8 is refused, and none of it is told."""
    with pytest.raises(MalformedAnswer) as error:
        opened(told({"myinfo.name": b"\xff\xfe"}))
    assert error.value.code == "userinfo_field_invalid"
    assert error.value.__context__ is None


def test_field_called_sub():
    """A field can't take the subject's place."""
    assert opened(told({"sub": "somebody-else"}))["sub"] == SUB


BROKEN = {
    "data without key": (lambda a: {"sub": SUB, "data": a["data"]}, "userinfo_key_invalid"),
    "key without data": (lambda a: {"sub": SUB, "key": a["key"]}, "userinfo_key_invalid"),
    "key is a number": (lambda a: {**a, "key": 1}, "userinfo_key_invalid"),
    "data is a list": (lambda a: {**a, "data": []}, "userinfo_key_invalid"),
    "key is no JWE": (lambda a: {**a, "key": "a.b.c"}, "userinfo_not_encrypted"),
    "key is altered": (lambda a: {**a, "key": a["key"][:-3] + "AAA"}, "userinfo_decryption"),
    "field is altered": (
        lambda a: {**a, "data": {"f": a["data"]["myinfo.name"][:-3] + "AAA"}},
        "userinfo_decryption",
    ),
    "field is a number": (lambda a: {**a, "data": {"f": 1}}, "userinfo_not_encrypted"),
    "field is plain": (lambda a: {**a, "data": {"f": "TAN MEI LIN"}}, "userinfo_not_encrypted"),
    "key of another": (
        lambda a: {
            **a,
            "key": sealed("{}", JWK.generate(kty="RSA", size=2048), alg="RSA-OAEP-256", enc="A256GCM"),
        },
        "userinfo_decryption",
    ),
    "key is no JSON": (
        lambda a: {**a, "key": sealed("x", PUBLIC, alg="RSA-OAEP-256", enc="A256GCM")},
        "userinfo_key_not_json",
    ),
    "key is no key": (
        lambda a: {**a, "key": sealed('{"kty":"RSA"}', PUBLIC, alg="RSA-OAEP-256", enc="A256GCM")},
        "userinfo_key_invalid",
    ),
    "key is too short": (
        lambda a: {**a, "key": sealed('{"kty":"oct","k":"AAAA"}', PUBLIC, alg="RSA-OAEP-256", enc="A256GCM")},
        "userinfo_decryption",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answer(name):
    """Each way of being broken has its code; the error shows no part of the answer."""
    breaks, code = BROKEN[name]
    answer = breaks(told({"myinfo.name": "TAN MEI LIN"}))
    with pytest.raises(SignOnError) as error:
        opened(answer)
    assert error.value.code == code
    assert "TAN" not in str(error.value)
    assert BLOCK["k"] not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["sub", "key", "data", "x"]), JSON))
def test_any_answer_is_opened_or_refused(answer):
    """Whatever the answer is, it is opened or refused by an error of ours."""
    assert isinstance(outcome(lambda: opened(answer, OPENER)), dict | SignOnError)


OPENER = sgid(settings=SETTINGS)


def test_userinfo_of_somebody_else():
    """Fields of another person than the ID token's are refused."""
    provider = make()
    with pytest.raises(TokenRejected) as error:
        read_userinfo(
            json_answer(told({"myinfo.name": "TAN"})),
            provider=provider,
            issuer=ISSUER,
            subject="u=other",
            keys=None,
            now=NOW,
        )
    assert error.value.code == "userinfo_sub_mismatch"


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ({"message": "no such code"}, {"error": "message", "error_description": "no such code"}),
        ({"error": "invalid_grant"}, {"error": "invalid_grant"}),
        ({"error": "invalid_grant", "message": "m"}, {"error": "invalid_grant", "message": "m"}),
        ({"message": 1}, {"message": 1}),
        ({}, {}),
    ],
)
def test_errors(answer, read):
    """An error is the standard's, or a message alone, which is quoted."""
    assert read_error(answer, NOW) == read


@pytest.mark.parametrize(
    ("answer", "error_class", "code"),
    [
        ({"message": "no such code"}, ProviderRefused, "token_refused"),
        ({"error": "invalid_grant"}, ProviderRefused, "token_invalid_grant"),
        ({"error": "invalid_client"}, OperatorError, "token_invalid_client"),
    ],
)
def test_token_errors(answer, error_class, code):
    """Either form of an error ends in one of ours."""
    with pytest.raises(error_class) as error:
        raise_refusal(json_answer(answer, status=400), make(), document="token", now=NOW)
    assert error.value.code == code
    if "message" in answer:
        assert error.value.description == "no such code"


POST = {
    "work_email": "hafiz@agency.example",
    "agency_name": "Agency",
    "department_name": "NA",
    "employment_type": "",
    "employment_title": 7,
}


def test_typed_fields():
    """Every kind of field is typed: texts, dates that lack a part, lines, lists, posts; the rest by its scope."""
    person = to_vendor(
        {
            "sub": SUB,
            "myinfo.name": "TAN MEI LIN",
            "myinfo.nric_number": "S9012345I",
            "myinfo.date_of_birth": "1990-02",
            "myinfo.passport_number": "E1234567X",
            "myinfo.passport_expiry_date": "2031-01-31",
            "myinfo.mobile_number": "81234567",
            "myinfo.mobile_number_with_country_code": "+65 81234567",
            "myinfo.email": "meilin@people.example",
            "myinfo.registered_address": "12 EXAMPLE ROAD\n\nSINGAPORE 123456",
            "myinfo.vehicles": '[{"vehicle_number":"SAB1234C"},{"vehicle_number":1},"x"]',
            "myinfo.sponsored_child_records": '[{"name":"NUR"}]',
            "pocdex.public_officer_details": json.dumps([POST, {}]),
            "myinfo.race": "CHINESE",
        }
    )
    assert (person.name, person.email, person.nric_number) == ("TAN MEI LIN", "meilin@people.example", "S9012345I")
    assert person.date_of_birth == PartialDate(text="1990-02", year=1990, month=2)
    assert person.passport_expiry_date == PartialDate(text="2031-01-31", year=2031, month=1, day=31)
    assert (person.mobile_number, person.mobile_number_with_country_code) == ("81234567", "+65 81234567")
    assert person.registered_address == ("12 EXAMPLE ROAD", "SINGAPORE 123456")
    assert person.vehicles == ("SAB1234C",)
    assert person.sponsored_child_records == ({"name": "NUR"},)
    none = Employment(
        work_email=None, agency_name=None, department_name=None, employment_type=None, employment_title=None
    )
    first = replace(none, work_email="hafiz@agency.example", agency_name="Agency", employment_type=None)
    assert person.employments == (first, none)
    assert person.others == {"myinfo.race": "CHINESE"}
    assert "S9012345I" not in repr(person)
    assert "E1234567X" not in repr(person)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00", "[1]", "null", "[", "[" * 5000, '"x"'])
def test_lists_that_are_none(text):
    """A list-valued field of any other text, MockPass's one zero byte, too, is an empty list."""
    person = to_vendor({"myinfo.vehicles": text, "pocdex.public_officer_details": text})
    assert (person.vehicles, person.employments) == ((), ())


def test_person():
    """Name and e-mail are mapped; nobody has verified the address."""
    claims = {"sub": SUB, "myinfo.name": "TAN", "myinfo.email": "a@b.example", "email_verified": True}
    person = to_person(claims, provider="sgid", issuer=ISSUER)
    assert (person.subject, person.public_subject, person.name) == (SUB, SUB, "TAN")
    assert (person.email, person.email_verified) == ("a@b.example", False)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "myinfo.name", "myinfo.vehicles", "pocdex.public_officer_details"]), JSON
    )
)
def test_any_claims_make_a_person(claims):
    """Whatever the claims are, typed fields come of them."""
    assert to_vendor(claims).others == {}


def test_every_keyword_has_its_environment_name():
    """The keyword that only sgID has is read from its name, under another name of the provider's, too."""
    settings = {name.replace("SGID", "CITIZENS"): value for name, value in SETTINGS.items()}
    provider = sgid(name="citizens", settings={**settings, "CITIZENS_ALLOW_RSA_OAEP": "true"})
    assert (provider.problems, provider.name) == ((), "citizens")
    assert provider.read_userinfo.args[1] == ("RSA-OAEP-256", "RSA-OAEP")
    assert make().read_userinfo.args[1] == ("RSA-OAEP-256",)
    assert "allow_rsa_oaep" in {keyword.name for keyword in KEYWORDS}
    assert make(allow_rsa_oaep="yes").problems == ("SGID_ALLOW_RSA_OAEP='yes' is none of true, false",)


def test_nothing_set():
    """Without anything the problems are what is missing."""
    problems = sgid(settings={}).problems
    assert {problem.split()[0] for problem in problems} == {
        "SGID_CLIENT_ID",
        "SGID_CLIENT_AUTH",
        "SGID_PRIVATE_KEY",
    }


def test_repr_shows_no_secret():
    """Printing a profile shows neither secret nor key."""
    assert "s" * 32 not in repr(make())
    assert "PRIVATE KEY" not in repr(make())
