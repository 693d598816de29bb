import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import NOW, answer, discovery_document, expectations, json_answer, metadata, outcome

from signon.core.authorize import prepare
from signon.core.errors import MalformedAnswer, OperatorError, ProviderRefused, RefreshEnded, TokenRejected
from signon.core.introspection import introspection_request
from signon.core.metadata import read_discovery
from signon.core.provider import settle
from signon.core.refusal import raise_refusal
from signon.core.revocation import read_revocation, revocable, revocation_request
from signon.core.tokens import TokenSet, read_refreshed
from signon.core.tokens import read_tokens as read_token_answer
from signon.core.values import Secret
from signon.providers.dates import PartialDate
from signon.providers.thaid import (
    CLAIMS,
    KEYWORDS,
    NONCE,
    PKCE,
    UNSIGNED,
    ThaidPerson,
    check_pid,
    is_national_id,
    masked,
    read_error,
    read_tokens,
    thaid,
    to_person,
    to_vendor,
)

PID = "9103700001234"
SETTINGS = {"THAID_CLIENT_ID": "an-rp", "THAID_CLIENT_SECRET": "a-secret-of-the-rp"}
SANDBOX = "https://imauthsbx.bora.dopa.go.th"
PRODUCTION = "https://imauth.bora.dopa.go.th"


def make(**keywords):
    return thaid(settings=SETTINGS, **keywords)


def test_two_settings_are_enough():
    """Id and secret make production's profile: ES256, Basic, every claim but the one that production alone has."""
    provider = make()
    assert provider.problems == ()
    assert (provider.issuer, provider.discovery_url, provider.metadata) == (PRODUCTION, None, None)
    assert provider.client.auth == "client_secret_basic"
    assert provider.id_token_algs == {"ES256"}
    assert set(provider.scopes) == {"openid", *CLAIMS} - {"house_address"}
    assert (provider.userinfo, provider.deviations) == ("never", ())
    assert provider.subject_is_national_id


def test_quirk_1_slashes():
    """Quirk 1: the one address that the profile has by heart ends in a slash."""
    assert make().endpoints == {"introspection_endpoint": f"{PRODUCTION}/api/v2/oauth2/introspect/"}


def test_quirk_2_misspelt_member():
    """Quirk 2: a document with `subject_type_supported` and without the right spelling is read."""
    document = discovery_document(subject_type_supported=["public"])
    document.pop("subject_types_supported", None)
    read = read_discovery(json_answer(document), issuer=document["issuer"])
    assert read.token_endpoint == document["token_endpoint"]


TIMES = {
    "expires_in, absolute": ({"expires_in": int(NOW) + 900}, 900),
    "expire_in, absolute": ({"expire_in": int(NOW) + 900}, 900),
    "expire_in, past": ({"expire_in": int(NOW) - 5}, 0),
    "expires_in, relative": ({"expires_in": 900}, 900),
    "expire_in, relative": ({"expire_in": 900}, 900),
    "just a duration": ({"expires_in": 10**9}, 10**9),
    "both, the standard's name first": ({"expires_in": 60, "expire_in": int(NOW) + 900}, 60),
    "null, then the manual's name": ({"expires_in": None, "expire_in": 60}, 60),
    "neither": ({}, None),
}


@pytest.mark.parametrize("name", TIMES)
def test_quirk_3_expiry(name):
    """Quirk 3: `expires_in` or `expire_in`, as a time or as a duration, becomes a duration."""
    members, seconds = TIMES[name]
    assert read_tokens(members, NOW).get("expires_in") == seconds


@pytest.mark.parametrize("life", ["900", True, {}, 10**11])
def test_quirk_3_expiry_that_is_none(life):
    """Quirk 3: what is no time within a century is refused, as for any provider."""
    with pytest.raises(MalformedAnswer) as error:
        read_token_answer(
            json_answer({"access_token": "a", "token_type": "Bearer", "expires_in": life}),
            provider=make(),
            scopes=("pid",),
            now=NOW,
        )
    assert error.value.code == "token_expires_in_invalid"


