"""Ways in which any JSON answer can be wrong, shared by the endpoints' tables."""

import gzip
from collections.abc import Callable

from signon_idp.faults.kinds import Bend
from signon_idp.model import JsonObject
from signon_idp.replies import Reply, dump
from signon_idp.scene import Scene

TOO_LARGE_BYTES = 2 * 1024 * 1024
MOVED_PATH = "/moved"

BendReply = Bend[Reply]
BendMembers = Callable[[JsonObject, Scene], JsonObject]


def with_body(reply: Reply, body: bytes) -> Reply:
    """`reply` with another body."""
    return Reply(status=reply.status, body=body, content_type=reply.content_type, headers=reply.headers)


def body(text: bytes) -> BendReply:
    """Answer `text`."""
    return lambda reply, _scene: with_body(reply, text)


def members(change: BendMembers) -> BendReply:
    """Answer the changed members."""
    return lambda reply, scene: with_body(reply, dump(change(reply.members(), scene)))


def having(**changes: object) -> BendMembers:
    """The members with `changes` made."""
    return lambda found, _scene: {**found, **changes}


def without(member: str) -> BendMembers:
    """The members without `member`."""
    return lambda found, _scene: {name: value for name, value in found.items() if name != member}


def raw_member(member: str, text: bytes) -> BendReply:
    """Answer `member` as this very JSON text, which no JSON writer would produce."""

    def bend(reply: Reply, scene: Scene) -> Reply:
        return with_body(reply, raw_object(without(member)(reply.members(), scene), member, text))

    return bend


def raw_object(found: JsonObject, member: str, text: bytes) -> bytes:
    """JSON of `found` with one more member, whose value is `text` as it stands."""
    return dump(found)[:-1] + b"," + dump(member) + b":" + text + b"}"


def twice(member: str, first: object) -> BendReply:
    """Answer `member` two times: `first`, then the healthy value, which a careless reader takes."""

    def bend(reply: Reply, _scene: Scene) -> Reply:
        return with_body(reply, b"{" + dump(member) + b":" + dump(first) + b"," + reply.body[1:])

    return bend


def in_array(reply: Reply, _scene: Scene) -> Reply:
    """Answer the healthy object as the one element of an array."""
    return with_body(reply, b"[" + reply.body + b"]")


def too_large(reply: Reply, _scene: Scene) -> Reply:
    """Answer the healthy object with 2 MiB of blanks behind it."""
    return with_body(reply, reply.body + b" " * TOO_LARGE_BYTES)


def typed(content_type: str) -> BendReply:
    """Answer the healthy body under another content type."""
    return lambda reply, _scene: Reply(
        status=reply.status, body=reply.body, content_type=content_type, headers=reply.headers
    )


def status(code: int) -> BendReply:
    """Fail with this status and a line of text."""
    return lambda _reply, _scene: Reply(
        status=code, body=b"Something went wrong on purpose.\n", content_type="text/plain; charset=utf-8"
    )


def error(code: int, name: str) -> BendReply:
    """Fail with an OAuth error object."""
    return lambda _reply, _scene: Reply(
        status=code, body=dump({"error": name, "error_description": "refused on purpose"})
    )


def redirect(reply: Reply, scene: Scene) -> Reply:
    """Redirect to another address of the provider, which counts who follows; 307 keeps method and body."""
    location = scene.issuer.rstrip("/") + MOVED_PATH
    return Reply(status=307, content_type=None, headers=(*reply.headers, ("Location", location)))


def gzipped(reply: Reply, _scene: Scene) -> Reply:
    """Answer the healthy body compressed, though nobody asked for that."""
    headers = (*reply.headers, ("Content-Encoding", "gzip"))
    return Reply(body=gzip.compress(reply.body), content_type=reply.content_type, headers=headers)
