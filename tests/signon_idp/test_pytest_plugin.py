import subprocess
import sys

import requests


def test_first_state(signon_idp):
    """The fixture's provider runs and knows the client demo."""
    assert list(signon_idp.clients) == ["demo"]
    assert requests.get(f"{signon_idp.issuer}/jwks.json", timeout=5).status_code == 200
    assert signon_idp.calls["jwks"] == 1
    signon_idp.set_fault("jwks_500")


def test_state_is_fresh_for_each_test(signon_idp):
    """What the test before did is gone: counts and faults."""
    assert signon_idp.calls.total() == 0
    assert requests.get(f"{signon_idp.issuer}/jwks.json", timeout=5).status_code == 200


_made = []


def test_factory_starts_providers(signon_idp_factory):
    """The factory takes start's keywords and gives as many providers as one likes."""
    first, second = signon_idp_factory(), signon_idp_factory(path="/tenant/b")
    assert first.port != second.port
    assert second.issuer.endswith("/tenant/b")
    _made.extend((first, second))


def test_factory_stops_them():
    """After the test that made them, the factory's providers are stopped."""
    assert len(_made) == 2
    assert all(idp.stopped.is_set() for idp in _made)


def test_plugin_is_light():
    """Loading the plug-in imports neither Flask nor jwcrypto nor cheroot."""
    program = (
        "import sys, signon_idp.pytest_plugin\n"
        "heavy = {'flask', 'jwcrypto', 'cheroot', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_package_names_are_lazy_and_complete():
    """Every public name can be had from the package, and an unknown one is an AttributeError."""
    import pytest

    import signon_idp as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = package.nosuch
