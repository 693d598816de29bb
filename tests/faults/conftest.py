"""An outage under load, from its beginning to the last promise."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.faults import own_loop
from tests.faults.scene import scene
from tests.faults.traffic import LIMIT_SECONDS, PEOPLE, Traffic


@pytest.fixture
def keeps_promises_through(tmp_path: Path) -> Callable[[str, Callable[[Traffic], Awaitable[None]]], None]:
    """Serve the application on a store and run an outage in the middle of traffic.

    Demands that every answer was right, every refusal and every public page quick, and every promise kept.
    """

    def run(store: str, outage: Callable[[Traffic], Awaitable[None]]) -> None:
        async def story(traffic: Traffic) -> None:
            async with traffic:
                await traffic.until_everybody_was_served()
                await outage(traffic)
                await traffic.until_everybody_was_served()
            await traffic.check_promises()

        with scene(store, tmp_path, people=PEOPLE, access_token_seconds=1) as set_up:
            traffic = Traffic(set_up.people)
            own_loop.run(story(traffic))
        assert dict(traffic.faults) == {}
        assert traffic.refused, "nothing was refused, so nothing was broken"
        assert len(traffic.ended) >= PEOPLE // 2
        assert traffic.slowest_refusal < LIMIT_SECONDS
        assert traffic.slowest_public < LIMIT_SECONDS

    return run
