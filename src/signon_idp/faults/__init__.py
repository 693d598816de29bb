"""The faults by name: ways in which a provider can be wrong, each changing one thing."""

from signon_idp.faults.callback import CALLBACK_FAULTS
from signon_idp.faults.claims import CLAIMS_FAULTS
from signon_idp.faults.front_channel import FRONT_CHANNEL_FAULTS
from signon_idp.faults.jose import JOSE_FAULTS
from signon_idp.faults.kinds import HEALTHY, Callback, Fault, bend
from signon_idp.faults.logout import LOGOUT_FAULTS
from signon_idp.faults.metadata import METADATA_FAULTS
from signon_idp.faults.token import TOKEN_FAULTS
from signon_idp.faults.userinfo import USERINFO_FAULTS

FAULTS: dict[str, Fault] = {
    **CALLBACK_FAULTS,
    **TOKEN_FAULTS,
    **JOSE_FAULTS,
    **CLAIMS_FAULTS,
    **USERINFO_FAULTS,
    **METADATA_FAULTS,
    **LOGOUT_FAULTS,
    **FRONT_CHANNEL_FAULTS,
}

__all__ = ["FAULTS", "FRONT_CHANNEL_FAULTS", "HEALTHY", "LOGOUT_FAULTS", "Callback", "Fault", "bend"]
