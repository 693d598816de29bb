"""The standard dialect: OpenID Connect Core 1.0 and its neighbours, as they are written."""

from signon_idp.dialect import BackchannelRules, Dialect, Paths, Tint

PASSWORD_ACR = "urn:practice:acr:password"
TWO_FACTOR_ACR = "urn:practice:acr:two-factor"

OIDC = Dialect(
    name="oidc",
    label="a standard OpenID provider",
    label_th="ผู้ให้บริการ OpenID ตามมาตรฐาน",
    tint=Tint(light="#0b6a72", dark="#5cc2c7"),
    paths=Paths(pushed="/par"),
    response_types=("code", "code id_token", "id_token", "id_token token"),
    encryption=True,
    backchannel=BackchannelRules(),
    frontchannel=True,
    scope_claims={
        "profile": (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "phone": ("phone_number", "phone_number_verified"),
        "address": ("address",),
        "groups": ("groups",),
    },
    acrs={PASSWORD_ACR: ("pwd",), TWO_FACTOR_ACR: ("pwd", "otp", "mfa")},
    decoys=True,
)
