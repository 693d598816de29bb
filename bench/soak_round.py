"""One round of the soak: many people with expired tokens ask for theirs at once, while workers die or don't."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.faults.application import AHEAD, create_app
from tests.faults.people import Person
from tests.faults.scene import Scene, scene

from signon.service.tokens import LEASE_SECONDS
from signon_idp import Idp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIGN_INS_AT_ONCE = 32
WORKERS = 4
KILL_SECONDS = 1.0
GONE_SECONDS = 0.1
AGAIN_SECONDS = 0.5
TRIES = 200
"""How often one request is tried, at most, in a round in which workers die."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is asked for: requests are of each person."""

    people: int = 200
    requests: int = 20
    open: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens in a round. `grace_seconds` is how long the provider takes a used refresh token again."""

    name: str
    preload: bool = False
    kills: bool = False
    grace_seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened. People are numbers; a request counts once, however often it was tried."""

    plan: Plan
    seconds: float = 0.0
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    resets: int = 0
    """Connections of workers that died."""
    refused: int = 0
    """Answers with 503, after which a request was tried again."""
    kills: int = 0
    tokens: dict[int, set[str]] = field(default_factory=dict)
    refreshes: dict[int, int] = field(default_factory=dict)
    """What the provider counted."""
    in_flight: set[int] = field(default_factory=set)
    """Whose refresh a worker was at when it was killed."""
    lost: set[int] = field(default_factory=set)
    """Who was told that their tokens have ended."""
    signed_out: set[int] = field(default_factory=set)
    slowest_seconds: float = 0.0

    def violations(self, load: Load) -> list[str]:
        """What must not have happened."""
        found = [f"{count} x {failure}" for failure, count in Counter(self.failures).most_common(5)]
        if self.signed_out:
            found.append(f"{len(self.signed_out)} people were signed out")
        several = [number for number, tokens in self.tokens.items() if len(tokens) != 1]
        if several:
            found.append(f"{len(several)} people got several tokens")
        unexplained = self.lost if self.plan.grace_seconds else self.lost - self.in_flight
        if unexplained:
            found.append(f"{len(unexplained)} people lost their tokens against the rule")
        again = [number for number in range(load.people) if self.refreshes[number] != 1]
        if again and not self.plan.kills:
            found.append(f"{len(again)} sessions had not exactly one refresh")
        never = [number for number in again if self.refreshes[number] == 0]
        if never and self.plan.kills:
            found.append(f"{len(never)} sessions had no refresh")
        expected = load.requests * (load.people - len(self.lost))
        if self.answered < expected:
            found.append(f"{self.answered} requests were answered with a token, of {expected}")
        return found


def run_round(plan: Plan, load: Load, store: str, folder: Path) -> Tally:
    """Sign everybody in, let their tokens expire, then have them all ask at once."""
    notes = folder / f"notes-{time.monotonic_ns()}"
    notes.touch()
    set_up = scene(
        store,
        folder,
        people=load.people,
        workers=WORKERS,
        preload=plan.preload,
        refresh_grace_seconds=plan.grace_seconds,
        environment={"REFRESH_NOTES": str(notes)},
    )
    with set_up as running:
        asyncio.run(sign_in(running.people))
        expire_tokens(running.settings, running.people)
        round_ = Round(plan, load, running, notes)
        asyncio.run(round_.run())
        round_.tally.refreshes = {person.number: refreshes_of(running.idp, person) for person in running.people}
    round_.tally.in_flight = set(round_.cut_short())
    return round_.tally


async def sign_in(people: Sequence[Person]) -> None:
    """Everybody, by the ordinary way."""
    turn = asyncio.Semaphore(SIGN_INS_AT_ONCE)

    async def one(person: Person) -> None:
        async with turn:
            answer = await person.sign_in()
        if not person.has_session:
            msg = f"a sign-in ended with {answer.status} {answer.code}"
            raise RuntimeError(msg)

    await asyncio.gather(*(one(person) for person in people))


def expire_tokens(settings: dict[str, str], people: Sequence[Person]) -> None:
    """Write each session back with an access token that has expired."""
    sessions = create_app(settings).extensions["signon"].party.sessions
    now = time.time()
    for person in people:
        session_id = next(iter(person.cookies.values()))
        session = sessions.load(session_id, now=now)
        expired = replace(session, tokens=replace(session.tokens, expires_at=now - 1))
        if not sessions.replace(session_id, expired, now=now):
            msg = "a session changed while its tokens were made to expire"
            raise RuntimeError(msg)
    sessions.store.close()


