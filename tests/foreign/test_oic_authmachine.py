"""The library that AuthMachine's demonstrations use, in their own way, signs in at the practice one."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from tests.foreign.environments import converse
from tests.journeys.visitor import Visitor

from signon_idp import start
from signon_idp.demo import demo_client
from signon_idp.dialects.authmachine import AUTHMACHINE

OIC = "oic-1.7.0"
CLIENT = demo_client("authmachine")
STATE = "some-state-which-will-be-returned-unmodified"


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_signs_in_and_out(alg, slash):
    """It discovers, signs in, reads userinfo by POST, asks whether its token is revoked, and signs out."""
    client = replace(CLIENT, id_token_signed_response_alg=alg)
    with start(dialect=replace(AUTHMACHINE, issuer_suffix=slash), clients=(client,)) as idp:
        visitor = Visitor((idp.origin, idp.app))

        def sign_in(asked: dict) -> dict:
            page = visitor.get(asked["url"])
            stopped = visitor.submit(page, persona="mara.k", stop_at="/auth/callback/")
            return dict(parse_qsl(urlsplit(stopped.headers["Location"]).query))

        told = {
            "url": f"{idp.origin}/",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "redirect_uri": client.redirect_uris[0],
            "post_logout_redirect_uri": client.post_logout_redirect_uris[0],
            "alg": alg,
        }
        learned = converse(OIC, "authmachine_rp.py", told, sign_in)
        assert learned["user"]["preferred_username"] == "mara.k"
        assert learned["user"]["authmachine_permissions"] == {"billing": ["view", "edit"], "warehouse-7": ["view"]}
        assert learned["sub"] == learned["user"]["sub"]
        assert learned["before"] == {"revoked": False}
        gone = visitor.get(learned["sign_out"], stop_at="localhost:5000")
        assert gone.headers["Location"] == f"{client.post_logout_redirect_uris[0]}?state={STATE}"
        check = {
            "grant_type": "check_token_revoked",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "access_token": learned["token"],
        }
        assert requests.post(f"{idp.origin}/oidc/token", data=check, timeout=5).json() == {"revoked": True}
