"""The dialects by name."""

from signon_idp.dialect import Dialect
from signon_idp.dialects.oidc import OIDC

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (OIDC,)}
