def test_style_sheet(walk):
    """The style sheet is small, cacheable, and ends with the dialect's tint for light and dark."""
    response = walk.http.get("/style.css")
    assert response.mimetype == "text/css"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert len(response.data) < 12_000
    assert "--tint: #0b6a72" in response.text
    assert "--tint: #5cc2c7" in response.text
