from signon_idp.dialects.pingone_people import PEOPLE


def test_people():
    """Everybody has a name and a note in both languages; ids and subjects are each one person's."""
    assert len(PEOPLE) >= 5
    for values in ([person.id for person in PEOPLE], [person.sub for person in PEOPLE]):
        assert len(set(values)) == len(PEOPLE)
    assert all(person.claims["name"] and person.note.isascii() for person in PEOPLE)
    assert not any(person.note_th.isascii() for person in PEOPLE)
    assert any(person.refuses_consent for person in PEOPLE)
    assert any("email" not in person.claims for person in PEOPLE)
