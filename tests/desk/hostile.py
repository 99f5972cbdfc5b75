"""What a hostile medium, sender or relay with real keys can make of drops, for nodes that know them."""

from __future__ import annotations

import hashlib
import io
import resource
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest
from tests.desk.drops import take
from tests.desk.made import CLOCK, NOW
from tests.drop.made import encrypted, frame, lines, listed, plaintext, root_of

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.recipients import channel_name, recipient_of
from backchannel.drop.links import Group, Line, read_lines
from backchannel.drop.manifest import NO_ROOT, signer
from backchannel.drop.opening import Opened, open_drop
from backchannel.drop.sealing import Keys
from backchannel.drop.writer import Contents, Recipients, write_drop
from backchannel.parties.age_keys import to_identity
from backchannel.parties.kid import Use
from backchannel.provenance.predicates import Chunk, Relay, Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    RootSubject,
    SigningKey,
    content_of,
    digest_text,
    format_seconds,
    make,
    open_envelope,
)

MAX_CPU_S = 5.0


def signing_key(node: Node) -> SigningKey:
    key = own_keys(node, CLOCK).keyring.present(Use.SIGN)
    return SigningKey(key.kid, key.sign)


def identities(node: Node) -> Keys:
    return Keys(tuple(to_identity(key.secret) for key in own_keys(node, CLOCK).keyring.openers()))


def draft(sender: Node, to: Node, **changes: object) -> Release:
    """A manifest of the next drop of `sender`, which is not counted."""
    now = CLOCK.now()
    fields: dict[str, object] = {
        "bundle": "4f" * 16,
        "from_": signing_key(sender).kid,
        "to": [recipient_of(sender, to.party.name).sign],
        "chan": channel_name(
            own_keys(sender, CLOCK).card.party, recipient_of(sender, to.party.name).identity
        ),
        "seq": 0,
        "created": format_seconds(now),
        "expires": format_seconds(now + timedelta(days=30)),
        "tlp_max": "amber",
        "root": NO_ROOT,
        "n": 0,
        "chunks": [],
    }
    return Release(**(fields | changes))  # type: ignore[arg-type]


def forged(
    sender: Node,
    to: Node,
    chunks: Sequence[tuple[str, bytes]],
    *,
    listing: list[Chunk] | None = None,
    **changes: object,
) -> bytes:
    """A drop of these chunks with a signed manifest that lists them, or whatever it is given."""
    release = draft(sender, to, chunks=listed(chunks) if listing is None else listing, **changes)
    signed = signer(signing_key(sender))(release).frame
    plain = plaintext(frame("M", signed), *(frame(kind, body) for kind, body in chunks))
    return encrypted(plain, recipient_of(sender, to.party.name).age_recipient)


def with_objects(sender: Node, to: Node, *objects: bytes, **changes: object) -> bytes:
    """A drop that holds these bytes as its objects, all hashes and the root right."""
    return forged(sender, to, [("O", lines(*objects))], n=len(objects), root=root_of(*objects), **changes)


@dataclass(slots=True)
class Parts:
    """What is in a drop, to be changed by a relay."""

    objects: list[JsonObject]
    salts: list[bytes]
    statements: list[bytes]
    links: list[Line]
    release: Release


def opened_by(node: Node, data: bytes) -> Parts:
    """Open a drop as its reader can, without judging it."""
    path = node.home / "opened.bcb"
    path.write_bytes(data)

    def unverified(signed: bytes) -> object:
        from backchannel.drop.manifest import Manifest  # noqa: PLC0415
        from backchannel.provenance.statement import content_of, open_envelope  # noqa: PLC0415

        release = content_of(open_envelope(signed, max_bytes=2**20).statement)
        assert isinstance(release, Release)
        return Manifest(release, signed, "")

    with (
        path.open("rb") as file,
        open_drop(file, keys=identities(node), verify=unverified, private=node.home) as opened,  # type: ignore[arg-type]
    ):
        return _parts(opened)


