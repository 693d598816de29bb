"""The document's settings. Those that are left empty are read from the environment, under the same names."""

AUTH0_DOMAIN = ""  # your-auth0-domain
CLIENT_ID = ""
CLIENT_SECRET = ""
REDIRECT_URI = ""  # http://localhost:5000/callback
AUDIENCE = ""  # your-api-audience
