"""AuthMachine, an identity server that organizations run themselves: the profile, and its permissions."""

from signon.providers.authmachine.permissions import permissions_wish
from signon.providers.authmachine.profile import KEYWORDS, AuthMachinePerson, authmachine, to_vendor

__all__ = ["KEYWORDS", "AuthMachinePerson", "authmachine", "permissions_wish", "to_vendor"]
