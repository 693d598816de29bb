import pytest

from signon_idp.errors import OAuthError
from signon_idp.rules.parameters import given, read_form, repeated


def test_reading():
    """Empty parameters are absent, repeated ones named, and refused in forms."""
    pairs = (("a", "1"), ("b", ""), ("a", "2"))
    assert given(pairs) == {"a": "1"}
    assert repeated(pairs) == {"a"}
    with pytest.raises(OAuthError, match="invalid_request: a must not be repeated"):
        read_form(pairs)
