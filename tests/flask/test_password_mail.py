import json

import pytest
from tests.flask.double import CLICKED, ISSUER, LOCAL, code_of

from signon.core.http import HttpResponse
from signon.flask.password_mail import send_password_mail
from signon.providers import auth0


def tenant(ops, op, name, issuer) -> object:
    """An Auth0 tenant by the usual double."""
    ops[f"{issuer}/"] = op
    return auth0(name=name, settings={}, issuer=f"{issuer}/", client_id="client-1", client_secret="s" * 32)


@pytest.fixture
def ask(make_app, make_provider, ops, op):
    """Ask an application with these providers for a mail, by a form of its own."""
    op._password_mail = lambda _request: HttpResponse(status=200, headers={}, body=b"sent")

    def ask(names, *, email="mia@people.example", **options):
        made = {"oidc": make_provider(), **{n: tenant(ops, op, n, ISSUER) for n in names if n != "oidc"}}
        app = make_app({"providers": [made[name] for name in names]})
        app.add_url_rule(
            "/forgotten", "forgotten", lambda: send_password_mail(email, **options) or "sent", methods=["POST"]
        )
        return app.test_client().post("/forgotten", base_url=LOCAL, headers=CLICKED)

    return ask


def test_only_one_can(ask, op):
    """With one provider that sends such a mail it need not be named, whoever else there is."""
    assert ask(["auth0", "oidc"]).text == "sent"
    assert json.loads(op.asked[-1].body)["email"] == "mia@people.example"


def test_named(ask, op):
    """With two of them the named one is asked, in the named connection."""
    assert ask(["auth0", "partners"], provider="partners", connection="staff").text == "sent"
    assert json.loads(op.asked[-1].body)["connection"] == "staff"


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["auth0", "partners"], {}),
        (["auth0", "oidc"], {"provider": "oidc"}),
        (["auth0"], {"provider": "nobody"}),
        (["oidc"], {}),
    ],
)
def test_nobody_to_ask(ask, op, names, options):
    """Where it isn't clear who is to send the mail it is the operator's turn, and nobody is asked."""
    response = ask(names, **options)
    assert (response.status_code, code_of(response)) == (502, "password_mail_provider")
    assert op.asked == []


def test_no_address(ask):
    """Somebody who typed no address is told so, with a way back."""
    response = ask(["auth0"], email="mia")
    assert (response.status_code, code_of(response)) == (400, "email_invalid")
    assert "That is no e-mail address" in response.text
