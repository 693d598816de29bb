"""PingOne (https://developer.pingidentity.com/pingone-api): the profile, and its API for passwords."""

from signon.providers.pingone.profile import KEYWORDS, REGIONS, PingOnePerson, pingone, to_vendor

__all__ = ["KEYWORDS", "REGIONS", "PingOnePerson", "pingone", "to_vendor"]
