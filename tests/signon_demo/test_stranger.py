import re
from importlib.resources import files

import pytest

from signon_demo.stranger import ATTEMPTS, KEPT, Heard, create_stranger, origins

TARGET, ADDRESS = "http://localhost:5000", "http://127.0.0.1:5999"
ANSWER = {"request": "GET /auth/session", "cookie": False, "status": 403, "code": "cross_site"}


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def client(heard):
    return create_stranger(target=TARGET, address=ADDRESS, heard=heard).test_client()


def policy(response) -> dict[str, set[str]]:
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split("; "))
    return {name: set(values) for name, *values in parts}


def test_nothing_holds_the_page_back(client):
    """The page's own policy lets it ask, load, frame and post to its target: what refuses is the application."""
    allowed = policy(client.get("/"))
    for directive in ("connect-src", "img-src", "frame-src", "form-action"):
        assert TARGET in allowed[directive], directive
    assert allowed["script-src"] == {"'self'"}


def test_each_attempt_is_one_that_the_script_knows(client):
    """Each attempt on the page has its way in the script, and the other way round."""
    text = client.get("/").text
    script = files("signon_demo").joinpath("static", "stranger.js").read_text("utf-8")
    known = re.findall(r"^  (\w+): \(\) =>", script, re.MULTILINE)
    assert re.findall(r'data-try="(\w+)"', text) == [attempt.name for attempt in ATTEMPTS] == known
    assert f'data-target="{TARGET}"' in text


@pytest.mark.parametrize(
    ("host", "said", "other"),
    [
        ("127.0.0.1:5999", "of another site", "http://localhost:5999"),
        ("localhost:5999", "of the same site", "http://127.0.0.1:5999"),
    ],
)
def test_it_says_what_its_host_is_to_the_demo(client, host, said, other):
    """At each of its two hosts the page says what that is to the demo, and links to the other."""
    text = client.get("/", base_url=f"http://{host}").text
    assert said in text
    assert f'href="{other}/"' in text


def test_another_scheme_is_another_site(heard):
    """Beside an application over https the page is of another site at either host."""
    stranger = create_stranger(target="https://localhost:5000", address=ADDRESS, heard=heard).test_client()
    assert "of another site" in stranger.get("/", base_url="http://localhost:5999").text


def test_it_tells_what_the_application_has_answered(client, heard):
    """Answers are told from a number on, the oldest first."""
    for _ in range(3):
        heard.note(**ANSWER)
    told = client.get("/heard?after=1").json
    assert [answered["number"] for answered in told] == [2, 3]
    assert told[0] == {"number": 2, **ANSWER}
    assert len(client.get("/heard?after=nonsense").json) == 3


def test_only_so_many_answers_are_kept(heard):
    """A page that is open for long fills no memory: the oldest answers go."""
    for _ in range(KEPT + 5):
        heard.note(**ANSWER)
    assert [answered.number for answered in heard.since(0)] == [*range(6, KEPT + 6)]


def test_it_is_one_page_at_two_origins():
    """The page is a stranger at either of its hosts."""
    assert origins(ADDRESS) == {"http://127.0.0.1:5999", "http://localhost:5999"}


def test_nobody_frames_it(client):
    """The page itself is framed by nobody, and says only its origin to whomever it asks."""
    response = client.get("/")
    assert policy(response)["frame-ancestors"] == {"'none'"}
    assert response.headers["Referrer-Policy"] == "origin"
