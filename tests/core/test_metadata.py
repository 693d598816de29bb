import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.forge import ABSENT, ISSUER, answer, chain, discovery_document, json_answer, outcome

from signon.core.errors import MalformedAnswer, ProviderError, ProviderUnavailable, SignOnError
from signon.core.metadata import Metadata, discovery_request, discovery_url, read_discovery

ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
)
REQUIRED = ENDPOINTS[:3]


def read(**changes: object) -> Metadata:
    return read_discovery(json_answer(discovery_document(**changes)), issuer=str(changes.get("issuer", ISSUER)))


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://op.example", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration"),
        ("https://op.example/a/", "https://op.example/a/.well-known/openid-configuration"),
    ],
)
def test_document_is_below_the_issuer(issuer, url):
    """The document's address must be the issuer's without its last slash (OIDC Discovery 4.1)."""
    assert discovery_url(issuer) == url
    request = discovery_request(issuer)
    assert (request.method, request.url, request.document, request.body) == ("GET", url, "metadata", None)
    assert request.headers == {"Accept": "application/json"}


def test_document_elsewhere_is_asked_for_there():
    """A provider that keeps its document elsewhere must be asked there."""
    assert discovery_request(ISSUER, url="https://op.example/metadata").url == "https://op.example/metadata"


def test_document_is_read():
    """Each member that we act on must come back as it was said, and absent ones say nothing."""
    plain = read()
    assert plain.authorization_endpoint == f"{ISSUER}/authorize"
    assert plain.userinfo_endpoint is None
    assert plain.require_pushed_authorization_requests is False
    assert plain.authorization_response_iss_parameter_supported is False
    assert plain.token_endpoint_auth_methods_supported == ()
    more = {name: f"{ISSUER}/{name}?a=b" for name in ENDPOINTS}
    more |= {"require_pushed_authorization_requests": True, "authorization_response_iss_parameter_supported": True}
    more |= {"token_endpoint_auth_methods_supported": ["client_secret_post", 1, None]}
    more |= {"code_challenge_methods_supported": ["plain", "S256"], "a_future_member": {"x": [1]}}
    whole = read(**more)
    assert [getattr(whole, name) for name in ENDPOINTS] == [more[name] for name in ENDPOINTS]
    assert whole.require_pushed_authorization_requests is True
    assert whole.authorization_response_iss_parameter_supported is True
    assert whole.token_endpoint_auth_methods_supported == ("client_secret_post",)
    assert whole.code_challenge_methods_supported == ("plain", "S256")


ISSUERS = {
    "absent": (ABSENT, MalformedAnswer, "metadata_issuer_missing"),
    "null": (None, MalformedAnswer, "metadata_issuer_missing"),
    "empty": ("", MalformedAnswer, "metadata_issuer_missing"),
    "a number": (1, MalformedAnswer, "metadata_issuer_invalid"),
    "a list": ([ISSUER], MalformedAnswer, "metadata_issuer_invalid"),
    "with a slash": (ISSUER + "/", ProviderError, "metadata_issuer_mismatch"),
    "in capitals": ("https://OP.example", ProviderError, "metadata_issuer_mismatch"),
    "with a path": (ISSUER + "/a", ProviderError, "metadata_issuer_mismatch"),
    "another": ("https://evil.example", ProviderError, "metadata_issuer_mismatch"),
    "a template": ("https://op.example/{tenantid}", ProviderError, "metadata_issuer_mismatch"),
}


@pytest.mark.parametrize(("issuer", "error_class", "code"), ISSUERS.values(), ids=ISSUERS)
def test_issuer_must_be_the_one_asked_about(issuer, error_class, code):
    """The document's issuer must equal ours, character for character (OIDC Discovery 4.3)."""
    with pytest.raises(error_class) as error:
        read_discovery(json_answer(discovery_document(issuer=issuer)), issuer=ISSUER)
    assert type(error.value) is error_class
    assert error.value.code == code


@pytest.mark.parametrize(("ours", "theirs"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER), (ISSUER, ISSUER)])
def test_deviation_takes_either_slash_and_keeps_the_documents(ours, theirs):
    """By its deviation alone a slash at the end may differ; the document's spelling then counts exactly."""
    response = json_answer(discovery_document(issuer=theirs))
    assert read_discovery(response, issuer=ours, either_slash=True).issuer == theirs


@pytest.mark.parametrize(
    "theirs", [f"{ISSUER}//", f"{ISSUER}/a", "https://OP.example/", "https://op.example.evil/", "/"]
)
def test_deviation_takes_nothing_but_one_slash(theirs):
    """The deviation must not take any other difference."""
    with pytest.raises(ProviderError) as error:
        read_discovery(json_answer(discovery_document(issuer=theirs)), issuer=ISSUER, either_slash=True)
    assert error.value.code == "metadata_issuer_mismatch"


