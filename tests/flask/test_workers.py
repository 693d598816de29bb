import logging

import pytest

from signon.flask.workers import worker_count


@pytest.mark.parametrize(
    ("environ", "arguments", "workers"),
    [
        ({}, ["flask", "run"], 1),
        ({}, ["gunicorn", "-w", "4", "app:app"], 4),
        ({}, ["gunicorn", "-w4", "app:app"], 4),
        ({}, ["gunicorn", "--workers=3", "app:app"], 3),
        ({}, ["gunicorn", "--workers", "2", "app:app"], 2),
        ({"WEB_CONCURRENCY": "5"}, ["gunicorn", "app:app"], 5),
        ({"WEB_CONCURRENCY": "5"}, ["gunicorn", "-w", "1", "app:app"], 1),
        ({"WEB_CONCURRENCY": "many"}, [], 1),
        ({}, ["gunicorn", "-w"], 1),
    ],
)
def test_workers_are_counted(environ, arguments, workers):
    """The number of workers is what gunicorn was asked for, its option before the environment."""
    assert worker_count(environ, arguments) == workers


@pytest.mark.parametrize(("sessions", "warned"), [("memory:", True), ("sqlite:///x.db", False)])
def test_memory_with_several_workers_is_warned_of(make_app, monkeypatch, caplog, sessions, warned):
    """Sessions in memory with several workers start with a warning of what will happen; SQLite needs none."""
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    with caplog.at_level(logging.WARNING, logger="signon"):
        make_app(SIGNON_SESSIONS=sessions)
    assert any("4 workers" in record.getMessage() for record in caplog.records) == warned
