"""The fictional people of the AuthMachine dialect, and what they may do there."""

from collections.abc import Mapping

from signon_idp.model import Persona


def _person(slug: str, sub: str, *, note: str, note_th: str, **claims: object) -> Persona:
    return Persona(id=slug, sub=sub, note=note, note_th=note_th, claims={"preferred_username": slug, **claims})


PEOPLE: tuple[Persona, ...] = (
    _person(
        "mara.k",
        "6f0c2f1e-1d1b-4a53-9a31-0d6b6a3c9b10",
        note="Works with billing and one warehouse: her permissions come with the sign-in.",
        note_th="ดูแลการเรียกเก็บเงินและคลังสินค้าหนึ่งแห่ง สิทธิ์ของเธอมาพร้อมการเข้าสู่ระบบ",
        name="Mara Kind",
        given_name="Mara",
        family_name="Kind",
        email="mara.k@people.example",
        email_verified=True,
    ),
    _person(
        "wichai",
        "0b7f9a51-58a6-4a0e-b6f3-2f64cf3f7d21",
        note="Has a Thai name, and may do everything (a superuser).",
        note_th="มีชื่อภาษาไทยและทำได้ทุกอย่าง (ผู้ดูแลสูงสุด)",
        name="วิชัย มั่นคง",
        given_name="วิชัย",
        family_name="มั่นคง",
        email="wichai@people.example",
        email_verified=True,
    ),
    _person(
        "ola",
        "27c1d8d5-0f4a-4e28-8f5e-55f2c9b8a934",
        note="Is known to the permissions API by another id than the subject.",
        note_th="API สิทธิ์รู้จักเธอด้วยรหัสที่ต่างจาก sub",
        name="Ola Nordmann",
        id="user-4711",
        email="ola@people.example",
        email_verified=False,
    ),
    _person(
        "pat",
        "d3a9be0e-7a0c-4c1f-a0a5-0ad6f4a5d7c2",
        note="Has no e-mail address and no permissions.",
        note_th="ไม่มีอีเมลและไม่มีสิทธิ์ใด",
        name="Pat Doe",
    ),
    Persona(
        id="nadia",
        sub="f5b7a6c4-3b0f-4b8e-9a63-7f8f6f2b1e05",
        note="Always refuses: the application gets access_denied.",
        note_th="ปฏิเสธเสมอ: แอปพลิเคชันได้รับ access_denied",
        claims={"preferred_username": "nadia", "name": "Nadia Petrova"},
        refuses_consent=True,
    ),
)

PERMISSIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "mara.k": {"billing": ("view", "edit"), "warehouse-7": ("view",)},
    "wichai": {"billing": ("view", "edit", "super_admin"), "warehouse-7": ("view", "edit", "super_admin")},
    "ola": {"billing": ("product_manager",)},
}
"""Codes by persona and object; who has `super_admin` anywhere is a superuser."""
