from signon_idp.errors import OAuthError, Refused


def test_errors_carry_code_and_sentence():
    """A refusal knows its registered code, its sentence, and for JSON its status."""
    error = OAuthError("invalid_grant", "no such code")
    assert isinstance(error, Refused)
    assert (error.error, error.description, error.status, error.challenge) == (
        "invalid_grant",
        "no such code",
        400,
        "",
    )
    assert str(error) == "invalid_grant: no such code"
