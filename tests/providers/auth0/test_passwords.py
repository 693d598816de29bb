import json

import pytest

from signon.core.errors import OperatorError, ProviderError, ProviderRefused, ProviderUnavailable
from signon.core.http import HttpResponse
from signon.providers import auth0, pingone
from signon.providers.auth0.passwords import CONNECTION, ask_for_mail, mail_request, read_mail

SETTINGS = {
    "AUTH0_DOMAIN": "acme-demo.us.auth0.com",
    "AUTH0_CLIENT_ID": "client-1",
    "AUTH0_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
}
PROVIDER = auth0(settings=SETTINGS)
SENT = HttpResponse(
    status=200,
    headers={"content-type": "text/html; charset=utf-8"},
    body=b"We've just sent you an email to reset your password.",
)


def answer(value, *, status) -> HttpResponse:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)


def test_request():
    """The vendor is asked in JSON, by client id, address and connection; no secret and no token goes along."""
    asked = mail_request(PROVIDER, "mia@people.example", connection=CONNECTION)
    assert (asked.method, asked.url) == ("POST", "https://acme-demo.us.auth0.com/dbconnections/change_password")
    assert asked.headers == {"Content-Type": "application/json"}
    assert json.loads(asked.body) == {
        "client_id": "client-1",
        "email": "mia@people.example",
        "connection": "Username-Password-Authentication",
    }
    assert "mia@" not in repr(asked)


@pytest.mark.parametrize(("organization", "sent"), [("org_8kQ2", "org_8kQ2"), ("acme", None)])
def test_organization(organization, sent):
    """The organization of the settings is named, where it is set by its id."""
    provider = auth0(settings=SETTINGS, organization=organization)
    assert json.loads(mail_request(provider, "a@b.example", connection="staff").body).get("organization") == sent


def test_provider_without_such_a_mail():
    """A provider that has no such mail is not asked for one."""
    provider = pingone(settings={"PINGONE_ENVIRONMENT_ID": "e", "PINGONE_CLIENT_ID": "c"})
    with pytest.raises(OperatorError) as error:
        mail_request(provider, "a@b.example", connection=CONNECTION)
    assert error.value.code == "password_mail_unsupported"


@pytest.mark.parametrize("response", [SENT, answer({"error": "user not found"}, status=404)])
def test_somebody_and_nobody(response):
    """Whether somebody has the address must not be told: a plain sentence and a 404 mean the same."""
    flow = ask_for_mail(PROVIDER, "a@b.example", connection=CONNECTION)
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(response)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"code": "invalid_connection", "description": "a@b.example"}, "invalid_connection"),
        ({"error": "connection is required", "statusCode": 400}, "connection is required"),
        (b"connection is required for a@b.example", "400"),
        ({}, "400"),
    ],
)
def test_refused(body, error):
    """A refusal has the vendor's code, and never its sentence, which may quote the address."""
    with pytest.raises(ProviderRefused) as refused:
        read_mail(answer(body, status=400), provider=PROVIDER)
    assert (refused.value.code, refused.value.error) == ("password_mail_refused", error)
    assert "a@b" not in f"{refused.value!r} {refused.value} {refused.value.description}"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (429, ProviderUnavailable, "password_mail_server_error"),
        (503, ProviderUnavailable, "password_mail_server_error"),
        (302, ProviderError, "password_mail_redirect"),
        (403, ProviderError, "password_mail_status"),
    ],
)
def test_other_answers(status, kind, code):
    """Any other status is no mail, with a code of its own."""
    with pytest.raises(kind) as error:
        read_mail(answer({}, status=status), provider=PROVIDER)
    assert (type(error.value), error.value.code) == (kind, code)
