"""What there is to see in the demo, in groups: for the first page and for the menu of all others."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, url_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One page: what it is called, and one line on what it shows."""

    endpoint: str = ""
    setting: str = ""
    """Where it is on an origin of its own: the key of the configuration that has its address."""
    title: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pages that belong together; `line` says to somebody who hasn't signed in what waits there."""

    title: str
    line: str
    stops: tuple[Stop, ...]


TOUR = (
    Group(
        title="You and your tokens",
        line="Every claim of the sign-in, its tokens, what they are good for, and your permissions.",
        stops=(
            Stop(
                endpoint="demo.profile",
                title="Your profile",
                line="who the provider says you are, and every claim that came with the sign-in.",
            ),
            Stop(
                endpoint="demo.tokens",
                title="Your tokens",
                line="ask the provider about them, check, refresh and revoke them.",
            ),
            Stop(
                endpoint="demo.permissions",
                title="Your permissions",
                line="what you may do, and pages that open to some people only.",
            ),
            Stop(
                endpoint="demo.password",
                title="Your password",
                line="change it under the provider's rules, or have a link mailed.",
            ),
        ),
    ),
    Group(
        title="Who is there, really?",
        line="Pages that ask again before something that matters.",
        stops=(
            Stop(
                endpoint="demo.recent",
                title="Recent sign-in",
                line="a page that asks again when you signed in a while ago.",
            ),
            Stop(
                endpoint="demo.payment",
                title="A payment",
                line="needs a stronger sign-in than the other pages.",
            ),
        ),
    ),
    Group(
        title="Other ways in",
        line="New accounts, organizations, invitations, portals, and the flows that are off by default.",
        stops=(
            Stop(
                endpoint="demo.ways",
                title="Ways to begin",
                line="new accounts, organizations, portals, and sign-ins with a wish.",
            ),
            Stop(
                endpoint="demo.grants",
                title="Other grants",
                line="a token for the application itself, and two older flows.",
            ),
        ),
    ),
    Group(
        title="Scripts and APIs",
        line="A guarded API, a single-page application, and a stranger's page that gets nowhere.",
        stops=(
            Stop(
                endpoint="demo.api",
                title="A guarded API",
                line="the application's own tokens, with and without the right to come in.",
            ),
            Stop(
                endpoint="demo.single_page",
                title="A single-page application",
                line="scripts that know who you are and never hold a token.",
            ),
            Stop(
                setting="DEMO_STRANGER",
                title="A stranger's page",
                line="on another site, trying to read and change what is yours.",
            ),
        ),
    ),
    Group(
        title="Leaving",
        line="Here, at the provider, and everywhere else where you have signed in.",
        stops=(
            Stop(
                endpoint="signon.sessions",
                title="Your sessions",
                line="each browser that knows you, and the end of those that shouldn't.",
            ),
            Stop(
                endpoint="demo.leaving",
                title="Ways to leave",
                line="this application, the provider, or all at once; and what happens when the provider begins.",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stop and the address that it has here."""

    stop: Stop
    address: str


def tour() -> list[tuple[Group, list[Place]]]:
    """The groups with the pages that there are."""
    return [(group, [place for place in map(_place, group.stops) if place is not None]) for group in TOUR]


def _place(stop: Stop) -> Place | None:
    if stop.setting:
        address = current_app.config.get(stop.setting)
        return Place(stop=stop, address=address) if address else None
    return Place(stop=stop, address=url_for(stop.endpoint))
