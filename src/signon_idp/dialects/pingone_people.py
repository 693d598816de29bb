"""The fictional people of the PingOne dialect, and the environment that they live in."""

from signon_idp.model import Persona

ENVIRONMENT_ID = "1b7c0d52-0a55-4f0e-9a35-2f6d1f1f9c10"
ORGANIZATION_ID = "5c2e8a77-94d1-4e55-8e0b-1d2f3c4b5a69"

PEOPLE: tuple[Persona, ...] = (
    Persona(
        id="mia",
        sub="7d0f0a6e-4d2f-4f5e-8a37-62f1d3f60a11",
        note="Has everything: address, groups, a middle name.",
        note_th="มีข้อมูลครบ ทั้งที่อยู่ กลุ่ม และชื่อกลาง",
        claims={
            "name": "Mia Kern",
            "given_name": "Mia",
            "middle_name": "J",
            "family_name": "Kern",
            "preferred_username": "mia",
            "email": "mia@people.example",
            "updated_at": 1777000000,
            "address": {
                "street_address": "1 Elm St",
                "locality": "Graz",
                "region": "ST",
                "postal_code": "8010",
                "country": "AT",
            },
            "groups": ["staff", "editors"],
        },
    ),
    Persona(
        id="arun",
        sub="a2b9f6de-7f6d-47a0-8f25-90f0f2a8c3d4",
        note="Has a Thai name and no e-mail address.",
        note_th="มีชื่อภาษาไทยและไม่มีอีเมล",
        claims={
            "name": "อรุณ รุ่งเรือง",
            "given_name": "อรุณ",
            "family_name": "รุ่งเรือง",
            "preferred_username": "arun",
            "updated_at": 1777000000,
        },
    ),
    Persona(
        id="sam",
        sub="employee-0042",
        note="An attribute mapping has changed the subject: the user's id is in p1.userId.",
        note_th="การแมปแอตทริบิวต์เปลี่ยน sub ไป รหัสผู้ใช้อยู่ใน p1.userId",
        claims={
            "name": "Sam Ortiz",
            "preferred_username": "sam",
            "email": "sam@people.example",
            "p1.userId": "c9e1d7a5-2f3b-4c6d-8e9f-0a1b2c3d4e5f",
            "updated_at": 1777000000,
        },
    ),
    Persona(
        id="grace",
        sub="e4f5a6b7-c8d9-4e0f-a1b2-c3d4e5f60718",
        note="Member of 300 groups: her ID token passes many limits of addresses.",
        note_th="อยู่ใน 300 กลุ่ม: โทเค็นใหญ่เกินขีดจำกัดของที่อยู่เว็บหลายแห่ง",
        claims={
            "name": "Grace Okafor",
            "preferred_username": "grace",
            "email": "grace@people.example",
            "updated_at": 1777000000,
            "groups": [f"group-{number:03}" for number in range(1, 301)],
        },
    ),
    Persona(
        id="edith",
        sub="b8a7c6d5-e4f3-4210-9fed-cba987654321",
        note="Signs in by her company's own provider: her password is there, and can't be changed here.",
        note_th="เข้าสู่ระบบผ่านผู้ให้บริการของบริษัท รหัสผ่านอยู่ที่นั่น จึงเปลี่ยนที่นี่ไม่ได้",
        claims={
            "name": "Edith Lund",
            "preferred_username": "edith",
            "email": "edith@people.example",
            "updated_at": 1777000000,
        },
    ),
    Persona(
        id="nadia",
        sub="0f1e2d3c-4b5a-4697-8877-665544332211",
        note="Is always refused by a sign-on policy: the application gets access_denied.",
        note_th="ถูกนโยบายปฏิเสธเสมอ: แอปพลิเคชันได้รับ access_denied",
        claims={"name": "Nadia Petrova", "preferred_username": "nadia"},
        refuses_consent=True,
    ),
)
