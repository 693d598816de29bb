import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.flask.double import _SIGNING_KEY, CLIENT_ID, ISSUER
from tests.service.conftest import NOW
from tests.service.issued import (
    AUDIENCE,
    OTHER_KEY,
    access_token,
    introspected,
    introspected_signed,
    published,
)

from signon.core.access_token import VerifiedAccessToken
from signon.core.bearer import BearerRefused
from signon.core.errors import OperatorError, ProviderError, ProviderUnavailable
from signon.core.introspection import Introspection
from signon.core.keys import read_jwks
from signon.core.provider import AccessTokenProfile
from signon.core.values import Secret
from signon.runtime.cache import Runtime
from signon.service import guard as guard_module
from signon.service import introspect as introspect_module
from signon.service.guard import TokenIssuer, make_guard

PARTNER = "https://partner.example"
ES256 = frozenset({"ES256"})


def issued(**changes) -> str:
    return access_token(now=NOW, **changes)


@pytest.fixture
def monotonic():
    """The clock that fetches are throttled by, to be moved."""
    return [0.0]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    for name in ("_ACTIVE", "_INACTIVE"):
        monkeypatch.setattr(introspect_module, name, introspect_module._Answers())


@pytest.fixture
def make(make_party, make_provider, monotonic):
    """Make a guard of an application with these providers, by name: (issuer, more keywords)."""

    def make(providers=None, *, changes=None, **options):
        known = {"oidc": (ISSUER, {})} if providers is None else providers
        made = [
            replace(make_provider(name, issuer, access_token_alg="ES256", **given), **(changes or {}))
            for name, (issuer, given) in known.items()
        ]
        party = make_party(
            *made, runtime=Runtime(clock=lambda: monotonic[0]), pseudonym_key=Secret("a pseudonym key")
        )
        return make_guard(party, **options)

    return make


@pytest.fixture
def guard(make):
    return make()


def accept(guard, text: str, *, audience: str = AUDIENCE, issuer: str | None = None) -> VerifiedAccessToken:
    return guard.accept(Secret(text), audience=audience, issuer=issuer)


def code_of(guard, text: str, **given) -> str:
    with pytest.raises(BearerRefused) as refused:
        accept(guard, text, **given)
    assert (refused.value.error, refused.value.status) == ("invalid_token", 401)
    return refused.value.code


@pytest.fixture
def verified(monkeypatch):
    """How many signatures were verified."""
    count = [0]
    verify = guard_module.verify_access_token

    def counting(*args, **options):
        count[0] += 1
        return verify(*args, **options)

    monkeypatch.setattr(guard_module, "verify_access_token", counting)
    return count


# signed tokens


def test_token_of_a_provider_is_accepted(guard, op):
    """A provider's token gets in, and its keys are fetched once for all of them."""
    assert accept(guard, issued()).subject == "person-1"
    assert accept(guard, issued(jti="token-2"), issuer="oidc").client_id == CLIENT_ID
    assert op.documents() == ["metadata", "jwks"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://other.example/"}, "access_token_aud"),
        ({"iss": PARTNER}, "access_token_iss"),
        ({"exp": int(NOW) - 60}, "access_token_expired"),
        ({"typ": "JWT"}, "access_token_typ"),
        ({"key": OTHER_KEY}, "access_token_signature"),
        ({"key": OTHER_KEY, "kid": "k2"}, "access_token_unknown_key"),
    ],
)
def test_wrong_token_is_refused_with_its_cause(guard, changes, code):
    """What is wrong with a token is the code of its refusal, and it is never remembered."""
    assert [code_of(guard, issued(**changes)) for _ in range(2)] == [code] * 2
    assert not guard._remembered


def test_id_token_is_refused(guard, op):
    """An ID token of the same provider must not open an API that is called what the client is called."""
    assert code_of(guard, op.id_token(sub="person-1", nonce="n"), audience=CLIENT_ID) == "access_token_typ"


