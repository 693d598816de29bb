from signon_idp import PERSONAS


def test_personas_differ_as_told():
    """Ids and subjects are unique, ASCII and short; each says in one line what is special about it."""
    assert len({persona.id for persona in PERSONAS}) == len({persona.sub for persona in PERSONAS}) == len(PERSONAS)
    for persona in PERSONAS:
        assert persona.sub.isascii()
        assert len(persona.sub) < 256
        assert persona.note.endswith(".")
        assert persona.claims["name"]


def test_the_promised_oddities():
    """Somebody has no e-mail, an unverified one, no ASCII, bars in the sub, 300 groups; somebody refuses."""
    people = {persona.id: persona for persona in PERSONAS}
    assert {"name#en", "address", "phone_number", "birthdate"} <= set(people["somying"].claims)
    assert "email" not in people["mei"].claims
    assert people["omar"].claims["email_verified"] is False
    assert not people["bjork"].claims["name"].isascii()
    assert "|" in people["pim"].sub
    assert len(people["grace"].claims["groups"]) == 300
    assert people["nadia"].refuses_consent
