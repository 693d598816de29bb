import json
from dataclasses import dataclass

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.pingone import PINGONE, PINGONE_ON_ITS_OWN_DOMAIN
from signon_idp.dialects.pingone_passwords import STANDARD
from signon_idp.dialects.pingone_people import ENVIRONMENT_ID
from signon_idp.endpoints.passwords import CHANGE, CODE_SECONDS, READ

MIA = "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11"
SAM = "c9e1d7a5-2f3b-4c6d-8e9f-0a1b2c3d4e5f"
EDITH = "b8a7c6d5-e4f3-4210-9fed-cba987654321"
NEW = "violet-Teapot-93"
SCOPE = f"openid profile {READ} {CHANGE}"
TYPE = "application/vnd.pingidentity.password.{}+json"


@dataclass
class Api:
    """The API as an application calls it."""

    walk: object

    def token(self, persona: str | None = "mia", *, scope: str = SCOPE) -> str:
        """An access token of somebody, of the application itself where nobody is named."""
        if persona is None:
            return self.walk.token(grant_type="client_credentials").json["access_token"]
        self.walk.http = self.walk.idp.app.test_client()
        return self.walk.tokens(persona, scope=scope)["access_token"]

    def ask(self, token: str, method: str = "GET", *, user: str = MIA, operation: str = "reset", **options):
        """`body` is what is sent, `environment` whose people, `media_type` in place of the operation's."""
        environment = options.get("environment", ENVIRONMENT_ID)
        path = self.walk.idp.base.removeprefix(self.walk.idp.origin)
        body = options.get("body", {})
        return self.walk.http.open(
            f"{path}/v1/environments/{environment}/users/{user}/password{options.get('query', '')}",
            method=method,
            data=None if method == "GET" else body if isinstance(body, bytes) else json.dumps(body),
            content_type=None if method == "GET" else options.get("media_type", TYPE.format(operation)),
            headers={"Authorization": f"Bearer {token}"},
        )

    def change(self, token: str, current: str, new: str, **options):
        return self.ask(token, "PUT", body={"currentPassword": current, "newPassword": new}, **options)


@pytest.fixture
def api(clock, helpers):
    client = demo_client("pingone")
    idp = Idp(dialect=PINGONE, origin="http://127.0.0.1:9004", clients=(client,), now=clock)
    return Api(helpers.Walk(idp, client))


def details(response) -> list[dict]:
    assert response.status_code == 400
    assert response.json["code"] == "INVALID_DATA"
    return [
        {name: value for name, value in found.items() if name != "message"} for found in response.json["details"]
    ]


def test_state(api, clock):
    """The state says whose it is and since when; the policy comes only where it is asked for."""
    token = api.token()
    assert api.ask(token).json == {
        "environment": {"id": ENVIRONMENT_ID},
        "user": {"id": MIA},
        "passwordPolicy": {"id": STANDARD["id"]},
        "status": "OK",
        "lastChangedAt": "2026-10-17T08:00:00.000Z",
    }
    assert api.ask(token, query="?expand=passwordPolicy").json["_embedded"] == {"passwordPolicy": STANDARD}
    clock.time += 92 * 86_400
    assert api.ask(api.token()).json["status"] == "PASSWORD_EXPIRED"


def test_mapped_subject(api):
    """The path has the platform's id of a person, also where the subject is another."""
    token = api.token("sam")
    assert api.ask(token, user=SAM).json["user"] == {"id": SAM}
    assert api.ask(token, user="employee-0042").json["code"] == "ACCESS_FAILED"


def test_own_domain(clock, helpers):
    """On a custom domain the environment is in the API's path all the same."""
    client = demo_client("pingone")
    idp = Idp(dialect=PINGONE_ON_ITS_OWN_DOMAIN, origin="http://127.0.0.1:9004", clients=(client,), now=clock)
    api = Api(helpers.Walk(idp, client))
    assert api.ask(api.token()).status_code == 200


