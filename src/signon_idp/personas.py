"""The fictional people who sign in to the practice provider. Password of all: `practice`."""

from signon_idp.model import JsonObject, Persona

PASSWORD = "practice"


def _named(given: str, family: str, **more: object) -> JsonObject:
    return {"name": f"{given} {family}", "given_name": given, "family_name": family, **more}


_SOMYING: JsonObject = {
    **_named("สมหญิง", "ใจดี"),
    "name#en": "Somying Jaidee",
    "given_name#en": "Somying",
    "family_name#en": "Jaidee",
    "nickname": "หญิง",
    "preferred_username": "somying",
    "profile": "https://people.example/somying",
    "picture": "https://people.example/somying.png",
    "website": "https://somying.example/",
    "gender": "female",
    "birthdate": "1990-02-28",
    "zoneinfo": "Asia/Bangkok",
    "locale": "th-TH",
    "updated_at": 1767225600,
    "email": "somying@people.example",
    "email_verified": True,
    "phone_number": "+66 2 555 0100",
    "phone_number_verified": True,
    "address": {
        "formatted": "99 ถนนตัวอย่าง\nเขตพระนคร กรุงเทพมหานคร 10200",
        "street_address": "99 ถนนตัวอย่าง",
        "locality": "เขตพระนคร",
        "region": "กรุงเทพมหานคร",
        "postal_code": "10200",
        "country": "TH",
    },
    "groups": ["staff", "editors"],
}

PERSONAS: tuple[Persona, ...] = (
    Persona(
        id="somying",
        sub="5c1f0b7e-somying",
        note="Every standard claim, names in Thai and English.",
        note_th="มีข้อมูลมาตรฐานครบ ชื่อเป็นภาษาไทยและอังกฤษ",
        claims=_SOMYING,
    ),
    Persona(
        id="mei",
        sub="8d2a64c9-mei",
        note="Has no e-mail address and no phone.",
        note_th="ไม่มีอีเมลและไม่มีโทรศัพท์",
        claims=_named("Mei Lin", "Tan", preferred_username="mei", locale="en-SG", groups=["staff"]),
    ),
    Persona(
        id="omar",
        sub="3f9be210-omar",
        note="E-mail address that was never verified.",
        note_th="มีอีเมลที่ไม่เคยยืนยัน",
        claims=_named(
            "Omar",
            "Haddad",
            preferred_username="omar",
            email="omar@people.example",
            email_verified=False,
            groups=[],
        ),
    ),
    Persona(
        id="bjork",
        sub="77aa01d4-bjork",
        note="Not one plain ASCII name: accents, Thai, Chinese, right-to-left, an emoji.",
        note_th="ชื่อไม่มีอักษรแอสกีล้วน: อักษรกำกับ ไทย จีน เขียนจากขวาไปซ้าย และอีโมจิ",
        claims=_named(
            "Bjørk 明月",
            "Þórsdóttir-ณัฐวุฒิ",
            middle_name="ليلى",
            nickname="🦊 Ñandú",
            preferred_username="bjørk",
            email="bjørk@exämple.example",
            email_verified=True,
            address={"formatted": "Straße 7\nZürich", "locality": "Zürich", "country": "CH"},
            groups=["équipe", "กลุ่มหนึ่ง"],
        ),
    ),
    Persona(
        id="pim",
        sub="practice|66f1c2|pim",
        note="Subject with upright bars in it, as some vendors write it.",
        note_th="รหัสบุคคล (sub) มีขีดตั้ง อย่างที่ผู้ให้บริการบางรายใช้",
        claims=_named(
            "Pim",
            "de Vries",
            preferred_username="pim",
            email="pim@people.example",
            email_verified=True,
            groups=["staff"],
        ),
    ),
    Persona(
        id="grace",
        sub="b04e77f3-grace",
        note="Member of 300 groups: her ID token passes every cookie and many URL limits.",
        note_th="อยู่ใน 300 กลุ่ม: โทเค็นใหญ่เกินคุกกี้และเกินขีดจำกัดของที่อยู่เว็บหลายแห่ง",
        claims=_named(
            "Grace",
            "Okafor",
            preferred_username="grace",
            email="grace@people.example",
            email_verified=True,
            groups=[f"group-{number:03}" for number in range(1, 301)],
        ),
    ),
    Persona(
        id="nadia",
        sub="e15d9ab2-nadia",
        note="Always refuses consent: the application gets access_denied.",
        note_th="ไม่อนุญาตเสมอ: แอปพลิเคชันได้รับ access_denied",
        claims=_named("Nadia", "Petrova", preferred_username="nadia"),
        refuses_consent=True,
    ),
)
