"""Any OpenID provider, by discovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack, cast

from signon.core.provider import Provider
from signon.providers.common import common_fields, require_openid
from signon.providers.keywords import COMMON, Common, Reader

KEYWORDS = COMMON


def oidc(*, name: str = "oidc", settings: Mapping[str, object] | None = None, **given: Unpack[Common]) -> Provider:
    """Describe a provider that is known by its issuer alone, from `OIDC_ISSUER`, `OIDC_CLIENT_ID` and so on.

    `name` is the provider's own and begins its settings' names. `settings` replaces the environment.
    What is wrong is in `problems` of the result; the start prints it.
    """
    read = Reader(provider=name, given=cast("Mapping[str, object]", given), settings=settings, keywords=KEYWORDS)
    issuer = read.required("issuer")
    label = "OpenID" if name == "oidc" else name.replace("_", " ").capitalize()
    fields = common_fields(read, label=label)
    require_openid(read, fields["scopes"])
    return Provider(
        issuer=issuer,
        **fields,
        tells_by=frozenset({"backchannel", "frontchannel"}),
        problems=tuple(dict.fromkeys(read.problems)),
    )
