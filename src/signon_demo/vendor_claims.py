"""What the vendors' own claims mean, each with the document that says so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_THAID = "ThaID RP API manual 6.1"
_SGID = "sgID Data Catalog"
_AUTH0 = "Auth0, Work with Tokens and Organizations"
_PINGONE = "PingOne Platform API"
_AUTHMACHINE = "AuthMachine demonstrations"

VENDOR_MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pid": ("National id, 13 digits of which the last is a check", _THAID),
        "title": ("Title before the name, in Thai", _THAID),
        "title_en": ("Title before the name, in English", _THAID),
        "given_name_en": ("First name, in English", _THAID),
        "middle_name_en": ("Middle name, in English", _THAID),
        "family_name_en": ("Family name, in English", _THAID),
        "name_en": ("Full name with its title, in English", _THAID),
        "house_address": ("Address in the house registration", _THAID),
        "smartcard_code": ("Number of the card", _THAID),
        "date_of_issuance": ("When the card was issued", _THAID),
        "date_of_expiry": ("When the card ends; the year 9999 means never", _THAID),
        "ial": ("Identity assurance level: how well the person was proven", _THAID),
        "myinfo.name": ("Full name", _SGID),
        "myinfo.nric_number": ("Identity number: it says everywhere who somebody is", _SGID),
        "myinfo.date_of_birth": ("Date of birth; day, or day and month, may be unknown", _SGID),
        "myinfo.passport_number": ("Number of the passport", _SGID),
        "myinfo.passport_expiry_date": ("When the passport ends", _SGID),
        "myinfo.email": ("E-mail address", _SGID),
        "myinfo.mobile_number": ("Telephone number, eight digits", _SGID),
        "myinfo.mobile_number_with_country_code": ("Telephone number with the country's code", _SGID),
        "myinfo.registered_address": ("Address in the register, line by line", _SGID),
        "myinfo.vehicles": ("Vehicles they own, as a JSON list in a text", _SGID),
        "myinfo.sponsored_child_records": ("Children they sponsor, as a JSON list in a text", _SGID),
        "pocdex.public_officer_details": ("Posts of a public officer, as a JSON list in a text", _SGID),
        "org_id": ("Organization that the sign-in was for, by its id", _AUTH0),
        "org_name": ("Organization that the sign-in was for, by its name", _AUTH0),
        "env": ("Environment that the person is in", _PINGONE),
        "org": ("Organization that the environment is in", _PINGONE),
        "p1.userId": ("The person's id in the platform's API", _PINGONE),
        "id": ("The person's id in the permissions API", _AUTHMACHINE),
        "username": ("User name there", _AUTHMACHINE),
        "authmachine_permissions": ("Permissions that were asked for, by object", _AUTHMACHINE),
    }
)
"""By claim, in the order of the vendors' documents. What is missing here is shown without a meaning."""
