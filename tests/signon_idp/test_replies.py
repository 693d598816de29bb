from signon_idp.replies import Reply, to_response


def test_headers_of_a_reply():
    """Status, type and headers come out as they are; a reply may have no type."""
    response = to_response(Reply(status=418, body=b"x", headers=(("A", "b"),)), {})
    assert (response.status_code, response.content_type, response.headers["A"]) == (418, "application/json", "b")
    assert "Content-Type" not in to_response(Reply(content_type=None), {}).headers


def test_dropped_reply_leaves_its_mark():
    """A dropped reply tells the middleware through the WSGI environment."""
    environ: dict[str, object] = {}
    to_response(Reply(dropped=True), environ)
    assert environ == {"signon_idp.drop": True}
