"""The vendor's own client, used as its Flask example does. Runs in an environment of its own.

Reads one JSON object (hostname, client_id, client_secret, private_key, redirect_uri, scope), writes the address to
go to, reads the code that came back, writes what it learned.
"""

import json
import sys

from sgid_client import SgidClient, generate_pkce_pair


def main() -> None:
    told = json.loads(sys.stdin.readline())
    scope = told.pop("scope")
    client = SgidClient(**told)
    verifier, challenge = generate_pkce_pair()
    url, nonce = client.authorization_url(state="icecream=Vanilla", code_challenge=challenge, scope=scope)
    print(json.dumps({"url": url}), flush=True)
    code = json.loads(sys.stdin.readline())["code"]
    answer = client.callback(code=code, code_verifier=verifier, nonce=nonce)
    # From 0.3.0 on the ID token stands between the two.
    sub, access_token = answer[0], answer[-1]
    again, data = client.userinfo(sub=sub, access_token=access_token)
    print(json.dumps({"members": len(answer), "sub": sub, "again": again, "data": data, "nonce": nonce}))


main()
