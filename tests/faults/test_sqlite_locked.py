"""SQLite while another process writes: writers wait a second, then refuse; readers are served."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from tests.faults import own_loop
from tests.faults.application import AHEAD
from tests.faults.scene import scene
from tests.faults.traffic import LIMIT_SECONDS

TIMEOUT_SECONDS = 1.0


@pytest.fixture
def locked_while(tmp_path):
    """Run a story of two people, the first of them signed in, while the file is locked; it may `release` it."""
    path = tmp_path / "sessions.sqlite3"

    def run(story):
        async def around(first, second, connection):
            assert (await first.sign_in()).status == 303
            begun = await second.begin()
            connection.execute("BEGIN IMMEDIATE")
            await story(first, second, begun, connection.rollback)

        store = f"sqlite:///{path}"
        with (
            scene(store, tmp_path, people=2, workers=2, preload=True) as set_up,
            closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection,
        ):
            own_loop.run(around(*set_up.people, connection))

    return run


def is_refusal(answer):
    """Whether it is a 503 that came after the wait, soon enough, and says when to come again."""
    assert TIMEOUT_SECONDS <= answer.seconds < LIMIT_SECONDS
    assert answer.header("retry-after").isdigit()
    return (answer.status, answer.code) == (503, "store_unavailable")


def test_pages_are_served(locked_while):
    """Who is signed in sees their pages meanwhile, and with them everybody the public ones."""

    async def story(first, second, begun, release):
        assert (await first.get("/who")).json()["sub"] == first.sub
        assert (await second.get("/public")).status == 200

    locked_while(story)


def test_a_sign_in_is_refused_and_can_be_reloaded(locked_while):
    """A callback waits, answers 503 and keeps its cookie; once the lock is gone a reload of it signs in."""

    async def story(first, second, begun, release):
        assert is_refusal(await second.finish(begun))
        assert not second.has_session
        release()
        assert (await second.finish(begun)).status == 303
        assert (await second.get("/who")).json()["sub"] == second.sub

    locked_while(story)


def test_a_sign_out_is_refused_and_can_be_repeated(locked_while):
    """A sign-out that can't be written is no sign-out: 503, and the session lives until one is answered."""

    async def story(first, second, begun, release):
        copied = dict(first.cookies)
        assert is_refusal(await first.sign_out())
        assert (await first.get("/who")).status == 200
        release()
        assert (await first.sign_out()).status == 303
        first.cookies = copied
        assert (await first.get("/who")).status == 401

    locked_while(story)


def test_a_short_lock_is_waited_for(locked_while):
    """A callback that meets a lock of less than a second is answered when it is gone."""

    async def story(first, second, begun, release):
        waiting = asyncio.create_task(second.finish(begun))
        done, _ = await asyncio.wait({waiting}, timeout=TIMEOUT_SECONDS / 3)
        assert not done
        release()
        assert (await waiting).status == 303

    locked_while(story)


def test_a_use_that_cannot_be_noted(locked_while):
    """A page that should prolong its session is served or refused, in time either way; the session lives on."""

    async def story(first, second, begun, release):
        answer = await first.get("/who", **{AHEAD: "120"})
        assert answer.status in {200, 503}
        assert answer.seconds < LIMIT_SECONDS
        release()
        assert (await first.get("/who", **{AHEAD: "120"})).status == 200

    locked_while(story)
