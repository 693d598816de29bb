from dataclasses import fields

from signon_idp.faults import HEALTHY
from signon_idp.faults.kinds import bend


def test_bend():
    """Without a hook the value stays; with one it gets the value and the scene."""
    assert bend(None, 1, "scene") == 1
    assert bend(lambda value, scene: (value, scene), 1, "scene") == (1, "scene")


def test_healthy_bends_nothing():
    """The healthy state has no hook."""
    hooks = [field.name for field in fields(HEALTHY) if field.name != "sentence"]
    assert [getattr(HEALTHY, name) for name in hooks] == [None] * 11
