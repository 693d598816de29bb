"""The client that the command line and the fixture register when nobody says otherwise."""

from signon_idp.dialects import DIALECTS
from signon_idp.model import Client

APPLICATION = "http://localhost:5000"
CLIENT_ID = "demo"
# Published on purpose, and long enough for HS256.
CLIENT_SECRET = "practice-secret-of-the-demo-client"


def redirect_uri(dialect: str) -> str:
    """Where an application on its usual port takes the answer of this dialect."""
    return f"{APPLICATION}/auth/callback/{dialect}"


def post_logout_redirect_uri(dialect: str) -> str:
    """Where it wants people back after signing out."""
    return f"{APPLICATION}/auth/logout/callback/{dialect}"


def demo_client(dialect: str = "oidc") -> Client:
    """The client `demo` as the vendor registers it, for an application on http://localhost:5000."""
    usual = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_name="Demo application",
        redirect_uris=(redirect_uri(dialect),),
        post_logout_redirect_uris=(post_logout_redirect_uri(dialect),),
    )
    return DIALECTS[dialect].usual_client(usual)
