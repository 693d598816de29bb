"""The document's settings. Those that are left empty are read from the environment, under the same names.

SIGNON_TOKEN_KEY, a private key as PEM, has the application issue tokens of its own.
"""

AUTH0_DOMAIN = ""  # your-auth0-domain
CLIENT_ID = ""
CLIENT_SECRET = ""
REDIRECT_URI = ""  # http://localhost:5000/callback
AUDIENCE = ""  # your-api-audience
