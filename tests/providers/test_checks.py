import pytest

from signon.providers import checks


@pytest.mark.parametrize(
    ("check", "text", "fine"),
    [
        (checks.issuer, "https://op.example/as", True),
        (checks.issuer, "https://op.example/?x=1", False),
        (checks.issuer, "http://op.example", False),
        (checks.path, "/auth/callback", True),
        (checks.path, "auth", False),
        (checks.path, "//evil.example", False),
        (checks.path, "/a?b", False),
        (checks.path, "/a\\b", False),
        (checks.seconds, "0", True),
        (checks.seconds, "-1", False),
        (checks.seconds, "\u0663", False),
        (checks.file, __file__, True),
        (checks.file, "/nowhere/at/all", False),
        (checks.header, "a-key", True),
        (checks.header, "a\r\nb", False),
        (checks.header, "กุญแจ", False),
        (checks.proxy, "http://proxy.example:3128", True),
        (checks.proxy, "https://proxy.example", False),
        (checks.proxy, "socks5://proxy.example", False),
    ],
)
def test_each_check_says_what_is_wrong(check, text, fine):
    """A text that may stand there passes, any other is told what it is not."""
    wrong = check(text)
    assert (wrong is None) is fine
    assert fine or wrong.startswith(("is ", "names ", "has ", "must "))
