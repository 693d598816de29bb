"""The pages that people see. Plainly not a real vendor: every one wears the striped band."""

from signon_idp.pages.render import style
from signon_idp.pages.views import (
    CONSENT_PATH,
    SIGN_IN_PATH,
    SIGN_OUT_PATH,
    STYLE_PATH,
    consent,
    form_post,
    http_problem,
    problem,
    sign_in,
    sign_out,
    signed_out,
)

__all__ = [
    "CONSENT_PATH",
    "SIGN_IN_PATH",
    "SIGN_OUT_PATH",
    "STYLE_PATH",
    "consent",
    "form_post",
    "http_problem",
    "problem",
    "sign_in",
    "sign_out",
    "signed_out",
    "style",
]
