"""Auth0 (https://auth0.com/docs): the profile, and the mail for a forgotten password."""

from signon.providers.auth0.profile import KEYWORDS, Auth0Person, auth0, check_organization, to_vendor

__all__ = ["KEYWORDS", "Auth0Person", "auth0", "check_organization", "to_vendor"]