def test_token_type_is_asked_for():
    """No answer of ThaID's lacks the token type, so none is added."""
    with pytest.raises(MalformedAnswer) as error:
        read_token_answer(json_answer({"access_token": "a"}), provider=make(), scopes=("pid",), now=NOW)
    assert error.value.code == "token_token_type_missing"


def test_quirk_4_flat_claims():
    """Quirk 4: claims beside the tokens are set apart from the tokens, and from nothing else."""
    told = {"access_token": "a", "token_type": "Bearer", "scope": "pid name", "pid": PID, "name": "ก", "other": 1}
    read = read_tokens(told, NOW)
    assert read["claims"] == {"pid": PID, "name": "ก"}
    assert {name: read[name] for name in ("access_token", "token_type", "scope", "other")} == {
        "access_token": "a",
        "token_type": "Bearer",
        "scope": "pid name",
        "other": 1,
    }
    assert not read.keys() & {"pid", "name"}


@pytest.mark.parametrize("pid", ["9103700001235", "910370000123", "", 9103700001234, ["9103700001234"]])
def test_flat_pid_is_checked(pid):
    """A pid in the token answer with a wrong check digit, or that is no text, is refused and not told."""
    with pytest.raises(MalformedAnswer) as error:
        read_tokens({"pid": pid}, NOW)
    assert error.value.code == "token_pid_invalid"
    assert str(pid) == "" or str(pid) not in str(error.value)


def test_quirk_5_scopes():
    """Quirk 5: the list is free, and the keyword's meaning warns of invalid_scope."""
    assert make(scope="openid house_address").scopes == ("openid", "house_address")
    assert thaid(settings={**SETTINGS, "THAID_SCOPE": "pid given_name"}).scopes == ("pid", "given_name")
    (scope,) = [keyword for keyword in KEYWORDS if keyword.name == "scope"]
    assert "invalid_scope" in scope.says
    assert "house_address" not in scope.default


def test_without_openid():
    """Quirk 4: without openid that nobody signs is a named deviation with its evidence; with it there is none."""
    provider = make(scope="pid name")
    assert provider.deviations == (UNSIGNED,)
    assert provider.identity_from_introspection
    assert all((UNSIGNED.why, UNSIGNED.evidence, UNSIGNED.date))


def test_quirk_6_algorithm():
    """Quirk 6: ES256, unless another is registered."""
    assert make().id_token_algs == {"ES256"}
    assert make(id_token_alg="RS256").id_token_algs == {"RS256"}


def test_quirk_7_masked():
    """Quirk 7: what may be shown of the number is its last four digits."""
    assert masked(PID) == "•••••••••1234"
    assert to_vendor({"pid": PID}).pid_masked == "•••••••••1234"


def test_quirk_7_repr():
    """Quirk 7: neither the typed person nor the mapped one shows the number by itself."""
    person = to_person({"sub": PID, "pid": PID, "name": "ก"}, provider="thaid", issuer=PRODUCTION)
    assert PID not in repr(to_vendor({"pid": PID, "name": "ก"}))
    assert PID not in repr(replace(person, public_subject="key"))


@pytest.mark.parametrize(("prefix", "value"), [("true", "Bearer the-token"), ("false", "the-token")])
def test_quirk_8_bearer_in_the_form(prefix, value):
    """Quirk 8: Bearer stands inside the form's value, unless switched off; the address is the profile's."""
    provider = make(bearer_prefix=prefix)
    known = settle(provider, metadata(introspection_endpoint=None))
    request = introspection_request(provider, known, Secret("the-token"), now=NOW)
    assert request.url == f"{PRODUCTION}/api/v2/oauth2/introspect/"
    assert f"token={value.replace(' ', '+')}&" in request.body.decode()


ERRORS = [
    ("user_denied", "", "access_denied"),
    ("access_denied", "", "access_denied"),
    ("invalid_refresh_token", "", "invalid_grant"),
    ("duplicate_request", "", "invalid_grant"),
    ("invalid_request", "Invalid Authorization Code", "invalid_grant"),
    ("invalid_request", "redirect or callback url mismatch", "invalid_request"),
    ("invalid_client", "", "invalid_client"),
    ("unauthorized_client", "", "unauthorized_client"),
    ("invalid_scope", "", "invalid_scope"),
    ("unsupported_token_hint", "", "unsupported_token_hint"),
    ("server_error", "", "server_error"),
]