def test_refusal_holds_nothing_of_the_token(guard, plant):
    """No refusal may hold the token, or hang on an error that does."""
    text = issued(exp=0)
    plant(text)
    with pytest.raises(BearerRefused) as refused:
        accept(guard, text)
    assert text not in f"{refused.value!r}{vars(refused.value)}{refused.value.__context__!r}"


# what is remembered


def test_signature_is_verified_once(guard, verified):
    """A token that was verified is known again by its hash, and the token itself is not kept."""
    text = issued()
    assert accept(guard, text) is accept(guard, text)
    assert verified == [1]
    assert text.encode() not in b"".join(guard._remembered)
    assert text not in repr(guard._remembered)


def test_remembered_token_is_judged_again(guard, verified, clock):
    """Time and audience are looked at each time, and one API's refusal doesn't make another forget."""
    text = issued()
    accept(guard, text)
    assert code_of(guard, text, audience="https://other.example/") == "access_token_aud"
    clock.now += 359
    accept(guard, text)
    clock.now += 1
    assert code_of(guard, text) == "access_token_expired"
    assert verified == [1]


def test_remembered_token_counts_for_its_own_issuer(make):
    """A token that was verified for one provider must not get in where another's are wanted."""
    guard = make({"oidc": (ISSUER, {}), "partner": (PARTNER, {})})
    text = issued()
    assert accept(guard, text).issuer == ISSUER
    assert code_of(guard, text, issuer="partner") == "access_token_iss"
    assert accept(guard, text, issuer="oidc").issuer == ISSUER


def test_remembered_token_is_verified_again_with_newer_keys(guard, op, verified):
    """A key that its issuer no longer publishes must take its tokens with it, remembered or not."""
    text = issued()
    accept(guard, text)
    op.failing["jwks"] = published(OTHER_KEY)
    accept(guard, issued(key=OTHER_KEY, kid="k2"))
    assert code_of(guard, text) == "access_token_unknown_key"
    assert verified[0] > 2


def test_memory_is_bounded(guard, monkeypatch, verified):
    """The oldest is forgotten where there are too many; it still gets in, by its signature."""
    monkeypatch.setattr(guard_module, "MAX_REMEMBERED", 2)
    texts = [issued(jti=f"token-{number}") for number in range(3)]
    for text in texts:
        accept(guard, text)
    assert len(guard._remembered) == 2
    accept(guard, texts[2])
    assert verified == [3]
    accept(guard, texts[0])
    assert verified == [4]


def test_many_threads_share_a_guard(guard):
    """Threads that bring the same tokens at once must all get in."""
    texts = [issued(jti=f"token-{number}") for number in range(8)] * 8
    with ThreadPoolExecutor(8) as pool:
        assert {token.subject for token in pool.map(lambda text: accept(guard, text), texts)} == {"person-1"}
    assert len(guard._remembered) == 8


# made-up tokens


def test_random_strings_cost_nothing(guard, op, verified):
    """A thousand random strings are refused each, without a request, a signature or anything kept."""
    for _ in range(1000):
        assert code_of(guard, secrets.token_urlsafe(48)) == "access_token_not_compact"
    assert (op.asked, verified, len(guard._remembered)) == ([], [0], 0)


JUNK = (
    "a.b.c.d.e",
    "." * 30_000,
    "a" * 30_000,
    "..",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.e30.",
    "W10.W10.W10",
    ".".join(["W1t" * 8000] * 3),
)
"""Parts of an encrypted token, nothing but dots, no JSON, no object, JSON of great depth."""


@pytest.mark.parametrize("text", JUNK)
def test_junk_is_refused_before_any_signature(guard, op, verified, text):
    """Whatever is no token of ours by its form is refused each time, for one fetch of the keys in all."""
    codes = {code_of(guard, text) for _ in range(20)}
    assert len(codes) == 1
    assert op.documents() in ([], ["metadata", "jwks"])
    assert not guard._remembered
    assert verified == [20 if text.count(".") == 2 else 0]


def test_forged_signatures_cost_no_fetch(guard, op):
    """A token with a known key's id and another's signature costs its verification, and no look for newer keys."""
    accept(guard, issued())
    forged = [issued(key=OTHER_KEY, jti=f"token-{number}") for number in range(200)]
    assert {code_of(guard, text) for text in forged} == {"access_token_signature"}
    assert op.documents() == ["metadata", "jwks"]
    assert len(guard._remembered) == 1