def refreshes_of(idp: Idp, person: Person) -> int:
    return sum(count for (_, sid), count in idp.refreshes.items() if sid == person.sid)


class Round:
    """The requests of a round and, where the plan says so, the end of a worker each second."""

    def __init__(self, plan: Plan, load: Load, running: Scene, notes: Path) -> None:
        self.plan = plan
        self.load = load
        self.fleet = running.fleet
        self.people = running.people
        self.notes = notes
        self.killed: set[int] = set()
        self.stranded: Counter[int] = Counter()
        self.waited: set[int] = set()
        self.tally = Tally(plan=plan)

    async def run(self) -> None:
        self.turn = asyncio.Semaphore(self.load.open)
        began = time.monotonic()
        killer = asyncio.create_task(self.kill()) if self.plan.kills else None
        # One person's requests after the other's: those of one come together, which is what makes a race.
        await asyncio.gather(*(self.one(person) for person in self.people for _ in range(self.load.requests)))
        self.tally.seconds = time.monotonic() - began
        if killer is not None:
            killer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killer
        await asyncio.gather(*(self.check_session(person) for person in self.people))

    async def kill(self) -> None:
        while True:
            await asyncio.sleep(KILL_SECONDS)
            victim = random.choice(self.fleet.workers())
            self.fleet.kill_worker(victim)
            self.killed.add(victim)
            self.tally.kills += 1
            await asyncio.sleep(GONE_SECONDS)
            self.stranded = self.cut_short()

    def cut_short(self) -> Counter[int]:
        """How many refreshes of each person were begun by a worker that was killed, and not ended."""
        begun: Counter[tuple[int, int]] = Counter()
        for line in self.notes.read_text(encoding="ascii").splitlines():
            pid, what, number = line.split()
            begun[int(pid), int(number)] += 1 if what == "begin" else -1
        return Counter(
            number for (pid, number), count in begun.items() for _ in range(count) if pid in self.killed
        )

    async def one(self, person: Person) -> None:
        """One request for a token, tried again only where a worker's death may be the reason."""
        async with self.turn:
            for _ in range(TRIES):
                if await self.tried(person):
                    return
                await asyncio.sleep(AGAIN_SECONDS)

    async def tried(self, person: Person) -> bool:
        """Whether the request has come to its end, good or bad."""
        tally = self.tally
        # Nobody waits for the lease of a worker that is dead: for whom it had it, time is moved to its end.
        leases = self.stranded[person.number] + (person.number in self.waited)
        ahead = leases * (LEASE_SECONDS + 1)
        try:
            answer = await person.get("/token", **{AHEAD: str(ahead)})
        except OSError as error:
            tally.resets += 1
            return self.ended(f"no answer: {type(error).__name__}")
        tally.slowest_seconds = max(tally.slowest_seconds, answer.seconds)
        if answer.status == 503:
            tally.refused += 1
            if answer.code == "refresh_waiting":  # killed between the lease and the note of it
                self.waited.add(person.number)
            return self.ended(f"503 {answer.code}")
        if answer.status == 200 and answer.json()["sub"] == person.sub:
            tally.answered += 1
            tally.tokens.setdefault(person.number, set()).add(answer.json()["token"])
        elif answer.status == 401 and answer.code == "tokens_ended":
            tally.lost.add(person.number)
        else:
            tally.failures.append(f"{answer.status} {answer.code or answer.body[:80]!r}")
        return True

    def ended(self, failure: str) -> bool:
        """In a round without deaths this is a failure; else a reason to try again."""
        if not self.plan.kills:
            self.tally.failures.append(failure)
        return not self.plan.kills

    async def check_session(self, person: Person) -> None:
        """Whoever was signed in before still is, as the same person, tokens or not."""
        for _ in range(TRIES):
            with contextlib.suppress(OSError):  # the worker that was killed last took it along
                answer = await person.get("/who")
                if answer.status != 503:
                    break
            await asyncio.sleep(AGAIN_SECONDS)
        if answer.status != 200 or answer.json()["sub"] != person.sub:
            self.tally.signed_out.add(person.number)
