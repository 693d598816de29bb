import json

import pytest
from tests.flask.double import ISSUER

from signon.core.errors import OperatorError, PersonError, ProviderRefused
from signon.core.http import HttpResponse
from signon.providers import auth0
from signon.service.password_mail import MAX_ADDRESS_CHARACTERS, send_password_mail

SETTINGS = {
    "AUTH0_DOMAIN": ISSUER,
    "AUTH0_CLIENT_ID": "client-1",
    "AUTH0_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
}


@pytest.fixture
def party(make_party, ops, op):
    ops[f"{ISSUER}/"] = op
    return make_party(auth0(settings=SETTINGS))


@pytest.fixture
def send(party, op):
    """Ask for a mail; gives what the vendor was sent."""
    op._password_mail = lambda _request: HttpResponse(status=200, headers={}, body=b"We have sent you a mail.")

    def send(email="mia@people.example", **options):
        send_password_mail(party, party.providers["auth0"], email, **options)
        return json.loads(op.asked[-1].body)

    return send


def test_mail(send, op):
    """The vendor is asked once, for this address and the usual connection, without a word of metadata."""
    sent = send()
    assert (sent["email"], sent["connection"]) == ("mia@people.example", "Username-Password-Authentication")
    assert op.documents() == ["password_mail"]


def test_other_connection(send):
    """Another database of the tenant can be named."""
    assert send(connection="staff")["connection"] == "staff"


@pytest.mark.parametrize("email", ["สมชาย@ตัวอย่าง.example", "o'hara+x@sub.people.example", "a@b"])
def test_addresses_of_all_kinds(send, email):
    """Only the mail itself can tell whether there is such an address: all that look like one go on."""
    assert send(email)["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "mia",
        "@people.example",
        "mia@",
        "a@b@c",
        "a b@c.example",
        "a@b.example\n",
        "a@b.example\r\nBcc: x@y.example",
        "\x00a@b.example",
        "a" * MAX_ADDRESS_CHARACTERS + "@b",
    ],
)
def test_what_is_no_address(send, op, email):
    """What can't be an address never gets to the vendor, and is not repeated in the error."""
    with pytest.raises(PersonError) as error:
        send(email)
    assert (error.value.code, error.value.status) == ("email_invalid", 400)
    assert not email or email not in str(error.value)
    assert op.asked == []


def test_refusal(send, op, caplog):
    """The vendor's refusal is an error of ours, and no log has the address."""
    op._password_mail = lambda _request: HttpResponse(status=400, headers={}, body=b'{"code":"x","email":"mia@"}')
    with pytest.raises(ProviderRefused) as error, caplog.at_level("DEBUG"):
        send()
    assert error.value.code == "password_mail_refused"
    assert "mia@" not in caplog.text


def test_log_has_no_address(send, caplog):
    """That a mail was asked for is logged, and for whom is not."""
    with caplog.at_level("INFO", logger="signon"):
        send()
    assert "provider=auth0" in caplog.text
    assert "mia" not in caplog.text


def test_provider_without_such_a_mail(make_party):
    """A provider that has none is the operator's mistake."""
    party = make_party()
    with pytest.raises(OperatorError) as error:
        send_password_mail(party, party.providers["oidc"], "a@b.example")
    assert error.value.code == "password_mail_unsupported"
