"""What a request demands of the ID token by the `claims` parameter (OIDC Core 5.5); most of it is a mere wish."""

from __future__ import annotations

from signon.core.claims import Expectations
from signon.core.errors import MalformedAnswer, TokenRejected
from signon.core.values import JsonObject, is_number, read_json_object


def check_demands(claims: JsonObject, expected: Expectations) -> None:
    """`sub`, `acr` and `auth_time` must be as a `claims` parameter demanded them (OIDC Core 5.5.1)."""
    if "claims" not in expected.asked:
        return
    demands = _of_the_id_token(expected.asked["claims"])
    for name in ("sub", "acr", "auth_time"):
        if not _is_met(name, demands, claims):
            raise TokenRejected(
                f"id_token_{name}_asked",
                f"in the id_token {name} is not as the request demanded it",
                section="OIDC Core 5.5.1",
            )


def _of_the_id_token(parameter: str) -> JsonObject:
    """What the parameter asks of the ID token; nothing where it is another than the standard's."""
    try:
        asked = read_json_object(parameter.encode("utf-8", "replace"), document="claims").get("id_token")
    except MalformedAnswer:
        return {}
    return asked if isinstance(asked, dict) else {}


def _is_met(name: str, demands: JsonObject, claims: JsonObject) -> bool:
    """A demand is a certain `sub`, an essential `acr` of certain values, or an essential `auth_time`."""
    demand = demands.get(name)
    if not isinstance(demand, dict) or (name != "sub" and demand.get("essential") is not True):
        return True
    if name == "auth_time":
        return is_number(claims.get(name))
    values = demand.get("values", [demand["value"]] if "value" in demand else None)
    return not isinstance(values, list) or claims.get(name) in values
