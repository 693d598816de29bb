import re

import pytest

from signon_idp import Idp
from signon_idp.demo import demo_client
from signon_idp.dialects.sgid import SGID
from signon_idp.pages.qr import qr_code


def test_drawing():
    """The code is an SVG element of shapes alone, dark on light, with the margin that cameras need."""
    drawn = qr_code('https://op.example/"<script>')
    assert drawn.startswith("<svg viewBox=")
    assert set(re.findall(r"<(\w+)", drawn)) == {"svg", "path"}
    assert not {"style=", "script", "op.example"} & {
        word for word in ("style=", "script", "op.example") if word in drawn
    }
    assert 'fill="#fff"' in drawn
    assert "M4 4.5h7" in drawn, "the finder pattern stands four modules from the edge"


@pytest.fixture
def page(helpers, clock):
    client = demo_client("sgid")
    idp = Idp(dialect=SGID, origin="http://127.0.0.1:9005", clients=(client,), now=clock)
    return helpers.Walk(idp, client).authorize(scope="openid myinfo.name")


def test_page(page):
    """The page has the code with a name, a button in place of the phone, everybody once, and a way back."""
    assert page.status_code == 200
    assert '<div role="img" aria-label="Code for the phone"><svg' in page.text
    buttons = re.findall(r'<button [^>]*name="persona" value="(\w+)"', page.text)
    assert buttons == [person.id for person in SGID.personas]
    assert 'name="cancel"' in page.text
    for person in SGID.personas:
        assert person.claims["name"] in page.text


def test_page_needs_no_script_and_nothing_from_elsewhere(page):
    """The page has no script and no inline style, and loads its style sheet only."""
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "password" not in page.text.split("<main>")[1].split("</main>")[0]
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page.text)) == {
        "http://127.0.0.1:9005/v2/style.css",
        "data:,",
    }
