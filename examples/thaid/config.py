"""The registration's client id and secret. Left empty, the environment is asked for the same names.

Other settings may stand here, too: THAID_SANDBOX = "true" for a registration with the sandbox, THAID_SCOPE for one
that lacks a scope; beyond this computer SIGNON_BASE_URL, SIGNON_KEYS and SIGNON_PSEUDONYM_KEY.
"""

# เพิ่ม Thaid Client ID
THAID_CLIENT_ID = ""
# เพิ่ม Thaid Client Secret
THAID_CLIENT_SECRET = ""
