"""Work that nobody waits for: one thread of this process does it, one job after the other.

For what is done as well as can be, such as revoking tokens after a sign-out: what doesn't fit into the queue, and
what is left of it when the process ends, is not done.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from queue import Full, Queue
from typing import TypeAlias

from signon.core.errors import SignOnError, StoreUnavailable

Job: TypeAlias = Callable[[], object]

WAITING_JOBS = 256
"""A job of ours takes a request or two to a provider, 10 s at the very most; a session is 40 KB at most."""

INSIST_PAUSE_SECONDS = 0.25

_log = logging.getLogger("signon.runtime")
_queues: dict[int, Queue[Job]] = {}
"""By process id: after a fork the thread is the parent's, and its queue may be locked for ever."""


def submit(job: Job) -> bool:
    """Have something done soon; False, and a line in the log, where too much is waiting. Never raises."""
    try:
        _queue().put_nowait(job)
    except (Full, RuntimeError):  # RuntimeError: the process can have no more threads
        _log.warning("too much is waiting in the background: something is left undone")
        return False
    return True


def insist(job: Job, *, seconds: float) -> bool:
    """Have something done that the store must hear of, again and again for so long while that is away."""
    ends_at = time.monotonic() + seconds

    def attempt() -> None:
        try:
            job()
        except StoreUnavailable:
            if time.monotonic() >= ends_at:
                raise
            time.sleep(INSIST_PAUSE_SECONDS)
            submit(attempt)

    return submit(attempt)


def _queue() -> Queue[Job]:
    process = os.getpid()
    queue = _queues.get(process)
    if queue is not None:
        return queue
    new: Queue[Job] = Queue(WAITING_JOBS)
    queue = _queues.setdefault(process, new)
    if queue is new:
        try:
            threading.Thread(target=_work, args=(queue,), name="signon-background", daemon=True).start()
        except RuntimeError:
            del _queues[process]
            raise
    return queue


def _work(queue: Queue[Job]) -> None:
    while True:
        job = queue.get()
        try:
            job()
        except SignOnError as error:
            _log.warning("a job in the background has failed: %s", error)
        except Exception as error:  # noqa: BLE001 - the next job is not to blame, and an exception's text may hold anything
            _log.error("a job in the background has failed: %s", type(error).__name__)
        del job  # it may hold a session, and the next one may be hours away
