"""Providers as data: one factory each, and the reader of their settings.

Every keyword of a factory has an environment name: the provider's name, an underscore, the keyword, in
capitals (`oidc(name="staff", issuer=...)` is `STAFF_ISSUER`). An explicit argument wins over any name.
"""

from signon.providers.choice import FACTORIES, from_names
from signon.providers.oidc import oidc

__all__ = ["FACTORIES", "from_names", "oidc"]
