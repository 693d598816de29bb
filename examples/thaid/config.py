"""The registration's client id and secret. Left empty, the environment is asked for the same names."""

# เพิ่ม Thaid Client ID
THAID_CLIENT_ID = ""
# เพิ่ม Thaid Client Secret
THAID_CLIENT_SECRET = ""
