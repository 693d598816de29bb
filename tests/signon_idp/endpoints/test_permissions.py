from dataclasses import replace

import pytest

from signon_idp import Idp, Persona
from signon_idp.dialect import Route
from signon_idp.dialects.oidc import OIDC
from signon_idp.endpoints.permissions import permissions

TOKEN = "the-token-of-the-api"
PEOPLE = (
    Persona(id="ann", sub="s-1", note="", claims={}),
    Persona(id="bob", sub="s-2", note="", claims={"id": "b"}),
)
GRANTED = {"ann": {"billing": ("view",)}, "bob": {"billing": ("super_admin",)}}


@pytest.fixture
def ask(clock):
    def ask(user: str, *, bare: bool = False, header: str = f"Token {TOKEN}", **query):
        view = permissions(GRANTED, people=PEOPLE, token=TOKEN, bare=bare)
        route = Route(name="permissions", path="/Users/<user_id>/permissions", view=view)
        idp = Idp(dialect=replace(OIDC, own_routes=(route,)), origin="http://127.0.0.1:9000", now=clock)
        address = f"/Users/{user}/permissions"
        return idp.app.test_client().get(address, query_string=query, headers={"Authorization": header})

    return ask


def test_both_shapes(ask):
    """The newer shape says who is a superuser, the older one is the map alone; without objects all are told."""
    assert ask("s-1").json == {"is_superuser": False, "permissions": {"billing": ["view"]}}
    assert ask("b").json == {"is_superuser": True, "permissions": {"billing": ["super_admin"]}}
    assert ask("s-1", bare=True, object=["garden", "billing"]).json == {"garden": [], "billing": ["view"]}


def test_who_is_asked_about(ask):
    """The path names the API's own id, which is the subject only where a person has no other."""
    assert (ask("s-2").status_code, ask("bob").status_code) == (404, 404)


@pytest.mark.parametrize("header", ["", TOKEN, f"Bearer {TOKEN}", f"Token {TOKEN}x"])
def test_token(ask, header):
    """Without the API's token, under the word Token, nothing is told."""
    answer = ask("s-1", header=header)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
