import pytest

from signon_idp.errors import PageError
from signon_idp.pages.seal import check_form, seal_form


def test_bound_to_everything(idp):
    """A form token fits its browser, purpose and text, and no other."""
    token = seal_form(idp, "browser", purpose="sign_in", text="a=b")
    check_form(idp, "browser", purpose="sign_in", text="a=b", token=token)
    for browser, purpose, text in (
        ("other", "sign_in", "a=b"),
        ("browser", "consent", "a=b"),
        ("browser", "sign_in", ""),
    ):
        with pytest.raises(PageError) as caught:
            check_form(idp, browser, purpose=purpose, text=text, token=token)
        assert caught.value.error == "form_of_other_browser"


def test_parts_do_not_run_together(idp):
    """Moving a letter from one part to the next makes another token."""
    first = seal_form(idp, "ab", purpose="c", text="d")
    with pytest.raises(PageError):
        check_form(idp, "a", purpose="bc", text="d", token=first)


@pytest.mark.parametrize("token", ["", ".", "x.y", "é.é", "1800000000."])
def test_no_token(idp, token):
    """Any other text is refused as a form of another browser."""
    with pytest.raises(PageError) as caught:
        check_form(idp, "b", purpose="p", text="t", token=token)
    assert caught.value.error == "form_of_other_browser"


def test_half_an_hour(idp, clock):
    """The token's life ends after half an hour, on both sides of the boundary."""
    token = seal_form(idp, "b", purpose="p", text="t")
    clock.time += 1800
    check_form(idp, "b", purpose="p", text="t", token=token)
    clock.time += 1
    with pytest.raises(PageError) as caught:
        check_form(idp, "b", purpose="p", text="t", token=token)
    assert caught.value.error == "form_too_old"
