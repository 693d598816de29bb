import string

import pytest

from signon_idp.pages.texts import LANGUAGES, TEXTS, language_of


def test_both_languages_say_everything():
    """English and Thai have the same texts, with the same places to fill, and none is left in English."""
    english, thai = (TEXTS[language] for language in LANGUAGES)
    assert set(english) == set(thai)
    for name, text in english.items():
        assert _places(text) == _places(thai[name]), name
        assert not thai[name].isascii(), name


def _places(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize(
    ("ui_locales", "accepted", "language"),
    [
        ("", (), "en"),
        ("th", (), "th"),
        ("fr th-TH en", ("en",), "th"),
        ("fr", ("th-TH", "en"), "th"),
        ("", ("de", "en-SG", "th"), "en"),
        ("de fr", ("ja",), "en"),
    ],
)
def test_choice(ui_locales, accepted, language):
    """ui_locales decides before the browser; the first language that we speak wins, English is the last resort."""
    assert language_of(ui_locales, accepted) == language


def test_pages_in_thai(walk):
    """ui_locales=th gives the sign-in, consent and sign-out pages in Thai, marked as such."""
    page = walk.authorize(ui_locales="th", prompt="consent")
    assert '<html lang="th">' in page.text
    assert "เข้าสู่ระบบ" in page.text
    assert "ผู้ให้บริการ OpenID ตามมาตรฐาน" in page.text
    assert "ไม่มีอีเมลและไม่มีโทรศัพท์" in page.text
    assert "Sign in" not in page.text
    assert "อนุญาต Demo application หรือไม่" in walk.submit(page, persona="mei").text
    assert "ออกจากระบบ" in walk.http.get("/end-session?ui_locales=th").text
    thai = {"Accept-Language": "th-TH,th;q=0.9,en;q=0.5"}
    assert "ดำเนินการตามคำขอนี้ต่อไม่ได้" in walk.http.get("/authorize", headers=thai).text