def test_made_up_keys_cost_one_fetch(guard, op, monotonic, verified):
    """A thousand tokens with made-up keys cost one more fetch, and don't push out those that were verified."""
    texts = [issued(jti=f"token-{number}") for number in range(4)]
    for text in texts:
        accept(guard, text)
    for number in range(1000):
        assert code_of(guard, issued(key=OTHER_KEY, kid=f"made-up-{number}")) == "access_token_unknown_key"
    assert op.documents() == ["metadata", "jwks", "jwks"]
    assert (verified, len(guard._remembered)) == ([4 + 1000 + 1], 4)
    monotonic[0] += 30
    code_of(guard, issued(key=OTHER_KEY, kid="made-up"))
    code_of(guard, issued(key=OTHER_KEY, kid="made-up"))
    assert op.documents().count("jwks") == 3


def test_new_key_is_found(guard, op):
    """A token that is signed with a newer key gets in as soon as the key is published."""
    accept(guard, issued())
    op.failing["jwks"] = published(_SIGNING_KEY, OTHER_KEY)
    assert accept(guard, issued(key=OTHER_KEY, kid="k2")).subject == "person-1"


def test_provider_that_is_away_is_nobody_elses_fault(guard, op):
    """Where keys can't be had, a token is neither good nor bad; what is no token at all still is refused."""
    op.failing["metadata"] = ProviderUnavailable("metadata_timeout", "too slow")
    with pytest.raises(ProviderUnavailable):
        accept(guard, issued())
    assert code_of(guard, "opaque") == "access_token_not_compact"


# whose tokens


def test_issuer_is_chosen_by_what_the_token_says(make, ops):
    """With several providers a token is judged by the one that it names, and no other is asked."""
    guard = make({"oidc": (ISSUER, {}), "partner": (PARTNER, {})})
    assert accept(guard, issued(iss=PARTNER)).issuer == PARTNER
    assert ops[ISSUER].asked == []
    assert accept(guard, issued()).issuer == ISSUER


@pytest.mark.parametrize("text", [issued(iss="https://evil.example"), issued(iss=None), "opaque", "a.b.c"])
def test_unknown_issuer_costs_nothing(make, ops, text):
    """With several providers a token of none of them is refused, and nobody is asked."""
    guard = make({"oidc": (ISSUER, {}), "partner": (PARTNER, {})})
    assert code_of(guard, text) == "access_token_iss"
    assert [op.asked for op in ops.values()] == [[], []]


def test_token_must_spell_its_issuer_as_the_metadata_does(make):
    """A slash more chooses the provider all the same, and is then refused to the letter."""
    guard = make({"oidc": (ISSUER, {}), "partner": (PARTNER, {})})
    assert code_of(guard, issued(iss=f"{ISSUER}/")) == "access_token_iss"


def test_api_that_names_no_provider_is_set_up_wrongly(guard):
    """A provider's name that there isn't is the operator's error and not the caller's."""
    with pytest.raises(OperatorError) as error:
        accept(guard, issued(), issuer="nobody")
    assert error.value.code == "token_issuer_unknown"


@pytest.fixture
def own():
    """The application as an issuer, with a key of its own."""
    keys = read_jwks(published(OTHER_KEY))
    return TokenIssuer(
        name="own",
        issuer="https://app.example.org",
        profile=AccessTokenProfile(algs=ES256),
        spelling=lambda: "https://app.example.org",
        keys=lambda _unknown_to: keys,
        introspect=lambda _token: Introspection(active=False),
    )


