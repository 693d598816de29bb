import asyncio

import pytest
from tests.faults.stores import prepared_postgresql
from tests.faults.traffic import PEOPLE

pytestmark = pytest.mark.postgresql


def test_killed_and_started_again(keeps_promises_through):
    """A PostgreSQL that dies under load and recovers: 503 meanwhile, and every promise is kept."""
    with prepared_postgresql() as server:

        async def outage(traffic):
            await asyncio.to_thread(server.kill)
            await traffic.until_refused(PEOPLE)
            await asyncio.to_thread(server.start)

        keeps_promises_through(server.url, outage)


def test_restarted(keeps_promises_through):
    """A PostgreSQL that is restarted in order, as for an update, under load: the same."""
    with prepared_postgresql() as server:

        async def outage(traffic):
            await asyncio.to_thread(server.stop)
            await traffic.until_refused(PEOPLE)
            await asyncio.to_thread(server.start)

        keeps_promises_through(server.url, outage)


def test_hanging(keeps_promises_through):
    """A PostgreSQL that takes connections and answers none: 503 within two seconds, and public pages work."""
    with prepared_postgresql() as server:

        async def outage(traffic):
            with server.pause():
                await traffic.until_refused(3 * PEOPLE)

        keeps_promises_through(server.url, outage)
