"""Providers as data: one factory each, and the reader of their settings.

Every keyword of a factory has an environment name: the provider's name, an underscore, the keyword, in
capitals (`oidc(name="staff", issuer=...)` is `STAFF_ISSUER`). An explicit argument wins over any name.
"""

from signon.providers.auth0 import auth0
from signon.providers.authmachine import authmachine
from signon.providers.choice import FACTORIES, from_names
from signon.providers.oidc import oidc
from signon.providers.pingone import pingone
from signon.providers.sgid import sgid
from signon.providers.thaid import thaid

__all__ = ["FACTORIES", "auth0", "authmachine", "from_names", "oidc", "pingone", "sgid", "thaid"]
