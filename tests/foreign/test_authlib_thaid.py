"""Authlib signs in at the practice ThaID the way the vendor's own Flask sample does."""

import base64

import pytest
import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for
from tests.journeys.visitor import Visitor

from signon_idp import start
from signon_idp.demo import demo_client
from signon_idp.dialects.thaid import thaid_dialect

ORIGIN = "http://localhost:5000"
SCOPE = (
    "openid pid address gender birthdate given_name middle_name family_name name given_name_en middle_name_en"
    " family_name_en name_en title title_en ial smartcard_code date_of_expiry date_of_issuance"
)


def sample(well_known_url: str) -> tuple[Flask, dict[str, object]]:
    """The sample's routes; it keeps everything in Flask's session, so what it learned is kept aside, too."""
    app = Flask(__name__)
    app.secret_key = "of-the-sample"
    client = demo_client("thaid")
    app.config.update(THAID_CLIENT_ID=client.client_id, THAID_CLIENT_SECRET=client.client_secret)
    oauth = OAuth(app)
    oauth.register(name="thaid", server_metadata_url=well_known_url, client_kwargs={"scope": SCOPE})
    learned: dict[str, object] = {}

    @app.get("/login")
    def login():
        return oauth.thaid.authorize_redirect(url_for("auth", _external=True))

    @app.get("/auth/callback/thaid")
    def auth():
        learned.update(oauth.thaid.authorize_access_token())
        session["user"] = learned["userinfo"]["name"]
        return redirect("/")

    @app.get("/")
    def home():
        return session.get("user", "nobody")

    return app, learned


@pytest.fixture(params=["expires_in", "expire_in", "duration"])
def idp(request):
    with start(dialect=thaid_dialect(life=request.param), clients=(demo_client("thaid"),)) as served:
        yield served


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sample(idp):
    """It signs in with every scope of its list, verifies the ID token and its nonce, and asks about its token."""
    app, learned = sample(f"{idp.issuer}/.well-known/openid-configuration")
    visitor = Visitor((ORIGIN, app), (idp.origin, idp.app))
    page = visitor.submit(visitor.get(f"{ORIGIN}/login"), persona="somchai")
    assert page.text == "นายสมชาย ตัวอย่าง"
    claims = learned["userinfo"]
    assert claims["sub"] == claims["pid"] == "9103700001234"
    assert claims["name_en"] == "Mr. Somchai Tuayang"
    # The sample's own way of asking: Basic by hand, the bare token.
    basic = base64.b64encode(b"demo:practice-secret-of-the-demo-client").decode()
    answer = requests.post(
        f"{idp.issuer}/api/v2/oauth2/introspect/",
        data={"token": learned["access_token"]},
        headers={"Authorization": f"Basic {basic}"},
        timeout=5,
    )
    assert answer.json() == {"active": True, "sub": "9103700001234", "scope": SCOPE}
