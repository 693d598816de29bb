"""People who sign in, look at pages, get tokens and sign out while something breaks; every answer is judged.

A refusal must be a 503 that says when to come again, and come within two seconds. Somebody whose sign-in was
answered is signed in from then on, somebody whose sign-out was answered is not, and nobody is ever somebody else.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from tests.faults.people import Answer, Person, ask

PEOPLE = 12
LIMIT_SECONDS = 2.0
PATIENCE_SECONDS = 40
_THINK_SECONDS = 0.02
_LOOKS = 4
_MOST_LOOKS = 1000
_PUBLIC_VISITORS = 2


class Traffic:
    """Runs inside `async with`; `faults` says what was answered that must not be, one sentence a kind."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people
        self.faults: Counter[str] = Counter()
        self.refused = 0
        self.slowest_refusal = 0.0
        self.slowest_public = 0.0
        self.ended: list[tuple[Person, dict[str, str]]] = []
        """The cookies of sessions that were signed out, as somebody may have copied them before."""
        self._served: Counter[int] = Counter()
        self._news = asyncio.Event()
        self._leaving = False

    async def __aenter__(self) -> Self:
        visits = [self._live(person) for person in self.people]
        visits += [self._look_at_public(self.people[0].application) for _ in range(_PUBLIC_VISITORS)]
        self._tasks = [asyncio.create_task(visit) for visit in visits]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        await asyncio.gather(*self._tasks)

    async def until_everybody_was_served(self) -> None:
        """Until each person has seen a page of theirs from now on."""
        before = self._served.copy()
        await self._until(lambda: all(self._served[p.number] > before[p.number] for p in self.people))

    async def until_refused(self, times: int) -> None:
        """Until so many more requests have been refused."""
        before = self.refused
        await self._until(lambda: self.refused >= before + times)

    async def check_promises(self) -> None:
        """Whoever is signed in is, and no session that was signed out lives. Only when the traffic has left."""
        for person in self.people:
            answer = await self._until_served(person) if person.has_session else None
            if answer and answer.status == 401:
                self.faults["somebody was signed out"] += 1
            elif answer:
                self._is(person, answer)
        for person, cookies in self.ended:
            person.cookies = cookies
            answer = await self._until_served(person)
            if answer.status != 401:
                self.faults[f"a session that was signed out answered {answer.status}"] += 1

    async def _until_served(self, person: Person) -> Answer:
        """A look at their page, again while it is refused: a part of a cluster may be slower to come back."""
        for _ in range(_MOST_LOOKS):
            answer = await person.get("/who")
            if answer.status != 503:
                break
            await asyncio.sleep(_THINK_SECONDS)
        return answer

    async def _until(self, so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            msg = (
                f"waited in vain, with {self.refused} refused, {dict(self._served)} served and {dict(self.faults)}"
            )
            raise AssertionError(msg) from None

    async def _live(self, person: Person) -> None:
        while not self._leaving:
            if not await self._sign_in(person):
                continue
            for _ in range(_LOOKS):
                await self._look(person)
            await self._get_token(person)
            if person.number % 2:
                await self._sign_out(person)

    async def _sign_in(self, person: Person) -> bool:
        if person.has_session:
            return True
        begun = await self._judged(person.begin(), expected=303)
        answer = begun and await self._judged(person.finish(begun), expected=303)
        if begun and answer is None:  # the cookie of the sign-in is kept, so that a reload may work
            answer = await self._judged(person.finish(begun), expected=303, also="state_used")
        if answer and answer.status == 303 and not person.has_session:
            self.faults["a sign-in that was answered gave no session"] += 1
        return person.has_session

    async def _look(self, person: Person) -> None:
        answer = await self._judged(person.get("/who"), expected=200)
        if answer:
            self._is(person, answer)

    async def _get_token(self, person: Person) -> None:
        answer = await self._judged(person.get("/token"), expected=200)
        if answer:
            self._is(person, answer)

    async def _sign_out(self, person: Person) -> None:
        cookies = dict(person.cookies)
        while await self._judged(person.sign_out(), expected=303) is None:
            pass
        self.ended.append((person, cookies))

    def _is(self, person: Person, answer: Answer) -> None:
        if answer.json().get("sub") != person.sub:
            self.faults["somebody was shown somebody else's page"] += 1
        self._served[person.number] += 1

    async def _look_at_public(self, origin: str) -> None:
        while not self._leaving:
            answer = await self._judged(ask(origin, "/public", {}), expected=200, refusable=False)
            if answer:
                self.slowest_public = max(self.slowest_public, answer.seconds)

    async def _judged(
        self, asked: Awaitable[Answer], *, expected: int, also: str = "", refusable: bool = True
    ) -> Answer | None:
        """The answer, or None where it was a refusal or a fault. `also` is a code that is no fault."""
        await asyncio.sleep(_THINK_SECONDS)
        try:
            answer = await asked
        except OSError as error:
            self.faults[f"no answer: {type(error).__name__}"] += 1
            return None
        self._news.set()
        if answer.status == expected or (also and answer.code == also):
            return answer
        if answer.status != 503 or not refusable:
            self.faults[f"{answer.status} {answer.code} where {expected} was expected"] += 1
        else:
            self.refused += 1
            if answer.code == "store_unavailable":  # who waits for another's refresh may wait for longer
                self.slowest_refusal = max(self.slowest_refusal, answer.seconds)
            if not answer.header("retry-after").isdigit():
                self.faults["a refusal didn't say when to come again"] += 1
        return None