def test_mismatch_says_both_issuers_and_no_more_than_that():
    """The error must show both issuers, so that a missing slash is seen, and bound what the provider says."""
    with pytest.raises(ProviderError) as error:
        read_discovery(
            json_answer(discovery_document(issuer="https://evil.example/" + "\n" * 9999)), issuer=ISSUER
        )
    assert repr(ISSUER) in str(error.value)
    assert "https://evil.example/" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    "issuer",
    [
        "http://op.example",
        "https://op.example?a=b",
        "https://op.example#a",
        "https://user@op.example",
        "op.example",
    ],
)
def test_issuer_must_be_a_plain_https_address(issuer):
    """An issuer that is no https address without query and fragment must be refused (OIDC Discovery 2)."""
    with pytest.raises(MalformedAnswer) as error:
        read(issuer=issuer)
    assert error.value.code == "metadata_issuer_invalid"


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [ABSENT, None, ""])
def test_required_member_must_be_there(name, value):
    """Each endpoint without which no sign-in works must be in the document (OIDC Discovery 3)."""
    with pytest.raises(MalformedAnswer) as error:
        read(**{name: value})
    assert error.value.code == f"metadata_{name}_missing"


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "http://op.example/x",
        "http://127.0.0.1:6379/x",
        "HTTP://localhost/x",
        "https://op.example/#x",
        "https://user:password@op.example/x",
        "https://op.example/x\r\nX: y",
        "https://op.example/$(id) x",
        "//op.example/x",
        "/x",
        "x",
        "https://[",
        1,
        ["https://op.example/x"],
        {},
        True,
    ],
)
def test_each_address_must_be_one_that_can_be_trusted(name, value):
    """An endpoint that is no https address must be refused by its name, loopback too where the issuer is not."""
    with pytest.raises(MalformedAnswer) as error:
        read(**{name: value})
    assert error.value.code == f"metadata_{name}_invalid"


def test_plain_http_serves_this_machine():
    """An issuer on this machine may have http endpoints on this machine, and https ones anywhere."""
    local = "http://127.0.0.1:9000/tenant/a"
    document = discovery_document(
        issuer=local, token_endpoint=f"{local}/token", jwks_uri="http://localhost:1/jwks"
    )
    assert read_discovery(json_answer(document), issuer=local).token_endpoint == f"{local}/token"
    document["token_endpoint"] = "http://op.example/token"
    with pytest.raises(MalformedAnswer) as error:
        read_discovery(json_answer(document), issuer=local)
    assert error.value.code == "metadata_token_endpoint_invalid"


