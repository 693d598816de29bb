"""The ten-line application: a public page, and one that says who has signed in. Configured by environment."""

from flask import Flask, Response, json

from signon.flask import SignOn, current_user, login_required

app = Flask(__name__)
app.config.from_prefixed_env()
signon = SignOn(app)


@app.get("/")
def home() -> str:
    return '<a href="/me">Who am I?</a>'


@app.get("/me")
@login_required
def me() -> Response:
    names = ("provider", "sub", "name", "preferred_username", "email")
    text = json.dumps({name: getattr(current_user, name) for name in names}, ensure_ascii=False)
    return Response(text, content_type="application/json; charset=utf-8")
