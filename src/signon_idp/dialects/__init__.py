"""The dialects by name."""

from signon_idp.dialect import Dialect
from signon_idp.dialects.auth0 import AUTH0
from signon_idp.dialects.authmachine import AUTHMACHINE
from signon_idp.dialects.oidc import OIDC
from signon_idp.dialects.pingone import PINGONE
from signon_idp.dialects.sgid import SGID
from signon_idp.dialects.thaid import THAID

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (OIDC, THAID, AUTHMACHINE, AUTH0, PINGONE, SGID)
}