@pytest.mark.parametrize("name", [None, "own"])
def test_made_up_own_tokens_ask_nobody(make, op, own, name):
    """Random strings, made-up keys and forged signatures in the application's own name cost nobody a request."""
    guard = make(own=own)
    found = {"access_token_unknown_key": 0, "access_token_signature": 0}
    for number in range(100):
        for kid in (f"made-up-{number}", "k2"):
            found[code_of(guard, issued(iss=own.issuer, kid=kid, jti=f"token-{number}"), issuer=name)] += 1
        expected = "access_token_iss" if name is None else "access_token_not_compact"
        assert code_of(guard, secrets.token_urlsafe(48), issuer=name) == expected
    assert set(found.values()) == {100}
    assert (op.asked, len(guard._remembered)) == ([], 0)


def test_application_can_be_an_issuer(make, op, own):
    """The application's own tokens are judged like any other's, by its own keys, and by its name if wanted."""
    guard = make(own=own)
    ours = issued(iss="https://app.example.org", key=OTHER_KEY, kid="k2")
    assert [issuer.name for issuer in guard.issuers] == ["oidc", "own"]
    assert accept(guard, ours).issuer == accept(guard, ours, issuer="own").issuer == "https://app.example.org"
    assert code_of(guard, issued(iss="https://app.example.org")) == "access_token_unknown_key"
    assert op.asked == []
    assert code_of(guard, ours, issuer="oidc") == "access_token_unknown_key"


# introspected tokens

INTROSPECTION = {"introspection_endpoint": f"{ISSUER}/introspect"}
ASKED = {"access_token_profile": "introspected"}
WAIVED = {"access_token_profile": "introspected-without-audience"}


def test_provider_is_asked_about_its_tokens(make, op):
    """Where the profile says so, the token itself counts for nothing and the provider's word for all."""
    op.metadata = INTROSPECTION
    op.failing["introspection"] = introspected(sub="person-1", scope="pid", aud=AUDIENCE)
    guard = make({"oidc": (ISSUER, ASKED)})
    found = [accept(guard, text) for text in ("an-opaque-token", issued(exp=0))]
    assert [(token.subject, token.scopes, token.issuer) for token in found] == [("person-1", {"pid"}, ISSUER)] * 2
    accept(guard, "an-opaque-token")
    assert op.documents() == ["metadata", "introspection", "introspection"]
    assert not guard._remembered


@pytest.mark.parametrize(
    ("members", "given", "code"),
    [
        ({"active": False}, WAIVED, "access_token_inactive"),
        ({"active": False, "sub": "person-1", "aud": AUDIENCE}, ASKED, "access_token_inactive"),
        ({"sub": "person-1"}, ASKED, "access_token_aud_missing"),
        ({"aud": "https://other.example/"}, WAIVED, "access_token_aud"),
        ({"aud": AUDIENCE, "exp": NOW - 60}, ASKED, "access_token_expired"),
        ({"aud": AUDIENCE, "iss": PARTNER}, ASKED, "access_token_iss"),
    ],
)
def test_providers_word_is_judged(make, op, members, given, code):
    """A token that the provider doesn't call active, or calls another API's or over, must be refused."""
    op.metadata = INTROSPECTION
    op.failing["introspection"] = introspected(**members)
    assert code_of(make({"oidc": (ISSUER, given)}), "an-opaque-token") == code


def test_random_strings_are_asked_about_once(make, op, clock):
    """A thousand random strings cost one question each, however often they come, and little is kept of them; what
    is known of good tokens stays.
    """
    op.metadata = INTROSPECTION
    op.failing["introspection"] = introspected(sub="person-1", aud=AUDIENCE)
    guard = make({"oidc": (ISSUER, ASKED)})
    accept(guard, "a-good-token")
    op.failing["introspection"] = introspected(active=False)
    strings = [secrets.token_urlsafe(48) for _ in range(1000)]
    for text in strings * 2:
        assert code_of(guard, text) == "access_token_inactive"
    assert op.documents().count("introspection") == 1 + 1000
    assert len(introspect_module._INACTIVE._held) == 1000 <= introspect_module.KEPT
    clock.now += 4
    assert accept(guard, "a-good-token").subject == "person-1"
    assert op.documents().count("introspection") == 1 + 1000


def test_audience_can_be_waived(make, op):
    """By its loud name alone a profile takes tokens of which nobody says whom they are for."""
    op.metadata = INTROSPECTION
    op.failing["introspection"] = introspected(sub="person-1")
    assert accept(make({"oidc": (ISSUER, WAIVED)}), "an-opaque-token").subject == "person-1"


