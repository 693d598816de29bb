import pytest
from tests.flask.double import ISSUER
from tests.service.password_op import APPLICATIONS_TOKEN, NEW, PasswordOp, password_error, pingone_at

from signon.core.errors import OperatorError
from signon.flask import PasswordRefused, recover_password, reset_password, send_recovery_code

USER, CODE = "7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11", "recovery-code-of-somchai"
ADDRESS = f"https://api.op.example/v1/environments/e1/users/{USER}/password"
ACTS = {
    "reset": lambda **options: reset_password(USER, NEW, **options),
    "sendRecoveryCode": lambda **options: send_recovery_code(USER, **options),
    "recover": lambda **options: recover_password(USER, code=CODE, new=NEW, **options),
}
SENT = {
    "reset": {"newPassword": NEW},
    "sendRecoveryCode": {},
    "recover": {"recoveryCode": CODE, "newPassword": NEW},
}


@pytest.fixture
def op(ops, plant):
    plant(NEW, CODE)
    ops[ISSUER] = PasswordOp(plant)
    return ops[ISSUER]


@pytest.fixture
def act(make_app, make_provider, op):
    """Do one of the acts inside an application with these providers."""
    made = {
        "pingone": pingone_at,
        "partners": lambda: pingone_at(name="partners", environment_id="e2"),
        "oidc": make_provider,
    }

    def act(kind, *names, **options):
        with make_app({"providers": [made[name]() for name in names]}).app_context():
            ACTS[kind](**options)

    return act


@pytest.mark.parametrize("kind", ACTS)
def test_only_one_can(act, op, kind):
    """With one provider that has the API it need not be named; it is asked in the application's own name."""
    act(kind, "oidc", "pingone")
    (request,) = op.changes
    assert (request.url, op.sent()) == (ADDRESS, SENT[kind])
    assert request.headers["Content-Type"] == f"application/vnd.pingidentity.password.{kind}+json"
    assert request.headers["Authorization"] == f"Bearer {APPLICATIONS_TOKEN}"


@pytest.mark.parametrize("kind", ACTS)
def test_named(act, op, kind):
    """With two of them the named one is asked."""
    act(kind, "pingone", "partners", provider="partners")
    assert [request.url for request in op.changes] == [ADDRESS.replace("/e1/", "/e2/")]


@pytest.mark.parametrize("kind", ACTS)
@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("pingone", "partners"), {}),
        (("pingone", "oidc"), {"provider": "oidc"}),
        (("pingone",), {"provider": "nobody"}),
        (("oidc",), {}),
    ],
)
def test_nobody_to_ask(act, op, kind, names, options):
    """Where it isn't clear whose passwords are meant it is the operator's turn, and nobody is asked."""
    with pytest.raises(OperatorError, match=r"^password_api_missing:"):
        act(kind, *names, **options)
    assert op.asked == []


def test_refused(act, op):
    """What the provider does not take comes out with each problem, and with nothing that was typed."""
    op.refusal = password_error("newPassword", unsatisfiedRequirements=["history"])
    with pytest.raises(PasswordRefused, match=r"^password_unsatisfied:") as caught:
        act("recover", "pingone")
    assert [problem.code for problem in caught.value.problems] == ["password_history"]
    assert NEW not in str(caught.value)
