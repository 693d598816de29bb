import pytest
from hypothesis import given
from hypothesis import strategies as st

from signon.service.browsers import MAX_CHARACTERS, browser_family

_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"
_IPAD = "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X)"
AGENTS = [
    (f"{_WINDOWS} {_KIT} Chrome/139.0.0.0 Safari/537.36", "Chrome on Windows"),
    (f"{_MAC} {_KIT} Chrome/139.0.0.0 Safari/537.36", "Chrome on macOS"),
    (f"{_ANDROID} {_KIT} Chrome/139.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KIT} Chrome/139.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
    (f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} HeadlessChrome/139.0.0.0 Safari/537.36", "Chrome on Linux"),
    (f"{_IPHONE} {_IOS} CriOS/139.0.7258.76 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
    (f"{_WINDOWS} {_KIT} Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0", "Edge on Windows"),
    (f"{_ANDROID} {_KIT} Chrome/139.0.0.0 Mobile Safari/537.36 EdgA/139.0.0.0", "Edge on Android"),
    (f"{_IPHONE} {_IOS} Version/18.0 EdgiOS/139.0.3405.86 Mobile/15E148 Safari/604.1", "Edge on iPhone"),
    (f"{_WINDOWS} {_KIT} Chrome/139.0.0.0 Safari/537.36 OPR/122.0.0.0", "Opera on Windows"),
    (f"{_IPAD} {_IOS} Version/17.7 OPT/5.6.1 Mobile/15E148", "Opera on iPad"),
    (f"{_ANDROID} {_KIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/53", "Samsung Internet on Android"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0", "Firefox on Android"),
    (f"{_IPHONE} {_IOS} FxiOS/142.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"),
    (f"{_MAC} {_IOS} Version/18.5 Safari/605.1.15", "Safari on macOS"),
    (f"{_IPHONE} {_IOS} Version/18.5 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
    (f"{_IPAD} {_IOS} Version/17.7 Mobile/15E148 Safari/604.1", "Safari on iPad"),
    ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", "Windows"),
    (f"{_IPHONE} {_IOS} Mobile/15E148", "iPhone"),
    ("Mozilla/5.0 Firefox/142.0", "Firefox"),
]
FAMILIES = {name for _, name in AGENTS} | {""}


@pytest.mark.parametrize(("agent", "family"), AGENTS)
def test_family_of_a_browser(agent, family):
    """Each browser is called by its own name, though it names those that it descends from, and its system's."""
    assert browser_family(agent) == family


@pytest.mark.parametrize("agent", [None, "", "curl/8.5.0", "python-requests/2", "Mozilla/5.0", "<b>", "Safari"])
def test_anything_else_is_nothing(agent):
    """What is no browser that we know is called nothing, not by its own word."""
    assert browser_family(agent) == ""


def test_no_version_and_no_model():
    """Neither version nor device is kept: nothing of it is in any name."""
    assert not [name for name in FAMILIES if any(letter.isdigit() for letter in name)]


def test_what_stands_too_far_out_is_not_looked_at():
    """However long the header is, no more of it than a bounded beginning is read."""
    assert browser_family(" " * (MAX_CHARACTERS - 8) + "Firefox/") == "Firefox"
    assert browser_family(" " * (MAX_CHARACTERS - 7) + "Firefox/") == ""


@given(st.text())
def test_any_text_gives_a_known_name(agent):
    """Whatever is sent: the name is made of our own words."""
    words = {word for name in FAMILIES for word in name.split(" on ")} | {""}
    assert set(browser_family(agent).split(" on ")) <= words
