from signon_idp.dialects.pingone_passwords import ACCOUNTS, NOTHING, ODD_CHARACTERS, STANDARD, USUAL
from signon_idp.dialects.pingone_people import PEOPLE


def test_accounts():
    """Accounts are of people there are; somebody's policy has every rule, somebody's none."""
    assert set(ACCOUNTS) <= {person.id for person in PEOPLE}
    policies = [STANDARD, NOTHING, ODD_CHARACTERS]
    assert [USUAL.policy, ACCOUNTS["arun"].policy, ACCOUNTS["sam"].policy] == policies
    assert set(NOTHING) == {"id", "name"}
    assert len({policy["id"] for policy in policies}) == len(policies)
    assert [name for name, account in ACCOUNTS.items() if account.external] == ["edith"]


def test_first_change_is_old_enough():
    """Everybody may change their password at once, and nobody's is too old."""
    for account in (USUAL, *ACCOUNTS.values()):
        assert account.policy.get("minAgeDays", 0) <= account.changed_days_ago
        assert account.changed_days_ago < account.policy.get("maxAgeDays", 1000)