def test_change(api):
    """A change leaves the new password alone alive: at the API, and on the sign-in page."""
    token = api.token()
    answer = api.change(token, "practice", NEW)
    assert (answer.status_code, answer.json["status"]) == (200, "OK")
    assert details(api.change(token, "practice", "other-Words-77")) == [
        {"code": "INVALID_VALUE", "target": "currentPassword"}
    ]
    for word, status in (("practice", 400), (NEW, 303)):
        page = api.walk.authorize(prompt="login")
        assert api.walk.submit(page, username="mia", password=word).status_code == status
    api.walk.idp.reset()
    assert api.change(api.token(), "practice", NEW).status_code == 200


def test_everybody_else_keeps_theirs(api):
    """One person's change is nobody else's."""
    api.change(api.token(), "practice", NEW)
    page = api.walk.authorize(prompt="login")
    assert api.walk.submit(page, username="arun", password="practice").status_code == 303


def test_refused_by_the_policy(api):
    """Every rule that is broken is named; nothing changes."""
    token = api.token()
    broken = ["length", "minCharacters", "minComplexity"]
    assert details(api.change(token, "practice", "short")) == [
        {"code": "INVALID_VALUE", "target": "newPassword", "innerError": {"unsatisfiedRequirements": broken}}
    ]
    assert api.change(token, "practice", NEW).status_code == 200
    (again,) = details(api.change(token, NEW, "other-Words-77"))
    assert again["innerError"] == {"unsatisfiedRequirements": ["minAgeDays"]}


def test_policy_without_rules(api):
    """Where nothing is demanded anything goes, and nobody is locked out."""
    token = api.token("arun")
    user = api.walk.idp.dialect.personas[1].sub
    for _ in range(9):
        assert details(api.change(token, "wrong", "x", user=user)) == [
            {"code": "INVALID_VALUE", "target": "currentPassword"}
        ]
    assert api.change(token, "practice", "x", user=user).status_code == 200


def test_lock_out(api, clock):
    """The fifth wrong try locks for a quarter of an hour, the right password too; then it works again."""
    token = api.token()
    for _ in range(4):
        assert details(api.change(token, "wrong", NEW))[0]["target"] == "currentPassword"
    locked = {"code": "PASSWORD_LOCKED_OUT", "innerError": {"secondsUntilUnlock": 900}}
    assert details(api.change(token, "wrong", NEW)) == [locked]
    clock.time += 899
    assert details(api.change(token, "practice", NEW))[0]["innerError"] == {"secondsUntilUnlock": 1}
    state = api.ask(token).json
    assert (state["status"], state["secondsUntilUnlock"]) == ("PASSWORD_LOCKED_OUT", 1)
    clock.time += 1
    assert api.change(token, "practice", NEW).status_code == 200


def test_right_password_ends_the_count(api):
    """Wrong tries before a right one don't count any more."""
    token = api.token()
    for _ in range(2):
        for _ in range(4):
            api.change(token, "wrong", NEW)
        assert details(api.change(token, "practice", "short"))[0]["target"] == "newPassword"


def test_reset_by_the_application(api):
    """The application sets any password, which must be changed at the next sign-in; no policy judges it."""
    answer = api.ask(api.token(None), "PUT", body={"newPassword": "x"})
    assert (answer.status_code, answer.json["status"]) == (200, "MUST_CHANGE_PASSWORD")
    page = api.walk.authorize(prompt="login")
    assert api.walk.submit(page, username="mia", password="x").status_code == 303


