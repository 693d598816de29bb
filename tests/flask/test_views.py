from tests.flask.double import *
def test_x(visitor):
    r=visitor.sign_in("/auth/login?next=/me")
    assert r.status_code==303, r.text
    assert r.headers["Location"]=="/me"
    assert visitor.get("/me").text=="me Somchai"
def test_y(secure):
    r=secure.sign_in("/auth/login?next=/me")
    assert r.status_code==303, r.text
    assert secure.get("/me").text=="me Somchai"
    print(r.headers, secure.cookies())