@pytest.mark.parametrize(("theirs", "description", "standard"), ERRORS)
def test_quirk_9_errors(theirs, description, standard):
    """Quirk 9: the manual's own codes become the standard's, and the rest of the answer stays."""
    told = {"error": theirs, "error_description": description, "error_uri": "u"}
    assert read_error(told, NOW) == {**told, "error": standard}


@pytest.mark.parametrize("told", [{}, {"error": None}, {"error": 1}, {"error": [], "error_description": None}])
def test_error_without_a_code(told):
    """An error that is no text stays what it was."""
    assert read_error(told, NOW).get("error") == told.get("error")


@pytest.mark.parametrize(
    ("status", "told", "error_class", "code"),
    [
        (400, ("invalid_request", "Invalid Authorization Code"), ProviderRefused, "token_invalid_grant"),
        (400, ("duplicate_request", "x"), ProviderRefused, "token_invalid_grant"),
        (401, ("invalid_client", "x"), OperatorError, "token_invalid_client"),
        (401, ("user_denied", "x"), ProviderRefused, "token_refused"),
    ],
)
def test_quirk_9_statuses(status, told, error_class, code):
    """Quirk 9: whatever the status, the code decides whose fault it is."""
    error, description = told
    with pytest.raises(error_class) as raised:
        raise_refusal(
            json_answer({"error": error, "error_description": description}, status=status),
            make(),
            document="token",
            now=NOW,
        )
    assert raised.value.code == code


def test_quirk_9_reply_without_a_body():
    """Quirk 9: a refusal without a body is left to the reader, who names the status."""
    assert raise_refusal(answer(b"", status=401), make(), document="token", now=NOW) is None


def test_quirk_10_person_without_mail():
    """Quirk 10: there is a name and a subject, and no address, phone, picture or user name."""
    person = to_person({"sub": PID, "name": "นายสมชาย ตัวอย่าง"}, provider="thaid", issuer=PRODUCTION)
    assert (person.name, person.subject) == ("นายสมชาย ตัวอย่าง", PID)
    assert (person.email, person.email_verified, person.picture, person.preferred_username) == (
        None,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "ทั้งหมด", "given_name": "ก"}, "ทั้งหมด"),
        ({"given_name": "สมชาย", "family_name": "ตัวอย่าง"}, "สมชาย ตัวอย่าง"),
        ({"given_name": "ก", "middle_name": "ข", "family_name": "ค"}, "ก ข ค"),
        ({"middle_name": "", "family_name": None}, None),
    ],
)
def test_name_from_its_parts(claims, name):
    """Who did not ask for the whole name is shown by its parts."""
    assert to_person({"sub": PID, **claims}, provider="thaid", issuer=PRODUCTION).name == name


@pytest.mark.parametrize(("pkce", "sent", "deviations"), [("true", True, ()), ("false", False, (PKCE,))])
def test_quirk_11_pkce(pkce, sent, deviations):
    """Quirk 11: state is always sent; a code challenge, too, unless a named deviation switches it off."""
    provider = make(pkce=pkce)
    parameters, _ = prepare(provider, metadata(), redirect_uri="https://app.example/cb", state="s" * 40, now=NOW)
    assert parameters["state"] == "s" * 40
    assert ("code_challenge" in parameters) is sent
    assert provider.deviations == deviations


@pytest.mark.parametrize(("nonce", "lenient"), [("required", False), ("tolerated", True)])
def test_quirk_11_nonce(nonce, lenient):
    """Quirk 11: an ID token without our nonce is refused, unless a named deviation tolerates that."""
    provider = make(nonce=nonce)
    assert provider.nonce_may_be_missing is lenient
    assert provider.deviations == ((NONCE,) if lenient else ())
    parameters, _ = prepare(provider, metadata(), redirect_uri="https://app.example/cb", state="s", now=NOW)
    assert parameters["nonce"]


