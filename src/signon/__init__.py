"""Sign people in to Python web applications with OpenID Connect and OAuth 2."""

__version__ = "0.1.0"
