import pytest

from signon.core.client_auth import Client
from signon.core.errors import ConfigurationError
from signon.core.provider import Provider
from signon.providers.choice import FACTORIES, from_names, name_problems


def settings_of(*names):
    wanted = {"ISSUER": "https://op.example", "CLIENT_ID": "c", "CLIENT_SECRET": "s" * 40}
    return {f"{name.upper()}_{keyword}": value for name in names for keyword, value in wanted.items()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("oidc", ["oidc"]),
        ("staff,partners", ["staff", "partners"]),
        (" staff , partners ", ["staff", "partners"]),
        ("staff partners", ["staff", "partners"]),
        ("staff,\n\tpartners,", ["staff", "partners"]),
        ("a1_b", ["a1_b"]),
        ("staff:oidc", ["staff"]),
        ("oidc:", ["oidc"]),
    ],
)
def test_list_of_providers(text, names):
    """Names are parted by commas, blanks or lines; each provider has its own settings."""
    providers = from_names(text, settings=settings_of(*names))
    assert [provider.name for provider in providers] == names
    assert all(provider.issuer == "https://op.example" and not provider.problems for provider in providers)


@pytest.mark.parametrize("vendor", FACTORIES)
def test_vendors_name_picks_its_factory(vendor):
    """A vendor's name is its factory; after a colon it is that factory under a name of one's own."""
    (plain,) = from_names(vendor, settings=settings_of(vendor))
    (own,) = from_names(f"partners:{vendor}", settings=settings_of("partners"))
    assert (plain.name, own.name) == (vendor, "partners")
    assert own.client.client_id == "c"
    if vendor != "oidc":
        assert plain.label == own.label


def test_any_other_name_is_a_generic_provider():
    """A name that no vendor has is an OpenID provider of that name, with a label made of it."""
    (provider,) = from_names("head_office", settings=settings_of("head_office"))
    assert (provider.name, provider.label) == ("head_office", "Head office")


@pytest.mark.parametrize(
    "text", ["Staff", "5staff", "_staff", "a-b", "a.b", "a/b", "สต", "staff:", "staff:nobody", ":oidc", ","]
)
def test_name_that_cannot_be(text):
    """A name that can't be in a URL or before a setting, and a vendor that isn't known, are problems."""
    if text == "staff:":
        assert from_names(text, settings=settings_of("staff"))[0].name == "staff"
        return
    with pytest.raises(ConfigurationError) as caught:
        from_names(text, settings={})
    (problem,) = caught.value.problems
    assert problem.startswith("SIGNON_PROVIDERS: ")


def test_all_wrong_names_are_said_at_once():
    """Every wrong name is a problem of its own, and the vendors are listed."""
    with pytest.raises(ConfigurationError) as caught:
        from_names("Staff, a-b, x:nobody, oidc", settings={})
    assert len(caught.value.problems) == 3
    assert "there are thaid, authmachine, auth0, pingone, sgid, oidc" in caught.value.problems[2]


def named(*names):
    client = Client(client_id="c")
    return tuple(Provider(name=n, label=n, issuer="https://x.example", client=client) for n in names)


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ((), 0),
        (("a",), 0),
        (("a", "b"), 0),
        (("auth", "auth0"), 0),
        (("a", "a"), 1),
        (("a", "a", "a"), 1),
        (("auth", "auth_two"), 1),
        (("auth_two", "auth"), 1),
        (("A",), 1),
        (("a b",), 1),
        (("a", "a_b", "a_b_c"), 3),
    ],
)
def test_names_together(names, count):
    """Twice the same name, a name that begins with another's and `_`, and names that can't be, are problems."""
    assert len(name_problems(named(*names))) == count


def test_problem_of_two_names_says_which_setting():
    """The problem must name both, and the settings that could be either's."""
    (problem,) = name_problems(named("auth", "auth_two"))
    assert "'auth' and 'auth_two'" in problem
    assert "AUTH_TWO_" in problem