@pytest.mark.parametrize(
    ("header", "name"), [(None, "x-api-key"), ("x-api-key", "x-api-key"), ("x-imauth-apikey", "x-imauth-apikey")]
)
def test_quirk_12_api_key(header, name):
    """Quirk 12: an API key goes in one of the two headers, with every request, and is not shown."""
    provider = make(api_key="the-key-of-the-api", **({"api_key_header": header} if header else {}))
    assert provider.headers == {name: "the-key-of-the-api"}
    known = settle(provider, metadata())
    assert introspection_request(provider, known, Secret("t"), now=NOW).headers[name] == "the-key-of-the-api"
    assert "the-key-of-the-api" not in repr(provider)
    assert make().headers == {}


def test_quirk_12_api_key_that_no_header_may_have():
    """Quirk 12: a key with a line end in it is a problem, which does not show it."""
    (problem,) = make(api_key="first\r\nx-other: second").problems
    assert problem == "THAID_API_KEY has characters that no header may have"


def test_quirk_14_sandbox():
    """Quirk 14: one setting leads to the sandbox, its introspection too."""
    provider = thaid(settings={**SETTINGS, "THAID_SANDBOX": "true"})
    assert provider.issuer == SANDBOX
    assert provider.endpoints["introspection_endpoint"].startswith(f"{SANDBOX}/")
    assert make(sandbox=True).issuer == SANDBOX
    assert make(sandbox="false").issuer == PRODUCTION


def test_quirk_15_brand():
    """Quirk 15: the brand is spelt as its owner spells it; another label can be had."""
    assert make().label == "ThaID"
    assert make(label="บัตรประชาชนดิจิทัล").label == "บัตรประชาชนดิจิทัล"


@pytest.mark.parametrize(
    "settings",
    [
        {"THAID_WELL_KNOWN_URL": "http://127.0.0.1:9001/.well-known/openid-configuration"},
        {"THAID_ISSUER": "http://127.0.0.1:9001"},
    ],
)
def test_other_addresses(settings):
    """Where ThaID is played elsewhere either name says so, and the other addresses follow."""
    provider = thaid(settings={**SETTINGS, **settings})
    assert provider.problems == ()
    assert provider.issuer == "http://127.0.0.1:9001"
    assert provider.discovery_url == settings.get("THAID_WELL_KNOWN_URL")
    assert provider.endpoints["introspection_endpoint"] == "http://127.0.0.1:9001/api/v2/oauth2/introspect/"


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://th.example/openid-configuration", "THAID_WELL_KNOWN_URL does not end in /.well-known"),
        ("https://th.example/.well-known/openid-configuration/", "THAID_WELL_KNOWN_URL does not end in"),
        ("http://th.example/.well-known/openid-configuration", "THAID_WELL_KNOWN_URL='http://th.example"),
        ("th.example/.well-known/openid-configuration", "THAID_WELL_KNOWN_URL='th.example"),
    ],
)
def test_well_known_address_that_is_none(address, problem):
    """An address that is not plainly the metadata's, or not https, is a problem."""
    problems = make(well_known_url=address).problems
    assert len(problems) == 1
    assert problems[0].startswith(problem)


@pytest.mark.parametrize(("raw", "sent"), [("true", b"an+rp=:s%20ecret"), ("false", b"an%2Brp%3D:s%2520ecret")])
def test_basic_as_the_manual_shows_it(raw, sent):
    """Id and secret go into Basic as they are, unless the switch asks for the standard's encoding."""
    import base64

    provider = thaid(settings={"THAID_CLIENT_ID": "an+rp=", "THAID_CLIENT_SECRET": "s%20ecret"}, raw_basic=raw)
    request = introspection_request(provider, settle(provider, metadata()), Secret("t"), now=NOW)
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == sent