def test_national_id_is_no_subject(make, op):
    """Where subjects are national ids our key stands in; a token of nobody has none."""
    op.metadata = INTROSPECTION
    op.failing["introspection"] = introspected(sub="1103700001239", aud=AUDIENCE)
    guard = make({"oidc": (ISSUER, ASKED)}, changes={"subject_is_national_id": True})
    token = accept(guard, "an-opaque-token")
    assert len(token.subject) == 43
    assert "1103700001239" not in repr(token)
    op.failing["introspection"] = introspected(aud=AUDIENCE)
    assert accept(guard, "another-opaque-token").subject is None


def test_strangers_token_is_shown_to_nobody(make, ops):
    """With several providers an opaque token goes to the one that must be asked, and a JWT to the one it names."""
    ops[ISSUER].metadata = INTROSPECTION
    ops[ISSUER].failing["introspection"] = introspected(aud=AUDIENCE)
    guard = make({"oidc": (ISSUER, ASKED), "partner": (PARTNER, {})})
    assert accept(guard, "an-opaque-token").issuer == ISSUER
    assert code_of(guard, issued(iss="https://evil.example")) == "access_token_iss"
    accept(guard, issued(iss=PARTNER))
    assert ops[ISSUER].documents().count("introspection") == 1


def test_opaque_token_of_one_of_two_is_shown_to_neither(make, ops):
    """Where two providers could be asked about an opaque token, the API must say which."""
    guard = make({"oidc": (ISSUER, ASKED), "partner": (PARTNER, ASKED)})
    assert code_of(guard, "an-opaque-token") == "access_token_iss"
    ops[ISSUER].metadata = INTROSPECTION
    ops[ISSUER].failing["introspection"] = introspected(aud=AUDIENCE)
    assert accept(guard, "an-opaque-token", issuer="oidc").issuer == ISSUER


SIGNED = {"access_token_profile": "introspected", "introspection_alg": "ES256"}


def test_provider_signs_what_it_says(make, op):
    """Where answers are to come signed, a signed one opens the API, and a key that is new there is found."""
    op.metadata = INTROSPECTION
    guard = make({"oidc": (ISSUER, SIGNED)})
    op.failing["introspection"] = introspected_signed(now=NOW, sub="person-1", aud=AUDIENCE)
    assert accept(guard, "an-opaque-token").subject == "person-1"
    op.failing["introspection"] = introspected_signed(
        now=NOW, key=OTHER_KEY, kid="k2", sub="person-2", aud=AUDIENCE
    )
    op.failing["jwks"] = published(OTHER_KEY)
    assert accept(guard, "another-opaque-token").subject == "person-2"
    op.failing["introspection"] = introspected_signed(
        now=NOW, key=OTHER_KEY, kid="k2", aud="https://other.example/"
    )
    assert code_of(guard, "a-token-for-others") == "access_token_aud"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (introspected(sub="person-1", aud=AUDIENCE), "introspection_not_signed"),
        (introspected_signed(now=NOW, key=OTHER_KEY, sub="person-1", aud=AUDIENCE), "introspection_signature"),
        (introspected_signed(now=NOW, key=OTHER_KEY, kid="k2", aud=AUDIENCE), "introspection_unknown_key"),
        (introspected_signed(now=NOW + 61, sub="person-1", aud=AUDIENCE), "introspection_iat_future"),
    ],
)
def test_word_that_the_provider_has_not_signed_counts_for_nothing(make, op, answer, code):
    """A verdict that isn't the provider's must open nothing, and the token must not be called wrong for that."""
    op.metadata = INTROSPECTION
    op.failing["introspection"] = answer
    guard = make({"oidc": (ISSUER, SIGNED)})
    for _ in range(2):
        with pytest.raises(ProviderError) as error:
            accept(guard, "an-opaque-token")
        assert (type(error.value), error.value.code, error.value.status) == (ProviderError, code, 502)
    assert op.documents().count("introspection") == 2
