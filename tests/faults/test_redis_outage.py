import asyncio

import pytest
from tests.faults.traffic import PEOPLE
from tests.servers.redis import redis_cluster, redis_server

pytestmark = pytest.mark.redis


def test_killed_and_started_again(keeps_promises_through):
    """A Redis that dies under load and comes back with its file: 503 meanwhile, and every promise is kept."""
    with redis_server() as server:

        async def outage(traffic):
            await asyncio.to_thread(server.kill)
            await traffic.until_refused(PEOPLE)
            await asyncio.to_thread(server.start)

        keeps_promises_through(server.url, outage)


def test_hanging(keeps_promises_through):
    """A Redis that takes connections and answers none: 503 within two seconds, and public pages work."""
    with redis_server() as server:

        async def outage(traffic):
            with server.pause():
                await traffic.until_refused(3 * PEOPLE)

        keeps_promises_through(server.url, outage)


def test_failover_of_a_cluster(keeps_promises_through):
    """A master dies under load: its replica follows, and has every sign-in and sign-out that was answered."""
    with redis_cluster() as cluster:

        async def outage(traffic):
            await asyncio.to_thread(cluster.kill_master, b"any key")
            await traffic.until_refused(1)

        keeps_promises_through(cluster.url, outage)
