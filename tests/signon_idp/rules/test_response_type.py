from signon_idp.rules.response_type import CODE, kind, kinds, usual_mode


def test_order_of_words_says_nothing():
    """Two spellings of the same words are one response type."""
    assert kinds(["token id_token", "id_token token"]) == {kind("id_token  token")}


def test_tokens_never_go_into_a_query():
    """Only an answer without tokens goes back by query when nobody says how."""
    assert usual_mode(CODE) == "query"
    assert {usual_mode(kind(words)) for words in ("id_token", "token", "code token")} == {"fragment"}
