import json

from signon_idp.faults.shapes import having, raw_object, without
from signon_idp.replies import Reply


def test_members():
    """Setting and taking away leave the other members alone."""
    assert having(a=1)({"a": 0, "b": 2}, None) == {"a": 1, "b": 2}
    assert without("a")({"a": 0, "b": 2}, None) == {"b": 2}
    assert without("c")({"a": 0}, None) == {"a": 0}


def test_raw_object():
    """A raw member stands in the text as it was given."""
    assert raw_object({"a": "é"}, "b", b"1e400") == '{"a":"é","b":1e400}'.encode()


def test_members_of_a_reply():
    """A reply's members are read from its body."""
    assert Reply(body=json.dumps({"a": 1}).encode()).members() == {"a": 1}
