import re
from dataclasses import fields

import pytest

from signon.sessions.sql_statements import MARIADB, POSTGRESQL, Statements

NAMES = [field.name for field in fields(Statements)]
SERVERS = pytest.mark.parametrize("statements", [POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])


def texts(statements, name):
    found = getattr(statements, name)
    return (found,) if isinstance(found, str) else found


@SERVERS
def test_everything_that_expires_is_swept(statements):
    """Each table with an expiry has its sweep."""
    expiring = [
        re.search(r"TABLE IF NOT EXISTS (\w+) .*\bexpires_at\b", text, re.DOTALL) for text in statements.schema
    ]
    swept = [re.search(r"DELETE FROM (\w+)", sweep)[1] for sweep in statements.sweeps]
    assert sorted(swept) == sorted(table[1] for table in expiring if table)
    assert len(swept) == 5


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"schema", "create_indexed"}])
def test_both_servers_are_given_the_same(name):
    """A statement has the same parameters for each server, since one caller gives them."""
    given = [
        {parameter for text in texts(statements, name) for parameter in re.findall(r"%\((\w+)\)s", text)}
        for statements in (POSTGRESQL, MARIADB)
    ]
    assert given[0] == given[1]
