"""What the pages say, in English and in Thai; the language comes from `ui_locales`, then from the browser."""

from collections.abc import Iterable, Mapping

LANGUAGES = ("en", "th")

_EN = {
    "band": "Practice provider",
    "band_rest": "plays {label} on this computer",
    "issuer": "Issuer",
    "made_up": "Everyone here is made up. Never type a real password.",
    "sign_in": "Sign in",
    "to_go_on": "to go on to",
    "user_name": "User name or e-mail",
    "password": "Password",
    "always": "always “{password}”",
    "choose_person": "Or choose a person",
    "cancel": "Cancel and go back to {client}",
    "failed": "No person here has that user name, or the password is wrong. Everybody's is “{password}”.",
    "allow_title": "Allow {client}",
    "allow_question": "Allow {client}?",
    "signed_in_as": "You are signed in as",
    "asks_for": "The application asks for:",
    "allow": "Allow",
    "refuse": "Refuse",
    "scope_openid": "Know who you are here",
    "scope_profile": "Name, picture, birth date and the rest of the profile",
    "scope_email": "E-mail address, and whether it was verified",
    "scope_phone": "Telephone number, and whether it was verified",
    "scope_address": "Postal address",
    "scope_groups": "The groups you belong to",
    "scope_offline_access": "Stay connected while you are away",
    "back_title": "Go back to the application",
    "going_back": "Going back to the application",
    "if_nothing": "If nothing happens, press the button.",
    "go_on": "Go on",
    "sign_out": "Sign out",
    "sign_out_question": "Sign out here?",
    "asks_sign_out": "An application asks to sign this person out of this provider:",
    "nobody": "Nobody is signed in at this provider in this browser. You can still go on.",
    "signed_out": "Signed out",
    "you_are_signed_out": "You are signed out",
    "no_longer_knows": "This provider no longer knows this browser. The application may have its own session.",
    "problem": "This request cannot go on",
    "nothing_sent": "Nothing was sent to the application. Go back to it and start there again.",
    "code": "Code",
    "problem_form_of_other_browser": "This form was not made for this browser.",
    "problem_form_too_old": "This form has been open for too long.",
    "problem_session_ended": "You were signed out meanwhile.",
}
_TH = {
    "band": "ผู้ให้บริการสำหรับฝึกซ้อม",
    "band_rest": "แสดงเป็น{label}บนคอมพิวเตอร์เครื่องนี้",
    "issuer": "ผู้ออก",
    "made_up": "ทุกคนในที่นี้เป็นบุคคลสมมติ อย่าพิมพ์รหัสผ่านจริง",
    "sign_in": "เข้าสู่ระบบ",
    "to_go_on": "เพื่อไปยัง",
    "user_name": "ชื่อผู้ใช้หรืออีเมล",
    "password": "รหัสผ่าน",
    "always": "คือ “{password}” เสมอ",
    "choose_person": "หรือเลือกบุคคล",
    "cancel": "ยกเลิกและกลับไปยัง {client}",
    "failed": "ไม่มีบุคคลที่ใช้ชื่อนี้ หรือรหัสผ่านไม่ถูกต้อง รหัสผ่านของทุกคนคือ “{password}”",
    "allow_title": "อนุญาต {client}",
    "allow_question": "อนุญาต {client} หรือไม่",
    "signed_in_as": "คุณเข้าสู่ระบบในชื่อ",
    "asks_for": "แอปพลิเคชันขอสิ่งต่อไปนี้:",
    "allow": "อนุญาต",
    "refuse": "ไม่อนุญาต",
    "scope_openid": "ทราบว่าคุณคือใครในที่นี้",
    "scope_profile": "ชื่อ รูปภาพ วันเกิด และข้อมูลส่วนตัวอื่น",
    "scope_email": "ที่อยู่อีเมล และผลการยืนยัน",
    "scope_phone": "หมายเลขโทรศัพท์ และผลการยืนยัน",
    "scope_address": "ที่อยู่ทางไปรษณีย์",
    "scope_groups": "กลุ่มที่คุณสังกัด",
    "scope_offline_access": "เชื่อมต่อต่อไปขณะที่คุณไม่อยู่",
    "back_title": "กลับไปยังแอปพลิเคชัน",
    "going_back": "กำลังกลับไปยังแอปพลิเคชัน",
    "if_nothing": "หากไม่มีอะไรเกิดขึ้น ให้กดปุ่มนี้",
    "go_on": "ดำเนินการต่อ",
    "sign_out": "ออกจากระบบ",
    "sign_out_question": "ออกจากระบบที่นี่หรือไม่",
    "asks_sign_out": "แอปพลิเคชันขอให้บุคคลนี้ออกจากระบบของผู้ให้บริการนี้:",
    "nobody": "ไม่มีใครเข้าสู่ระบบกับผู้ให้บริการนี้ในเบราว์เซอร์นี้ คุณยังดำเนินการต่อได้",
    "signed_out": "ออกจากระบบแล้ว",
    "you_are_signed_out": "คุณออกจากระบบแล้ว",
    "no_longer_knows": "ผู้ให้บริการนี้ไม่รู้จักเบราว์เซอร์นี้แล้ว แต่แอปพลิเคชันอาจยังมีเซสชันของตนเอง",
    "problem": "ดำเนินการตามคำขอนี้ต่อไม่ได้",
    "nothing_sent": "ไม่มีการส่งข้อมูลใดไปยังแอปพลิเคชัน โปรดกลับไปเริ่มใหม่ที่แอปพลิเคชัน",
    "code": "รหัส",
    "problem_form_of_other_browser": "แบบฟอร์มนี้ไม่ได้สร้างขึ้นสำหรับเบราว์เซอร์นี้",
    "problem_form_too_old": "แบบฟอร์มนี้เปิดทิ้งไว้นานเกินไป",
    "problem_session_ended": "คุณออกจากระบบไปแล้วในระหว่างนี้",
}
TEXTS: Mapping[str, Mapping[str, str]] = {"en": _EN, "th": _TH}


def language_of(ui_locales: str, accepted: Iterable[str]) -> str:
    """The first language of `ui_locales`, else of the browser's `accepted`, that we speak; else English."""
    for tag in (*ui_locales.split(), *accepted):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"
