import json

import pytest
from click.testing import CliRunner

from signon.cli.providers import TABLES, providers
from signon.providers import FACTORIES


def run(*words: str):
    return CliRunner().invoke(providers, words)


def test_every_factory_has_its_table():
    """Every provider that can be named is listed, and nothing else."""
    assert TABLES.keys() == FACTORIES.keys()
    listed = run().output
    assert all(f"\n{name} " in f"\n{listed}" for name in FACTORIES)
    assert [entry["name"] for entry in json.loads(run("--json").output)] == list(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_keyword_is_told(name):
    """With a name every keyword of its factory is told: setting, meaning, default and choices."""
    output = run(name).output
    words = " ".join(output.split())
    for keyword in TABLES[name]:
        setting = f"{name}_{keyword.name}".upper()
        assert f"\n{setting}\n" in output
        assert " ".join(f"{keyword.says}.".split()) in words
        assert keyword.default is None or f"Usually {keyword.default}." in words
        assert all(choice in words for choice in keyword.choices)
        assert (f"{setting}_FILE" in words) is keyword.secret


@pytest.mark.parametrize("name", TABLES)
def test_json(name):
    """As JSON the same is there for programs."""
    told = json.loads(run(name, "--json").output)
    assert told["name"] == name
    assert [setting["keyword"] for setting in told["settings"]] == [keyword.name for keyword in TABLES[name]]
    for setting, keyword in zip(told["settings"], TABLES[name], strict=True):
        assert setting == {
            "setting": f"{name}_{keyword.name}".upper(),
            "keyword": keyword.name,
            "default": keyword.default,
            "choices": list(keyword.choices),
            "secret": keyword.secret,
            "says": keyword.says,
        }


@pytest.mark.parametrize("name", TABLES)
def test_every_told_setting_is_read(name):
    """A factory looks for the setting of each told keyword: none is told that isn't read."""
    asked = set()

    class Asked(dict):
        def get(self, setting, default=None):
            asked.add(setting)
            return super().get(setting, default)

    FACTORIES[name](settings=Asked())
    assert {f"{name}_{keyword.name}".upper() for keyword in TABLES[name]} - asked == set()


def test_unknown_name():
    """A name that is no vendor's ends with one line that says which there are."""
    result = run("nosuch")
    assert result.exit_code == 1
    assert result.output == (
        "Error: no provider is called 'nosuch'; there are thaid, authmachine, auth0, pingone, sgid, oidc\n"
    )
