import sys

import pytest

from signon.core.errors import ConfigurationError
from signon.sessions.sql_driver import open_driver
from signon.sessions.sql_statements import MARIADB, POSTGRESQL


@pytest.mark.parametrize(
    ("kind", "statements"),
    [("postgresql+psycopg", POSTGRESQL), ("mysql+pymysql", MARIADB), ("mariadb+pymysql", MARIADB)],
)
def test_each_kind_has_its_statements(kind, statements):
    """A driver goes with the statements that its server understands."""
    assert open_driver(kind, {"host": "db.example"}).statements is statements


@pytest.mark.parametrize(
    ("kind", "package", "room"),
    [("postgresql+psycopg", "psycopg", "sql_postgresql"), ("mariadb+pymysql", "pymysql", "sql_mariadb")],
)
def test_a_missing_package_is_named_by_what_installs_it(kind, package, room, monkeypatch):
    """Without the driver's package the start stops with the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"signon.sessions.{room}", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'signon\[sql\]'"):
        open_driver(kind, {"host": "db.example"})


def test_an_unknown_kind_is_refused():
    """Another kind of server is refused with the kinds that there are."""
    with pytest.raises(ConfigurationError, match=r"postgresql\+psycopg, mysql\+pymysql or mariadb\+pymysql"):
        open_driver("oracle+oracledb", {})
