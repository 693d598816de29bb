from signon_idp.keys import KeyRing
from signon_idp.scene import Scene


def test_scene_is_not_stopped_by_itself():
    """A scene made without a provider is one that goes on."""
    assert not Scene(issuer="i", now=0.0, keys=KeyRing()).stopped.is_set()
