import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from tests.flask.double import ISSUER, KEY, json_response

from signon.core.errors import OperatorError, ProviderUnavailable
from signon.core.person import Login, Person
from signon.providers import authmachine
from signon.service import permissions as module
from signon.service.permissions import KEPT_SECONDS, permissions_now, permissions_on

API_TOKEN = "a-token-of-the-permissions-api"
SETTINGS = {
    "AUTHMACHINE_URL": ISSUER,
    "AUTHMACHINE_CLIENT_ID": "client-1",
    "AUTHMACHINE_CLIENT_SECRET": "a-secret-of-the-client-with-32-octets",
    "AUTHMACHINE_API_TOKEN": API_TOKEN,
}


def login_of(claims=None, *, provider="authmachine") -> Login:
    person = Person(provider=provider, issuer=ISSUER, subject="person-1", public_subject="person-1")
    return Login(person=person, claims={"sub": "person-1", **(claims or {})}, signed_in_at=0.0)


def at_sign_in(**permissions: list[str]) -> Login:
    return login_of({"authmachine_permissions": permissions})


@pytest.fixture
def grants(op, plant):
    """What the API grants, by person and object; to be changed."""
    plant(API_TOKEN)
    granted = {"person-1": {"billing": ["view"], "garden": ["dig"]}}

    def answer(request):
        address = urlsplit(request.url)
        person = unquote(address.path.split("/")[-2])
        objects = parse_qs(address.query).get("object") or list(granted[person])
        codes = {name: granted[person].get(name, []) for name in objects}
        return json_response({"is_superuser": person == "root", "permissions": codes})

    op._permissions = answer
    return granted


@pytest.fixture
def party(make_party, grants):
    return make_party(authmachine(settings=SETTINGS))


@pytest.fixture
def asked(op):
    return lambda: op.documents().count("permissions")


def test_what_the_api_says(party, grants):
    """The answer is the API's, about the vendor's own id where there is one; without objects, of all."""
    grants["root"] = {"billing": ["all"]}
    assert permissions_now(party, login_of(), ("billing", "other")).permissions == {
        "billing": ("view",),
        "other": (),
    }
    assert permissions_now(party, login_of()).permissions == {"billing": ("view",), "garden": ("dig",)}
    answer = permissions_now(party, login_of({"id": "root"}))
    assert (answer.permissions, answer.is_superuser) == ({"billing": ("all",)}, True)


def test_answer_is_kept_for_a_minute(party, grants, asked, clock):
    """The API is asked once a minute for the same person and objects, and what was taken back is then gone."""
    first = permissions_now(party, login_of(), ("garden", "billing"))
    grants["person-1"] = {}
    clock.now += KEPT_SECONDS - 0.1
    assert permissions_now(party, login_of(), ("billing", "garden", "billing")) is first
    assert asked() == 1
    clock.now += 0.1
    assert permissions_now(party, login_of(), ("billing", "garden")).permissions == {"billing": (), "garden": ()}


def test_others_are_asked_about_apart(party, grants, asked):
    """Other objects and other people are other questions."""
    grants["person-2"] = {}
    permissions_now(party, login_of(), ("billing",))
    assert permissions_now(party, login_of({"id": "person-2"}), ("billing",)).permissions == {"billing": ()}
    permissions_now(party, login_of(), ("garden",))
    permissions_now(party, login_of())
    assert asked() == 4


def test_memory_is_bounded(party, grants, asked, monkeypatch):
    """Of more answers than are kept the oldest leave."""
    monkeypatch.setattr(module, "KEPT", 2)
    for name in ("a", "b", "c"):
        permissions_now(party, login_of(), (name,))
    permissions_now(party, login_of(), ("c",))
    permissions_now(party, login_of(), ("b",))
    assert asked() == 3
    permissions_now(party, login_of(), ("a",))
    assert asked() == 4


def test_failure_is_not_kept(party, op, grants):
    """An API that fails is asked again; nobody has a permission by that, or lacks one."""
    op.failing["permissions"] = ProviderUnavailable("permissions_timeout", "no answer")
    with pytest.raises(ProviderUnavailable) as error:
        permissions_now(party, login_of(), ("billing",))
    assert error.value.code == "permissions_timeout"
    del op.failing["permissions"]
    assert permissions_now(party, login_of(), ("billing",)).permissions == {"billing": ("view",)}


def test_provider_without_permissions(make_party):
    """A provider without permissions can't be asked for any, and gives none."""
    party = make_party()
    with pytest.raises(OperatorError) as error:
        permissions_now(party, login_of(provider="oidc"))
    assert error.value.code == "permissions_unsupported"
    assert (
        permissions_on(party, login_of({"authmachine_permissions": {"a": ["b"]}}, provider="oidc"), "a") == set()
    )
    assert permissions_on(party, login_of(provider="one-that-was-taken-away"), "a") == set()


def test_sign_in_comes_first(party, grants, asked):
    """What the sign-in said of an object holds, also where that is nothing, and the API is not asked."""
    login = at_sign_in(billing=["view", "edit"], garden=[])
    assert permissions_on(party, login, "billing") == {"view", "edit"}
    assert permissions_on(party, login, "garden") == set()
    assert asked() == 0


def test_api_is_asked_of_other_objects(party, grants, asked):
    """Of an object that the sign-in did not ask about the API is asked."""
    login = at_sign_in(billing=["edit"])
    assert permissions_on(party, login, "garden") == {"dig"}
    assert permissions_on(party, login, "garden") == {"dig"}
    assert permissions_on(party, login, "elsewhere") == set()
    assert asked() == 2


def test_without_the_apis_token(make_party, grants, asked):
    """Without the API's token what the sign-in did not say is nothing."""
    party = make_party(authmachine(settings={**SETTINGS, "AUTHMACHINE_API_TOKEN": ""}))
    assert permissions_on(party, at_sign_in(billing=["edit"]), "garden") == set()
    assert asked() == 0
    with pytest.raises(OperatorError) as error:
        permissions_now(party, login_of())
    assert error.value.code == "permissions_token_missing"


def test_nothing_but_the_question_is_sent(party, op, grants):
    """The API's token goes to the API alone, and the person's own token to nobody."""
    permissions_now(party, login_of(), ("billing",))
    (request,) = op.asked
    assert request.headers["Authorization"] == f"Token {API_TOKEN}"
    assert json.dumps(dict(request.headers)).count("Bearer") == 0
    assert KEY not in request.url
