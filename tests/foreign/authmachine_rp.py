"""AuthMachine's demonstration, step by step, with the library that it uses. Runs in an environment of its own.

Reads one JSON object (url, client_id, client_secret, redirect_uri, alg), writes the address to go to, reads the
answer's parameters, writes what it learned.
"""

import json
import sys
from urllib.parse import urlencode

import requests
from oic import rndstr
from oic.oauth2 import AuthorizationResponse
from oic.oic import Client, RegistrationResponse
from oic.utils.authn.client import ClientSecretBasic, ClientSecretPost

SCOPE = "openid email profile"
STATE = "some-state-which-will-be-returned-unmodified"


def get_client(told):
    client = Client(
        client_authn_method={"client_secret_post": ClientSecretPost, "client_secret_basic": ClientSecretBasic}
    )
    client.provider_config(told["url"])
    client.client_id = told["client_id"]
    client.client_secret = told["client_secret"]
    client.store_registration_info(
        RegistrationResponse(
            client_id=told["client_id"],
            client_secret=told["client_secret"],
            id_token_signed_response_alg=told["alg"],
        )
    )
    return client


def get_authorization_url(client, told):
    args = {
        "client_id": client.client_id,
        "response_type": "code",
        "scope": SCOPE,
        "claims": json.dumps({"authmachine_permissions": ["billing", "warehouse-7"]}),
        "nonce": rndstr(),
        "redirect_uri": told["redirect_uri"],
        "state": STATE,
    }
    return client.provider_info["authorization_endpoint"] + "?" + urlencode(args, True)


def main() -> None:
    told = json.loads(sys.stdin.readline())
    client = get_client(told)
    print(json.dumps({"url": get_authorization_url(client, told)}), flush=True)
    info = json.loads(sys.stdin.readline())
    answer = client.parse_response(AuthorizationResponse, info=info, sformat="dict")
    args = {
        "code": answer["code"],
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": told["redirect_uri"],
    }
    token = client.do_access_token_request(
        scope=SCOPE, state=answer["state"], request_args=args, authn_method="client_secret_post"
    )
    user = client.do_user_info_request(state=answer["state"], authn_method="client_secret_post").to_dict()

    def revoked():
        form = {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "access_token": token["access_token"],
            "grant_type": "check_token_revoked",
        }
        return requests.post(f"{told['url'].rstrip('/')}/oidc/token", data=form, timeout=10).json()

    before = revoked()
    sign_out = {
        "scope": SCOPE,
        "post_logout_redirect_uri": told["post_logout_redirect_uri"],
        "state": STATE,
        "revoke_tokens": 1,
    }
    address = client.provider_info["end_session_endpoint"] + "?" + urlencode(sign_out)
    print(
        json.dumps(
            {
                "user": user,
                "sub": token["id_token"]["sub"],
                "before": before,
                "sign_out": address,
                "token": token["access_token"],
            }
        )
    )


main()