@pytest.mark.parametrize(
    ("keyword", "problem"),
    [
        ({"sandbox": "yes"}, "THAID_SANDBOX='yes' is none of true, false"),
        ({"nonce": "off"}, "THAID_NONCE='off' is none of required, tolerated"),
        ({"pkce": "S256"}, "THAID_PKCE='S256' is none of true, false"),
        ({"raw_basic": "1"}, "THAID_RAW_BASIC='1' is none of true, false"),
        ({"bearer_prefix": "Bearer"}, "THAID_BEARER_PREFIX='Bearer' is none of true, false"),
        ({"api_key_header": "x-key"}, "THAID_API_KEY_HEADER='x-key' is none of x-api-key, x-imauth-apikey"),
    ],
)
def test_wrong_switches(keyword, problem):
    """A switch that is neither is a problem that names its setting and what may stand there."""
    assert make(**keyword).problems == (problem,)


def test_nothing_set():
    """Without id and secret both are problems; the profile itself can still be looked at."""
    problems = thaid(settings={}).problems
    assert [problem.split()[0] for problem in problems] == ["THAID_CLIENT_ID", "THAID_CLIENT_AUTH"]


def test_every_keyword_has_its_environment_name():
    """Each keyword that only ThaID has is read from its name, under another name of the provider's, too."""
    own = {"sandbox": "true", "api_key": "the-key", "api_key_header": "x-imauth-apikey", "raw_basic": "false"}
    own |= {"bearer_prefix": "false", "nonce": "required", "pkce": "false", "scope": "openid pid"}
    settings = {
        f"HEALTH_{name}".upper(): value for name, value in {"client_id": "i", "client_secret": "s", **own}.items()
    }
    provider = thaid(name="health", settings=settings)
    assert provider.problems == ()
    assert (provider.name, provider.issuer, provider.scopes) == ("health", SANDBOX, ("openid", "pid"))
    assert provider.headers == {"x-imauth-apikey": "the-key"}
    assert (provider.client.raw_basic, provider.introspection_prefix, provider.pkce) == (False, "", False)
    assert set(provider.deviations) == {PKCE}
    assert own.keys() | {"well_known_url"} <= {keyword.name for keyword in KEYWORDS}
    assert len({keyword.name for keyword in KEYWORDS}) == len(KEYWORDS)


def test_misspelt_keyword():
    """A keyword that there is not stops at once, with the nearest right one."""
    with pytest.raises(TypeError, match="did you mean 'sandbox'"):
        make(sand_box=True)


def test_repr_shows_no_secret():
    """Printing a profile shows neither secret nor key."""
    assert "a-secret-of-the-rp" not in repr(make())


@pytest.mark.parametrize("pid", [PID, None])
def test_right_pid_passes(pid):
    """A right pid passes, and so does a token without one."""
    assert check_pid({"pid": pid}, expectations()) is None
    assert check_pid({}, expectations()) is None
    assert check_pid in make().extra_checks


@pytest.mark.parametrize("pid", ["9103700001235", "", 9103700001234, [], "๙๑๐๓๗๐๐๐๐๑๒๓๔"])
def test_wrong_pid_in_the_id_token(pid):
    """A signed pid with a wrong check digit is refused, and is not told."""
    with pytest.raises(TokenRejected) as error:
        check_pid({"pid": pid}, expectations())
    assert error.value.code == "id_token_pid"
    assert str(pid) == "" or str(pid) not in str(error.value)


@pytest.mark.parametrize("number", ["1103700001239", "9103700001234", "9459900012348", "9888812345006"])
def test_check_digit(number):
    """The last digit follows from the twelve before it: exactly one of ten is right."""
    assert [is_national_id(number[:12] + last) for last in "0123456789"].count(True) == 1
    assert is_national_id(number)


@given(st.text(st.sampled_from("0123456789-ก "), max_size=14))
def test_any_text_is_a_number_or_not(text):
    """Any text is judged without an error, and only thirteen plain digits can pass."""
    assert not is_national_id(text) or (len(text) == 13 and text.isascii() and text.isdigit())


