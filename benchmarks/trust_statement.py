"""One signature for a whole drop against one for each object: canonical form, digest, salted leaf, root, signature.

    python -m benchmarks.trust_statement [--objects N]

Counts CPU time of this process. Out is what a sender computes beside packing and encrypting; in is what a reader
computes beside opening. The peer is signing and verifying each object by itself, on the same work in the same run.
Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.ids import sha256
from backchannel.parties.keyring import new_key
from backchannel.parties.kid import Use
from backchannel.provenance.leaves import RunningRoot, grow, leaf, proves, salts
from backchannel.provenance.predicates import Origin
from backchannel.provenance.statement import (
    EVERYBODY,
    ObjectSubject,
    RootSubject,
    SigningKey,
    digest_text,
    make,
)
from backchannel.provenance.verification import KnownKey, Terms, verify
from benchmarks.measure import machine

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
GOAL_OUT, GOAL_IN, GOAL_PROOFS = 50_000, 40_000, 20_000
"""Objects (proofs) per second of CPU time; the first two are goals of the whole drop, of which this is a part."""


def objects(n: int) -> list[JsonObject]:
    """Indicators as parties send them, about 0.7 kB each."""
    return [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
            "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
            "created": "2026-01-02T03:04:05.000Z",
            "modified": "2026-01-02T03:04:05.000Z",
            "name": f"C2 {number} of the loader",
            "description": "Seen in the logs of a partner, between two hosts that never spoke before. " * 2,
            "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value = 'h{number}.example.net']",
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": "2026-01-02T03:04:05Z",
            "labels": ["loader", "case-88"],
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }
        for number in range(n)
    ]


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of a piece of work, and what it gives."""
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def main() -> int:
    """Measure, print, and say whether the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    n = parser.parse_args().objects
    secret = new_key(Use.SIGN, NOW)
    key = SigningKey(secret.kid, secret.sign)
    known = KnownKey(
        kid=secret.kid,
        use=Use.SIGN,
        public=secret.public,
        party="identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        name="us",
        valid_from=NOW - timedelta(days=1),
        valid_until=NOW + timedelta(days=1),
    )
    origin = Origin(collection="first-hand", otag="0f" * 32)
    values = objects(n)
    salted = salts(os.urandom(32), n)

    def out() -> tuple[bytes, list[bytes]]:
        bodies = [codec.canonical(value) for value in values]
        tree = grow(salted, [sha256(body) for body in bodies])
        return make(origin, subject=tree.subject, aud=EVERYBODY, key=key, iat=NOW), bodies

    def read(envelope: bytes, bodies: list[bytes]) -> None:
        terms = Terms(now=NOW, me=None, seen=None)
        subject = verify(envelope, {known.kid: known}.get, terms).statement.subject
        root = RunningRoot()
        for body, one in zip(bodies, salted, strict=True):
            value = codec.decode_plain(body)
            assert value is not None
            assert codec.canonical(value, is_plain=True) == body
            root.add(leaf(one, sha256(body)))
        assert subject == RootSubject(root=digest_text(root.root()), n=n)

    seconds_out, made = cpu(out)
    envelope, bodies = made  # type: ignore[misc]
    seconds_in, _ = cpu(lambda: read(envelope, bodies))

    tree = grow(salted, [sha256(body) for body in bodies])
    few = range(0, n, max(1, n // 5_000))
    proofs = [(tree.proof(index), sha256(bodies[index])) for index in few]
    seconds_proofs, good = cpu(lambda: all(proves(proof, digest, tree.subject) for proof, digest in proofs))
    assert good

    some = values[: min(n, 2_000)]

    def each() -> list[bytes]:
        return [
            make(
                origin,
                subject=[ObjectSubject(id=value["id"], jcs=digest_text(sha256(codec.canonical(value))))],
                aud=EVERYBODY,
                key=key,
                iat=NOW,
            )
            for value in some
        ]

    terms = Terms(now=NOW, me=None, seen=None)
    seconds_sign, signed = cpu(each)
    seconds_verify, _ = cpu(lambda: [verify(one, {known.kid: known}.get, terms) for one in signed])  # type: ignore[attr-defined]

    rates = {
        "out": (n / seconds_out, GOAL_OUT),
        "in": (n / seconds_in, GOAL_IN),
        "proofs verified": (len(proofs) / seconds_proofs, GOAL_PROOFS),
    }
    print(f"{machine()}; {n:,} objects of {sum(map(len, bodies)) // n} bytes; per second of CPU time")
    for name, (rate, goal) in rates.items():
        print(f"  {name:<16} {rate:>10,.0f}   (goal {goal:,})")
    print(f"  one signature each, out {len(some) / seconds_sign:,.0f}, in {len(some) / seconds_verify:,.0f}")
    ratio_out = rates["out"][0] * seconds_sign / len(some)
    ratio_in = rates["in"][0] * seconds_verify / len(some)
    print(f"  one for all is {ratio_out:.1f} times (out) and {ratio_in:.1f} times (in) as fast")
    return 0 if all(rate >= goal for rate, goal in rates.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
