from signon_demo.claims import MEANINGS
from signon_demo.vendor_claims import VENDOR_MEANINGS
from signon_idp.dialects import DIALECTS


def test_every_meaning_is_a_phrase_with_a_source():
    """Each claim of a vendor's own has a phrase without a full stop, a source, and is not the standard's."""
    for name, (text, source) in VENDOR_MEANINGS.items():
        assert text[0].isupper(), name
        assert not text.endswith("."), name
        assert source, name
    assert not VENDOR_MEANINGS.keys() & MEANINGS.keys()


def test_every_claim_of_thaid_is_known():
    """Every claim that a practice person of ThaID has is explained, by the standard or by the manual."""
    claims = {name for persona in DIALECTS["thaid"].personas for name in persona.claims}
    assert claims <= {*MEANINGS, *VENDOR_MEANINGS}
