"""The fictional people of ThaID. Their numbers have right check digits and begin with 9, which no card's does."""

from signon_idp.model import JsonObject, Persona


def _person(slug: str, pid: str, note: tuple[str, str], claims: JsonObject, *, refuses: bool = False) -> Persona:
    english, thai = note
    return Persona(
        id=slug,
        sub=pid,
        note=english,
        note_th=thai,
        claims={"pid": pid, "ial": "2.3", **claims},
        refuses_consent=refuses,
    )


def _names(thai: tuple[str, str, str], english: tuple[str, str, str]) -> JsonObject:
    """Title, given name and family name, in both languages."""
    title, given, family = thai
    title_en, given_en, family_en = english
    return {
        "title": title,
        "given_name": given,
        "family_name": family,
        "name": f"{title}{given} {family}",
        "title_en": title_en,
        "given_name_en": given_en,
        "family_name_en": family_en,
        "name_en": f"{title_en} {given_en} {family_en}",
    }


PEOPLE: tuple[Persona, ...] = (
    _person(
        "somchai",
        "9103700001234",
        ("Everything a card can have; the address comes as an object.", "มีข้อมูลครบ ที่อยู่มาเป็นออบเจกต์"),
        {
            **_names(("นาย", "สมชาย", "ตัวอย่าง"), ("Mr.", "Somchai", "Tuayang")),
            "birthdate": "1989-12-28",
            "gender": "male",
            "address": {
                "formatted": "99/9 หมู่ที่ 1 ตำบลตัวอย่าง อำเภอเมือง จังหวัดตัวอย่าง",
                "raw": "99/9#1####ตัวอย่าง#เมือง#ตัวอย่าง",
            },
            "house_address": {"formatted": "12 ถนนสมมติ แขวงตัวอย่าง กรุงเทพมหานคร", "raw": "12####สมมติ##ตัวอย่าง#"},
            "smartcard_code": "9999-01-01019999",
            "date_of_issuance": "2022-01-15",
            "date_of_expiry": "2031-12-27",
        },
    ),
    _person(
        "malee",
        "9459900012348",
        (
            "The address is plain text, and the name does not fit one line.",
            "ที่อยู่เป็นข้อความธรรมดา และชื่อยาวเกินหนึ่งบรรทัด",
        ),
        {
            **_names(
                ("นางสาว", "มาลีรัตนาภรณ์", "วงศ์สุวรรณประเสริฐกุลชัย"),
                ("Miss", "Maleerattanaporn", "Wongsuwanprasertkunchai"),
            ),
            "birthdate": "1995-07-01",
            "gender": "female",
            "address": "8 ซอยทดสอบ ตำบลสมมติ อำเภอเมือง จังหวัดตัวอย่าง 99000",
            "smartcard_code": "9999-02-02020202",
            "date_of_issuance": "2019-03-01",
            "date_of_expiry": "2028-06-30",
        },
    ),
    _person(
        "ananda",
        "9320199900770",
        ("Has a middle name, and a card for life.", "มีชื่อกลาง และบัตรตลอดชีพ"),
        {
            **_names(("นาย", "อานันท์", "สมมติวงศ์"), ("Mr.", "Ananda", "Sommutiwong")),
            "middle_name": "จอห์น",
            "middle_name_en": "John",
            "name": "นายอานันท์ จอห์น สมมติวงศ์",
            "name_en": "Mr. Ananda John Sommutiwong",
            "birthdate": "1949-05-05",
            "gender": "male",
            "address": {"formatted": "1 ถนนตัวอย่าง อำเภอเมือง จังหวัดตัวอย่าง"},
            "smartcard_code": "9999-03-03030303",
            "date_of_issuance": "2015-05-05",
            "date_of_expiry": "9999-12-31",
        },
    ),
    _person(
        "kamala",
        "9888812345006",
        ("Only the year of birth is known; the middle name comes empty.", "ทราบเพียงปีเกิด และชื่อกลางเป็นค่าว่าง"),
        {
            **_names(("นาง", "กมลา", "ทดลอง"), ("Mrs.", "Kamala", "Thotlong")),
            "middle_name": "",
            "birthdate": "1948",
            "gender": "female",
            "ial": 2.3,
        },
    ),
    _person(
        "nattha",
        "9765400000191",
        (
            "Presses “refuse” in the app: the application gets user_denied.",
            "กดปฏิเสธในแอป แอปพลิเคชันได้รับ user_denied",
        ),
        _names(("นางสาว", "ณัฏฐา", "ไม่ยินยอม"), ("Miss", "Nattha", "Maiyinyom")),
        refuses=True,
    ),
)
