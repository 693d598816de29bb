"""The floor: the least that Flask and a kept-alive pool can do for a correct sign-in, and nothing else.

State, nonce and PKCE, one token POST, one RS256 check with the key object ready, the claim checks of OIDC Core
3.1.3.7, a small HMAC-signed cookie. Metadata and keys are fetched at start.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

import urllib3
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

ISSUER = os.environ["OIDC_ISSUER"]
CLIENT_ID = os.environ["OIDC_CLIENT_ID"]
CALLBACK = os.environ["SIGNON_BASE_URL"] + "/callback"
COOKIE_KEY = secrets.token_bytes(32)
LIFETIME_SECONDS = 3600


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(value: str) -> str:
    return f"{value}.{hmac.digest(COOKIE_KEY, value.encode(), 'sha256').hex()}"


def opened(cookie: str | None) -> str:
    value, _, mac = (cookie or "").rpartition(".")
    if not hmac.compare_digest(hmac.digest(COOKIE_KEY, value.encode(), "sha256").hex(), mac):
        abort(401)
    return value


def public_key(jwk: dict[str, str]) -> rsa.RSAPublicKey:
    n, e = (int.from_bytes(unb64url(jwk[name]), "big") for name in ("n", "e"))
    return rsa.RSAPublicNumbers(e, n).public_key()


http = urllib3.PoolManager(
    maxsize=8, block=True, retries=False, timeout=10, ca_certs=os.environ.get("OIDC_CA_FILE")
)
metadata = http.request("GET", f"{ISSUER}/.well-known/openid-configuration").json()
keys = {jwk["kid"]: public_key(jwk) for jwk in http.request("GET", metadata["jwks_uri"]).json()["keys"]}
token_headers = {
    "Authorization": "Basic " + b64encode(f"{CLIENT_ID}:{os.environ['OIDC_CLIENT_SECRET']}".encode()).decode(),
    "Content-Type": "application/x-www-form-urlencoded",
}
app = Flask(__name__)


def verified(id_token: str, nonce: str) -> dict[str, str]:
    """The claims of a token that our issuer signed for us, now, in this sign-in."""
    content, _, signature = id_token.rpartition(".")
    header, _, payload = content.partition(".")
    parameters = json.loads(unb64url(header))
    if parameters["alg"] != "RS256":
        abort(400)
    keys[parameters["kid"]].verify(unb64url(signature), content.encode(), padding.PKCS1v15(), SHA256())
    claims: dict[str, str] = json.loads(unb64url(payload))
    now = time.time()
    if claims["iss"] != ISSUER or claims["aud"] != CLIENT_ID or claims["nonce"] != nonce:
        abort(400)
    if not float(claims["iat"]) - 60 <= now < float(claims["exp"]) + 60:
        abort(400)
    return claims


@app.get("/login")
def login() -> Response:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    query = urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": b64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
    )
    response = redirect(f"{metadata['authorization_endpoint']}?{query}")
    response.set_cookie("transaction", signed(f"{state}.{nonce}.{verifier}"), httponly=True, samesite="Lax")
    return response


@app.get("/callback")
def callback() -> Response:
    state, nonce, verifier = opened(request.cookies.get("transaction")).split(".")
    if not hmac.compare_digest(request.args["state"], state) or request.args["iss"] != ISSUER:
        abort(400)
    form = urlencode(
        {
            "grant_type": "authorization_code",
            "code": request.args["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
    )
    tokens = http.request("POST", metadata["token_endpoint"], body=form, headers=token_headers)
    if tokens.status != 200:
        abort(502)
    claims = verified(tokens.json()["id_token"], nonce)
    response = redirect("/me")
    session = f"{int(time.time()) + LIFETIME_SECONDS}|{claims['sub']}|{claims['name']}"
    response.set_cookie("session", signed(session), httponly=True, samesite="Lax")
    response.delete_cookie("transaction", httponly=True, samesite="Lax")
    return response


@app.get("/me")
def me() -> str:
    expires, _, name = opened(request.cookies.get("session")).split("|")
    if int(expires) < time.time():
        abort(401)
    return f"Hello {name}"


@app.get("/public")
def public() -> str:
    return "Hello"
