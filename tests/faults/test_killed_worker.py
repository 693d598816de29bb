"""Workers that are killed (-9) in the middle of a request: before each of its store operations, and its answer."""

from contextlib import nullcontext

import pytest
from tests.faults import own_loop
from tests.faults.application import AHEAD, DIE_AT
from tests.faults.scene import GRACE_SECONDS, scene

from signon.service.tokens import LEASE_SECONDS

DUE = {AHEAD: "2"}
"""When an access token that lives for a second is over."""
LATER = {AHEAD: str(LEASE_SECONDS + 3)}
"""When the lease of a worker that was killed then is over."""


@pytest.fixture
def scene_with(tmp_path):
    def build(**options):
        store = f"sqlite:///{tmp_path}/sessions.sqlite3"
        return scene(store, tmp_path, people=1, workers=2, preload=True, access_token_seconds=1, **options)

    return build


async def died(asked):
    """Whether the worker died before it answered; the last step that there is lets it answer."""
    try:
        answer = await asked
    except OSError:
        return True
    assert answer.status in {200, 303}
    return False


async def is_signed_in(person):
    answer = await person.get("/who")
    return answer.status == 200 and answer.json()["sub"] == person.sub


def test_in_a_sign_in(scene_with):
    """Whenever the worker dies in a callback, a reload is no error of ours, and a new sign-in works at once."""

    async def dies_at(step, person):
        person.cookies.clear()
        begun = await person.begin()
        if not await died(person.finish(begun, **{DIE_AT: str(step)})):
            return False
        assert not person.has_session
        reloaded = await person.finish(begun)
        assert reloaded.status == 303 or reloaded.code == "state_used"
        assert person.has_session or (await person.sign_in()).status == 303
        assert await is_signed_in(person)
        return True

    assert steps(scene_with(), dies_at) > 3


def test_in_a_sign_out(scene_with):
    """Whenever the worker dies in a sign-out, the next one is answered, and after it the session is dead."""

    async def dies_at(step, person):
        person.cookies.clear()
        await person.sign_in()
        copied = dict(person.cookies)
        dead = await died(person.sign_out(**{DIE_AT: str(step)}))
        if dead:
            assert (await person.sign_out()).status == 303
        person.cookies = copied
        assert (await person.get("/who")).status == 401
        return dead

    assert steps(scene_with(), dies_at) > 3


def steps(prepared, dies_at):
    """Let the worker die at the first step, at the second, and so on; how many there are."""

    async def story(person):
        step = 1
        while await dies_at(step, person):
            step += 1
        return step

    with prepared as set_up:
        return own_loop.run(story(set_up.people[0]))


@pytest.mark.parametrize(("grace_seconds", "lost"), [(GRACE_SECONDS, 0), (0, 1)])
def test_in_a_refresh(scene_with, grace_seconds, lost):
    """Whenever the worker dies in a refresh, there is a token once the lease is over, and the session stays.

    Without the provider's grace tokens are lost where it had given new ones that were not saved yet, only there.
    """
    with scene_with(refresh_grace_seconds=grace_seconds) as set_up:
        outcomes = []

        async def dies_at(step, person):
            person.cookies.clear()
            await person.sign_in()
            before = set_up.idp.refreshes.total()
            if not await died(person.get("/token", **DUE, **{DIE_AT: str(step)})):
                return False
            asked = set_up.idp.refreshes.total() > before
            answer = await person.get("/token", **LATER)
            outcomes.append((asked, answer.code or answer.status))
            assert await is_signed_in(person)
            return True

        assert steps(nullcontext(set_up), dies_at) > 5
    assert {outcome for asked, outcome in outcomes if not asked} == {200}
    assert {outcome for asked, outcome in outcomes if asked} <= {200, "tokens_ended"}
    assert [outcome for _, outcome in outcomes].count("tokens_ended") == lost