INSIDE = (
    *("localhost", "op.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "10.0.0.1"),
    *("192.168.1.1:8443", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[fd00::1]", "[fe80::1]"),
    *("[::ffff:10.0.0.1]", "10.0.0.1.", "localhost."),
)


@pytest.mark.parametrize("host", INSIDE)
def test_issuer_outside_names_no_address_inside(host):
    """A provider out there must not send us, with our secret, to what listens in our own network (H8)."""
    with pytest.raises(MalformedAnswer, match="inside some network") as error:
        read(token_endpoint=f"https://{host}/token")
    assert error.value.code == "metadata_token_endpoint_invalid"


@pytest.mark.parametrize("host", ["198.41.0.4", "[2001:4860:4860::8888]", "10.example", "1e100.example", "intern"])
def test_other_hosts_may_be_named(host):
    """A public address and any name may be an endpoint's host, also one that begins with a digit."""
    assert read(token_endpoint=f"https://{host}/token").token_endpoint == f"https://{host}/token"


def test_issuer_inside_may_name_others_there():
    """A provider of one's own network must work by addresses."""
    issuer = "https://10.0.0.1:8443"
    document = discovery_document(issuer=issuer, token_endpoint="https://10.0.0.2/token")
    assert read_discovery(json_answer(document), issuer=issuer).token_endpoint == "https://10.0.0.2/token"


def test_issuer_on_this_machine_with_https_has_it_everywhere():
    """Also on this machine an issuer with https must name no endpoint without."""
    issuer = "https://localhost:8443"
    document = discovery_document(issuer=issuer, token_endpoint="http://localhost:8080/token")
    with pytest.raises(MalformedAnswer, match="is not https, and its issuer is") as error:
        read_discovery(json_answer(document), issuer=issuer)
    assert error.value.code == "metadata_token_endpoint_invalid"


@pytest.mark.parametrize(
    ("types", "needed"),
    [
        (["id_token"], False),
        (["id_token", "id_token token", "token"], False),
        (["id_token", "code"], True),
        (["id_token code"], True),
        ([], True),
        ([1], True),
        (ABSENT, True),
    ],
)
def test_provider_of_the_implicit_flow_alone_needs_no_token_endpoint(types, needed):
    """Only where no response type brings a code may the endpoint be missing (OIDC Discovery 3)."""
    found = outcome(lambda: read(token_endpoint=ABSENT, response_types_supported=types))
    assert (found.code == "metadata_token_endpoint_missing") if needed else (found.token_endpoint == "")


@pytest.mark.parametrize("methods", [["plain"], ["plain", "s256"], ["S512"]])
def test_pkce_without_s256_is_refused(methods):
    """A provider that lists PKCE methods without S256 must be refused, and never served with another."""
    with pytest.raises(ProviderError) as error:
        read(code_challenge_methods_supported=methods)
    assert error.value.code == "metadata_s256_unsupported"


@pytest.mark.parametrize("value", [[], None, [1]])
def test_pkce_unsaid_is_no_refusal(value):
    """A provider that says nothing of PKCE must be served: it is sent S256 all the same."""
    assert read(code_challenge_methods_supported=value).code_challenge_methods_supported == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code_challenge_methods_supported", "S256"),
        ("token_endpoint_auth_methods_supported", {"client_secret_basic": True}),
        ("authorization_response_iss_parameter_supported", "true"),
        ("authorization_response_iss_parameter_supported", 1),
        ("require_pushed_authorization_requests", "false"),
        ("require_pushed_authorization_requests", 0),
    ],
)
def test_member_of_another_type_is_malformed(name, value):
    """A list or a switch of another type must be refused and not guessed at."""
    with pytest.raises(MalformedAnswer) as error:
        read(**{name: value})
    assert error.value.code == f"metadata_{name}_invalid"


@pytest.mark.parametrize(
    "name", ["authorization_response_iss_parameter_supported", "require_pushed_authorization_requests"]
)
def test_switch_that_is_null_is_off(name):
    """Null must say no more than absence does: some providers write down all that they don't know."""
    assert getattr(read(**{name: None}), name) is False


RAW_DOCUMENTS = {
    "not JSON": (answer(b"{"), MalformedAnswer, "metadata_not_json"),
    "not UTF-8": (answer(b"\xff"), MalformedAnswer, "metadata_not_utf8"),
    "a list": (answer(b"[]"), MalformedAnswer, "metadata_not_object"),
    "a member twice": (
        answer(b'{"issuer":"https://op.example","issuer":"https://evil.example"}'),
        MalformedAnswer,
        "metadata_duplicate_member",
    ),
    "a bad number": (answer(b'{"a":NaN}'), MalformedAnswer, "metadata_bad_number"),
    "too deep": (answer(b'{"a":' * 99 + b"1" + b"}" * 99), MalformedAnswer, "metadata_too_deep"),
    "half a character": (answer(b'{"a":"\\ud800"}'), MalformedAnswer, "metadata_lone_surrogate"),
    "HTML": (answer(b"<html>", content_type="text/html"), MalformedAnswer, "metadata_content_type"),
    "404": (answer(b"", status=404), ProviderError, "metadata_status"),
    "redirect": (answer(b"", status=301), ProviderError, "metadata_redirect"),
    "500": (answer(b"", status=500), ProviderUnavailable, "metadata_server_error"),
}


@pytest.mark.parametrize(("response", "error_class", "code"), RAW_DOCUMENTS.values(), ids=RAW_DOCUMENTS)
def test_each_unreadable_document_has_its_code(response, error_class, code):
    """A document that can't be read must be refused with the code of its fault."""
    with pytest.raises(error_class) as error:
        read_discovery(response, issuer=ISSUER)
    assert type(error.value) is error_class
    assert error.value.code == code
    assert chain(error.value) == [error.value]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.text()
    | st.lists(st.text(), max_size=2)
    | st.just({})
    | st.sampled_from(["https://op.example/x", "https://["])
)


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(
            [*ENDPOINTS, "issuer", "code_challenge_methods_supported", "require_pushed_authorization_requests"]
        ),
        VALUES,
    ).map(lambda changes: json.dumps(discovery_document() | changes).encode())
)
def test_any_bytes_give_metadata_or_our_error(body):
    """Whatever document comes, the reader must give metadata of our issuer or an error of ours."""
    result = outcome(lambda: read_discovery(answer(body), issuer=ISSUER))
    assert isinstance(result, SignOnError) or result.issuer == ISSUER
