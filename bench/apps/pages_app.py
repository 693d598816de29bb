"""The application with Signon and its two pages, its sessions in the store that BENCH_SESSIONS names."""

from __future__ import annotations

import os

from flask import Flask

from signon.flask import SignOn, current_user, login_required

app = Flask(__name__)
app.config["SIGNON_SESSIONS"] = os.environ["BENCH_SESSIONS"]
SignOn(app)


@app.get("/public")
def public() -> str:
    return "Hello"


@app.get("/me")
@login_required
def me() -> str:
    return f"Hello {current_user.name}"