def test_card():
    """Every field of the card is typed, Thai and English side by side."""
    told = {
        "pid": PID,
        "title": "นาย",
        "given_name": "สมชาย",
        "middle_name": "",
        "family_name": "ตัวอย่าง",
        "name": "นายสมชาย ตัวอย่าง",
        "title_en": "Mr.",
        "given_name_en": "Somchai",
        "family_name_en": "Tuayang",
        "name_en": "Mr. Somchai Tuayang",
        "birthdate": "1989-12-28",
        "gender": "male",
        "address": {"formatted": "99/9 หมู่ที่ 1", "raw": "99/9#1"},
        "house_address": "12 ถนนสมมติ",
        "ial": 2.3,
        "smartcard_code": "9999-01-01019999",
        "date_of_issuance": "2022-01",
        "date_of_expiry": "LIFELONG",
    }
    card = to_vendor(told)
    assert isinstance(card, ThaidPerson)
    assert (card.name, card.name_en, card.middle_name, card.title) == (
        "นายสมชาย ตัวอย่าง",
        "Mr. Somchai Tuayang",
        None,
        "นาย",
    )
    assert card.birthdate == PartialDate(text="1989-12-28", year=1989, month=12, day=28)
    assert (card.address, card.house_address) == ("99/9 หมู่ที่ 1", "12 ถนนสมมติ")
    assert (card.ial, card.gender, card.smartcard_code) == ("2.3", "male", "9999-01-01019999")
    assert card.date_of_issuance == PartialDate(text="2022-01", year=2022, month=1)
    assert card.date_of_expiry == PartialDate(text="LIFELONG")


@pytest.mark.parametrize("address", [None, "", {}, {"formatted": ""}, {"formatted": 1}, [], 7])
def test_address_that_is_none(address):
    """An address of any other shape is none."""
    assert to_vendor({"address": address}).address is None


@given(st.dictionaries(st.sampled_from([*CLAIMS, "sub"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)))  # fmt: skip
def test_any_claims_make_a_card(claims):
    """Whatever the claims are, the card has texts, dates or nothing."""
    card = to_vendor(claims)
    for field in fields(card):
        value = getattr(card, field.name)
        assert value is None or isinstance(value, str | PartialDate)


@given(st.dictionaries(
    st.sampled_from(["expires_in", "expire_in", "pid", "name", "access_token", "token_type", "scope"]),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
))  # fmt: skip
def test_any_token_answer_is_read_or_refused(told):
    """Whatever the token answer holds, it is translated or refused by an error of ours."""
    result = outcome(lambda: read_tokens(json.loads(json.dumps(told)), NOW))
    if isinstance(result, MalformedAnswer):
        assert result.code == "token_pid_invalid"
    else:
        assert isinstance(result["claims"], dict)


OLD_TOKENS = TokenSet(access_token=Secret("old"), scope=("openid",), refresh_token=Secret("old-refresh"))


@pytest.mark.parametrize(
    ("error", "status", "final"),
    [("invalid_refresh_token", 401, True), ("invalid_grant", 400, True), ("server_error", 400, False)],
)
def test_invalid_refresh_token_ends_a_refresh(error, status, final):
    """The manual's own code ends a refresh, as the standard's would; another failure may pass."""
    with pytest.raises(ProviderRefused) as refused:
        read_refreshed(json_answer({"error": error}, status=status), provider=make(), old=OLD_TOKENS, now=NOW)
    assert type(refused.value) is (RefreshEnded if final else ProviderRefused)
    assert refused.value.error == error


def test_quirk_8_revocation_has_the_prefix():
    """Quirk 8: the word Bearer goes before the token in revocation, too, for both tokens; the answer is a 200."""
    known = metadata(revocation_endpoint=f"{PRODUCTION}/api/v2/oauth2/revoke/")
    both = revocable(make(), known, OLD_TOKENS, now=NOW)
    assert [kind for kind, _ in both] == ["refresh_token", "access_token"]
    for kind, token in both:
        assert (
            f"token=Bearer+{token.reveal()}".encode()
            in revocation_request(make(), known, token, kind, now=NOW).body
        )
    bare = revocation_request(make(bearer_prefix=False), known, Secret("t"), "access_token", now=NOW)
    assert b"token=t&" in bare.body
    for body in ({"status": "OK", "message": "revoked"}, {"message": "revoked"}):
        read_revocation(json_answer(body), provider=make(), now=NOW)