def _parts(opened: Opened) -> Parts:
    salted = list(opened.objects())
    bodies = [opened._body(chunk) for chunk in opened.release.chunks if chunk.type == "L"]
    return Parts(
        [codec.decode(one.jcs) for one in salted],
        [one.salt for one in salted],
        list(opened.statements()),
        list(read_lines(bodies)),
        opened.release,
    )


def made_of(parts: Parts, sender: Node, to: Node) -> bytes:
    """A drop of these parts, signed by `sender` as an honest one would be."""
    release = msgspec.structs.replace(parts.release, chunks=[], n=0, root=NO_ROOT)
    target = io.BytesIO()
    write_drop(
        target,
        Contents(parts.objects, parts.statements, (), parts.links),
        release,
        seal=signer(signing_key(sender)),
        to=Recipients((recipient_of(sender, to.party.name).age_recipient,)),
        private=sender.home,
        salts=parts.salts,
    )
    return target.getvalue()


def resaid(parts: Parts, beta: Node, *, subject: RootSubject | None = None, **changes: object) -> None:
    """Let Beta say its relay statement anew, with other words, or about other objects."""
    at, envelope = next(
        (at, one)
        for at, one in enumerate(parts.statements)
        if open_envelope(one).statement.predicate_type == "relay"
    )
    opened = open_envelope(envelope)
    said = content_of(opened.statement)
    assert isinstance(said, Relay)
    again = make(
        msgspec.structs.replace(said, **changes),
        subject=subject or opened.statement.subject,
        aud=opened.statement.aud,
        key=signing_key(beta),
        iat=NOW,
    )
    parts.statements[at] = again
    rename(parts, digest_text(opened.digest), digest_text(open_envelope(again).digest))


def rename(parts: Parts, old: str, new: str) -> None:
    """Let the links name a statement by its new digest."""
    parts.links = [
        msgspec.structs.replace(line, chain=tuple(new if one == old else one for one in line.chain))
        if isinstance(line, Group)
        else msgspec.structs.replace(line, of=new if line.of == old else line.of)
        for line in parts.links
    ]


@contextmanager
def measured() -> Iterator[None]:
    """See that no more CPU time is used than a refusal may take, in this process and in those that it ends meanwhile.

    Memory is measured where the command runs alone (`tests/cli/test_hostile_drops.py`): a process begins with the
    high-water mark of the one that started it.
    """
    before = cpu_s()
    yield
    assert cpu_s() - before < MAX_CPU_S


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def is_refused(node: Node, data: bytes, *reasons: Reason, clock: Clock = CLOCK) -> Rejected:
    """See that a drop is refused for this reason, leaves nothing but its original, and costs no more than it may."""
    before = everything(node)
    with measured(), pytest.raises(Rejected) as caught:
        take(node, data, clock)
    assert caught.value.reason in reasons, caught.value.message
    assert everything(node) == before
    number = node.store.statements.refused_as(hashlib.sha256(data).digest())
    assert number is not None
    row = node.store.statements.refused_row(number)
    assert row is not None
    assert row.reason == caught.value.reason
    kept = node.store.statements.refused_body(number)
    assert (kept or (node.home / "quarantine" / row.sha256.hex()).read_bytes()) == data
    assert list((node.home / "private").iterdir()) == []
    return caught.value


def everything(node: Node) -> tuple[object, ...]:
    """What a drop could have changed."""
    ask = node.store.database.execute
    tables = ("object", "arrival", "batch", "finding", "statement_subject", "received_drop", "taken")
    return tuple(ask(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


def why_quarantined(node: Node, ids: Iterable[str]) -> dict[str, str]:
    """Id to why it is kept in quarantine; "" for one that is used."""
    found: dict[str, str] = {}
    for one in ids:
        [kept, *_] = node.store.objects.all_versions(one, at_most=5)
        findings = node.store.objects.findings([kept.object_row]).get(kept.object_row, ())
        said = [finding.what for finding in findings if finding.level == "quarantine"]
        assert bool(said) is kept.quarantined
        found[one] = said[0].partition(":")[0] if said else ""
    return found
