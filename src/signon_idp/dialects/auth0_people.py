"""The fictional people of the Auth0 dialect: subjects name the connection, with a bar between."""

from signon_idp.model import Persona

PEOPLE: tuple[Persona, ...] = (
    Persona(
        id="mia",
        sub="auth0|66b1f0c2a7",
        note="Has a password here, and belongs to Acme.",
        note_th="มีรหัสผ่านที่นี่ และสังกัด Acme",
        claims={
            "name": "Mia Kern",
            "given_name": "Mia",
            "family_name": "Kern",
            "nickname": "mia",
            "picture": "https://people.example/mia.png",
            "updated_at": 1777709469,
            "email": "mia@people.example",
            "email_verified": True,
        },
    ),
    Persona(
        id="tan",
        sub="google-oauth2|117700000000000000042",
        note="Comes by Google, has a Thai name, and belongs to Siam Books.",
        note_th="เข้าผ่าน Google มีชื่อภาษาไทย และสังกัด Siam Books",
        claims={
            "name": "ธันวา แสงดี",
            "given_name": "ธันวา",
            "family_name": "แสงดี",
            "nickname": "tan",
            "picture": "https://people.example/tan.png",
            "updated_at": 1777709469,
            "email": "tan@people.example",
            "email_verified": True,
            "locale": "th",
        },
    ),
    Persona(
        id="kit",
        sub="waad|Zx-9_kit|0001",
        note="Comes by a company's directory, and belongs to both organizations.",
        note_th="เข้าผ่านไดเรกทอรีของบริษัท และสังกัดทั้งสององค์กร",
        claims={"name": "Kit Sato", "nickname": "kit", "email": "kit@people.example", "email_verified": False},
    ),
    Persona(
        id="lee",
        sub="sms|77aa01",
        note="Signed up by telephone: no e-mail address, no name but a number, in no organization.",
        note_th="สมัครด้วยโทรศัพท์ ไม่มีอีเมล ชื่อเป็นเพียงหมายเลข และไม่สังกัดองค์กรใด",
        claims={"name": "+66 2 555 0142", "nickname": "", "phone_number": "+66 2 555 0142"},
    ),
    Persona(
        id="nadia",
        sub="auth0|nadia77",
        note="Is always denied by an Action: the application gets access_denied.",
        note_th="ถูก Action ปฏิเสธเสมอ: แอปพลิเคชันได้รับ access_denied",
        claims={"name": "Nadia Petrova", "nickname": "nadia"},
        refuses_consent=True,
    ),
)
