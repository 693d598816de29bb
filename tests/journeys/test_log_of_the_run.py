"""The reader of every log record finds a secret wherever a record may hold one."""

import logging

import pytest
from tests.conftest import LogOfTheRun

SECRET = "a-secret-that-was-never-planted-in-this-run"


@pytest.fixture
def log():
    log = LogOfTheRun()
    log.secrets.add(SECRET)
    return log


@pytest.fixture
def logger(log):
    """A logger that nobody else listens to."""
    logger = logging.Logger("alone")  # noqa: LOG001 - one that no other handler hears
    logger.addHandler(log)
    return logger


WAYS = {
    "message": lambda logger: logger.info(f"so it is: {SECRET}"),  # noqa: G004 - as some do
    "argument": lambda logger: logger.info("so it is: %s", SECRET),
    "argument that is not shown": lambda logger: logger.info("so it is: %.3s", SECRET),
    "inside an argument": lambda logger: logger.info("so it is: %s", {"deep": [SECRET]}),
    "extra": lambda logger: logger.debug("so it is", extra={"signon_token": SECRET}),
}


@pytest.mark.parametrize("way", WAYS)
def test_finds(log, logger, way):
    """A secret in any part of a record is found, and the record is shown."""
    WAYS[way](logger)
    (line,) = log.leaks()
    assert "so it is" in line
    assert "test_log_of_the_run.py" in line, "with the test that logged it"


def test_finds_in_an_exception(log, logger):
    """A secret in an exception's text is found."""
    try:
        {}[SECRET]
    except KeyError:
        logger.exception("so it is")
    assert len(log.leaks()) == 1


def test_finds_what_was_logged_before_it_was_planted(logger, log):
    """The record comes first and the secret is named later: it is found all the same."""
    log.secrets.clear()
    logger.info(SECRET)
    assert not log.leaks()
    log.secrets.add(SECRET)
    assert log.leaks()


def test_finds_nothing_in_what_is_harmless(log, logger):
    """Other records are no leak."""
    logger.info("so it is: %s", SECRET[:-1])
    assert not log.leaks()


def test_every_record_of_this_run_is_read(log_of_the_run):
    """A record at DEBUG of any logger is kept."""
    before = len(log_of_the_run.lines)
    logging.getLogger("some.library").debug("as low as it goes")
    assert len(log_of_the_run.lines) == before + 1


def test_short_texts_are_no_secrets(plant):
    """A text that may stand in a log by chance can't be planted."""
    with pytest.raises(AssertionError, match="by chance"):
        plant("short")
