"""One worker of several that share a SQLite file: uses a session's token from four threads at the same moment."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from signon.core.client_auth import Client
from signon.core.metadata import Metadata
from signon.core.provider import Provider
from signon.core.values import Secret
from signon.runtime.cache import Runtime
from signon.service.party import RelyingParty
from signon.service.tokens import usable
from signon.sessions.sealer import Sealer
from signon.sessions.sessions import Sessions
from signon.sessions.sqlite import SqliteStore

KEY = "a-sealing-key-that-only-these-workers-know"
THREADS = 4


def make_worker(issuer: str, path: str) -> RelyingParty:
    """A relying party of a provider without ID tokens, whose addresses are known."""
    metadata = Metadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        jwks_uri=f"{issuer}/jwks",
    )
    client = Client(client_id="client-1", secret=Secret("a-secret"))
    provider = Provider(name="op", label="Op", issuer=issuer, client=client, metadata=metadata)
    sealer = Sealer([Secret(KEY)])
    return RelyingParty(
        providers={"op": provider},
        runtime=Runtime(),
        sessions=Sessions(SqliteStore(path), sealer, session_seconds=3600),
        sealer=sealer,
        clock=time.time,
        session_seconds=3600,
    )


def main(issuer: str, path: str, session_id: str) -> None:
    party = make_worker(issuer, path)
    session = party.sessions.load(session_id, now=time.time())
    assert session is not None
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [pool.submit(usable, party, session_id, session) for _ in range(THREADS)]
        for answer in answers:
            print(answer.result().tokens.access_token.reveal())  # type: ignore[union-attr]  # it has tokens


if __name__ == "__main__":
    main(*sys.argv[1:])