def test_recovery(api, clock):
    """A code sets a new password once, within five minutes, and by the policy."""
    application = api.token(None)
    password = api.walk.idp.state.passwords

    def recover(code, new=NEW):
        return api.ask(application, "POST", operation="recover", body={"recoveryCode": code, "newPassword": new})

    wrong = [{"code": "INVALID_VALUE", "target": "recoveryCode"}]
    assert details(recover("nothing-sent")) == wrong
    assert api.ask(application, "POST", operation="sendRecoveryCode").status_code == 200
    code = password[next(iter(password))].recovery_code
    assert details(recover("wrong")) == wrong
    assert details(recover(code, "short"))[0]["target"] == "newPassword"
    clock.time += CODE_SECONDS - 1
    assert recover(code).status_code == 200
    assert details(recover(code)) == wrong
    api.ask(application, "POST", operation="sendRecoveryCode")
    clock.time += CODE_SECONDS
    assert details(recover(password["mia"].recovery_code)) == wrong


@pytest.mark.parametrize(
    ("persona", "scope", "method", "operation", "answer"),
    [
        ("mia", f"openid {CHANGE}", "GET", "", (403, "ACCESS_FAILED")),
        ("mia", f"openid {READ}", "PUT", "reset", (403, "ACCESS_FAILED")),
        ("mia", SCOPE, "POST", "sendRecoveryCode", (403, "ACCESS_FAILED")),
        ("mia", SCOPE, "POST", "recover", (403, "ACCESS_FAILED")),
        ("arun", SCOPE, "GET", "", (403, "ACCESS_FAILED")),
        ("arun", SCOPE, "PUT", "reset", (403, "ACCESS_FAILED")),
    ],
)
def test_what_a_token_is_not_good_for(api, persona, scope, method, operation, answer):
    """Each scope allows its own, nobody reaches another's password, and codes are the application's to send."""
    response = api.ask(api.token(persona, scope=scope), method, operation=operation)
    assert (response.status_code, response.json["code"]) == answer


def test_person_of_another_provider(api, helpers):
    """Who signs in elsewhere gets no scope for passwords; an action on theirs fails."""
    found = api.walk.tokens("edith", scope=SCOPE)
    assert found["scope"] == "openid profile"
    assert helpers.claims_of(found["access_token"])["scope"] == "openid profile"
    token = found["access_token"]
    assert api.ask(token, user=EDITH).json["code"] == "ACCESS_FAILED"
    failed = api.change(token, "practice", NEW, user=EDITH)
    assert (failed.status_code, failed.json["code"]) == (400, "REQUEST_FAILED")
    state = api.ask(api.token(None), user=EDITH).json
    assert (state["status"], "lastChangedAt" in state) == ("EXTERNAL", False)


@pytest.mark.parametrize("token", ["", "unknown", "refresh"])
def test_tokens_that_are_none(api, token):
    """Without a live access token nothing is told."""
    if token == "refresh":
        token = api.walk.tokens("mia", scope=f"{SCOPE} offline_access")["refresh_token"]
    response = api.ask(token)
    assert (response.status_code, response.json["code"]) == (401, "INVALID_TOKEN")


def test_nobody_of_that_id(api):
    """The application is told that there is no such person, or no such environment."""
    token = api.token(None)
    for place in ({"user": "nobody"}, {"environment": "another"}):
        response = api.ask(token, **place)
        assert (response.status_code, response.json["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("media_type", ["application/json", TYPE.format("change"), TYPE.format("recover")])
def test_media_type_decides(api, media_type):
    """Plain JSON, a type that there isn't, and another method's are refused."""
    response = api.ask(api.token(), "PUT", media_type=media_type)
    assert (response.status_code, response.json["code"]) == (415, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "INVALID_REQUEST"),
        ([], "INVALID_REQUEST"),
        ({}, "INVALID_DATA"),
        ({"currentPassword": 7}, "INVALID_DATA"),
        ({"currentPassword": "practice", "newPassword": ""}, "INVALID_DATA"),
    ],
)
def test_bodies(api, body, code):
    """A body that is no object, or lacks a member, is refused."""
    response = api.ask(api.token(), "PUT", body=body)
    assert (response.status_code, response.json["code"]) == (400, code)
