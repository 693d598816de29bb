import pytest
from tests.journeys.visitor import Visitor
from tests.signon_demo.people import signed_in, text_of

ADVISER = "You are here as Adviser, Planning, Agency Two"


def choose(visitor, served, number):
    """Press one of the buttons of a profile that has them: its form comes after that of the sign-out."""
    page = visitor.get(served.address + "/profile")
    token = page.text.partition('action="/post"')[2].partition('name="csrf_token" value="')[2].partition('"')[0]
    fields = {"csrf_token": token, "post": number}
    return visitor.post(served.address + "/post", fields, Origin=served.address, Referer=page.url)


def test_an_officer_with_several_posts_is_asked(served):
    """The profile asks which post it is, and says it from then on; the next sign-in asks again."""
    visitor, page = signed_in(served, "sgid", persona="hafiz")
    assert "Which post are you here for?" in text_of(page)
    page = choose(visitor, served, "1")
    assert page.url == served.address + "/profile"
    assert ADVISER in text_of(page)
    assert ADVISER in text_of(visitor.get(page.url))
    page = visitor.submit(visitor.get(served.address + "/auth/login/sgid"), persona="hafiz")
    assert "Which post are you here for?" in text_of(page)


@pytest.mark.parametrize("number", ["3", "-1", "", "one"])
def test_a_post_that_there_is_not(served, number):
    """Anything but the number of one of the posts is a bad request, and nothing is chosen."""
    visitor, _ = signed_in(served, "sgid", persona="hafiz")
    assert choose(visitor, served, number).status_code == 400
    assert "Which post are you here for?" in text_of(visitor.get(served.address + "/profile"))


@pytest.mark.parametrize(("provider", "persona"), [("sgid", "meilin"), ("thaid", "somchai")])
def test_nobody_else_is_asked(served, provider, persona):
    """Who has no posts to choose from sees nothing of it."""
    _, page = signed_in(served, provider, persona=persona)
    assert "post" not in page.text.partition("<main>")[2].replace('method="post"', "")


def test_a_choice_wants_a_sign_in(served):
    """Nobody can choose for nobody, and no form that lacks the token is taken."""
    visitor, _ = signed_in(served, "sgid", persona="hafiz")
    assert visitor.post(served.address + "/post", {"post": "1"}, Origin=served.address).status_code == 400
    assert Visitor().post(served.address + "/post", {"post": "1"}, Origin=served.address).status_code == 400
