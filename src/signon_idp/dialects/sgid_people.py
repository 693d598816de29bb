"""The fictional people of sgID: plain ASCII, no empty value, identity numbers with right check letters."""

from signon_idp.model import JsonObject, Persona
from signon_idp.replies import dump


def _listed(*items: JsonObject) -> str:
    """A list-valued field is JSON text."""
    return dump(list(items)).decode()


def _post(email: str, agency: str, department: str, title: str) -> JsonObject:
    return {
        "work_email": email,
        "agency_name": agency,
        "department_name": department,
        "employment_type": "Permanent",
        "employment_title": title,
    }


PEOPLE: tuple[Persona, ...] = (
    Persona(
        id="meilin",
        sub="sg-meilin",
        note="Nearly every field, an address of three lines, one car.",
        note_th="มีข้อมูลเกือบทุกช่อง ที่อยู่สามบรรทัด รถหนึ่งคัน",
        claims={
            "name": "TAN MEI LIN",
            "myinfo.name": "TAN MEI LIN",
            "myinfo.nric_number": "S9012345I",
            "myinfo.date_of_birth": "1990-02-28",
            "myinfo.sex": "FEMALE",
            "myinfo.race": "CHINESE",
            "myinfo.nationality": "SINGAPORE CITIZEN",
            "myinfo.residentialstatus": "CITIZEN",
            "myinfo.residential": "CITIZEN",
            "myinfo.birth_country": "SINGAPORE",
            "myinfo.passport_number": "E1234567X",
            "myinfo.passport_expiry_date": "2031-01-31",
            "myinfo.email": "meilin@people.example",
            "myinfo.mobile_number": "81234567",
            "myinfo.mobile_number_with_country_code": "+65 81234567",
            "myinfo.registered_address": "12 EXAMPLE ROAD\n#03-45\nSINGAPORE 123456",
            "myinfo.housingtype": "HDB",
            "myinfo.hdbtype": "4-ROOM FLAT",
            "myinfo.vehicles": _listed({"vehicle_number": "SAB1234C"}),
            "myinfo.marital_status": "MARRIED",
            "myinfo.marriage_date": "2019-09-09",
            "myinfo.country_of_marriage": "SINGAPORE",
            "myinfo.marriage_certificate_number": "EX190909",
            "myinfo.dialect": "HOKKIEN",
            "myinfo.occupation": "TEACHER",
            "myinfo.name_of_employer": "EXAMPLE SCHOOL",
        },
    ),
    Persona(
        id="hafiz",
        sub="sg-hafiz",
        note="A public officer with three posts; one of them lacks most of its fields.",
        note_th="เจ้าหน้าที่รัฐที่มีสามตำแหน่ง ตำแหน่งหนึ่งขาดข้อมูลส่วนใหญ่",
        claims={
            "name": "MUHAMMAD HAFIZ BIN RAHMAN",
            "myinfo.name": "MUHAMMAD HAFIZ BIN RAHMAN",
            "myinfo.nric_number": "S8765432Z",
            "myinfo.date_of_birth": "1987-06-05",
            "myinfo.sex": "MALE",
            "myinfo.race": "MALAY",
            "myinfo.email": "Hafiz.Rahman@people.example",
            "myinfo.registered_address": "7 SAMPLE AVENUE\n\nSINGAPORE 654321",
            "myinfo.vehicles": _listed(),
            "myinfo.sponsored_child_records": _listed({"name": "NUR AISYAH", "date_of_birth": "2016-04"}),
            "pocdex.public_officer_details": _listed(
                _post("hafiz@agency-one.example", "Agency One", "Digital Services", "Engineer"),
                _post("hafiz@agency-two.example", "Agency Two", "Planning", "Adviser"),
                {**_post("NA", "Agency Three", "NA", "NA"), "employment_type": "NA"},
            ),
        },
    ),
    Persona(
        id="lakshmi",
        sub="sg-lakshmi",
        note="Nothing but a name: every other field is NA.",
        note_th="มีแต่ชื่อ ช่องอื่นทั้งหมดเป็น NA",
        claims={"name": "LAKSHMI D/O KUMAR", "myinfo.name": "LAKSHMI D/O KUMAR"},
    ),
    Persona(
        id="jun",
        sub="sg-jun",
        note="A foreigner with a work pass; of the birth date only year and month are known.",
        note_th="ชาวต่างชาติที่มีใบอนุญาตทำงาน วันเกิดทราบเพียงปีและเดือน",
        claims={
            "name": "SATO JUN",
            "myinfo.name": "SATO JUN",
            "myinfo.nric_number": "G5551234K",
            "myinfo.date_of_birth": "1993-11",
            "myinfo.nationality": "JAPANESE",
            "myinfo.birth_country": "JAPAN",
            "myinfo.mobile_number_with_country_code": "+81 9012345678",
            "myinfo.workpass_status": "LIVE",
            "myinfo.workpass_expiry_date": "2027-08-31",
            "pocdex.public_officer_details": _listed(),
        },
    ),
    Persona(
        id="faridah",
        sub="sg-faridah",
        note="Presses “cancel” in the app: the application gets access_denied.",
        note_th="กดยกเลิกในแอป แอปพลิเคชันได้รับ access_denied",
        claims={"name": "FARIDAH BTE ALI", "myinfo.name": "FARIDAH BTE ALI", "myinfo.date_of_birth": "1971"},
        refuses_consent=True,
    ),
)
