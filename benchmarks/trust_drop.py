"""Drops: 100,000 objects out and in, large ones in constant memory, and hostile heads.

    .venv/bin/python -m benchmarks.trust_drop [--large]

CPU time (user + system) of the process and its worker, in one run; no database. `out` is canonical form, salts,
root, hashes, packing, signature and encryption; `in` is decryption, verification, hashing, unpacking, the check
of every object's canonical form, and giving each to the caller. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backchannel.drop import guard
from backchannel.drop.manifest import NO_ROOT, signer, verifier
from backchannel.drop.opening import open_drop
from backchannel.drop.sealing import Keys, new_identity
from backchannel.drop.writer import Attachment, Contents, Recipients, write_drop
from backchannel.parties.kid import Alg, Use, kid
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import SigningKey
from backchannel.provenance.verification import KnownKey, Terms
from benchmarks.measure import machine

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
OBJECTS = 100_000
GOAL_OUT, GOAL_IN = 50_000, 40_000
GOAL_MIB = 200
GOAL_GUARD_S = 0.05

PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KID = kid(Alg.ED25519, PUBLIC)
IDENTITY, RECIPIENT = new_identity()
KNOWN = KnownKey(
    kid=KID,
    use=Use.SIGN,
    public=PUBLIC,
    party="identity--alpha",
    name="Alpha",
    valid_from=NOW - timedelta(days=9),
    valid_until=NOW + timedelta(days=9),
)
VERIFY = verifier({KID: KNOWN}.get, Terms(now=NOW, me={KID}, seen=None))
DRAFT = Release(
    bundle="0" * 32,
    from_=KID,
    to=[KID],
    chan="benchmark",
    seq=1,
    created="2026-01-15T12:00:00Z",
    expires="2026-02-14T12:00:00Z",
    tlp_max="amber",
    root=NO_ROOT,
    n=0,
    chunks=[],
)


def indicators(count: int) -> Iterator[dict[str, object]]:
    """Objects of about 700 bytes."""
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        yield {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{digest[:8]}-17d4-4cbf-938f-{digest[8:20]}",
            "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
            "created": "2026-01-02T03:04:05.000Z",
            "modified": "2026-01-02T03:04:05.000Z",
            "name": f"host {number} of the loader",
            "description": f"Seen in the logs of three of our members; {digest[20:]} talks to it every "
            f"{number % 97} minutes. Its provider rents machines by the hour, and it was given back within a day or so.",
            "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value = '{digest[:12]}.example.net']",
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": "2026-01-02T03:04:05Z",
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }


def cpu() -> float:
    """CPU seconds of this process and of the workers that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def held_mib() -> float:
    """Most memory of this process, and of its workers."""
    own = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


class Noise:
    """So many bytes that do not pack."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return os.urandom(size)


def round_trip(objects: int, noise: int, folder: Path) -> tuple[float, float, int]:
    """Write and open one drop; return CPU seconds of each, and its length."""
    path = folder / "drop"
    values = list(indicators(objects)) if objects <= OBJECTS else indicators(objects)
    attachments = [Attachment("noise.bin", Noise(noise))] if noise else []  # type: ignore[arg-type]
    begun = cpu()
    with path.open("wb") as target:
        contents = Contents(values, (), attachments)
        write_drop(
            target,
            contents,
            DRAFT,
            seal=signer(SigningKey(KID, PRIVATE.sign)),
            to=Recipients((RECIPIENT,)),
            private=folder,
        )
    out = cpu() - begun
    begun = cpu()
    with (
        path.open("rb") as file,
        open_drop(file, keys=Keys((IDENTITY,)), verify=VERIFY, private=folder) as opened,
    ):
        assert sum(1 for _ in opened.objects()) == objects
    return out, cpu() - begun, path.stat().st_size


def hostile_heads() -> float:
    """The longest CPU time that the guard takes for a head beyond the limits (seconds)."""
    stanza = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
    heads = (
        guard.VERSION + stanza * 200_000,
        guard.VERSION + b"-> x\n\n" * 1_000_000,
        guard.VERSION + b"-> X25519 " + b"A" * 50_000_000,
        b"-----BEGIN AGE ENCRYPTED FILE-----\n" + b"QUFB" * 10_000_000,
    )
    worst = 0.0
    for head in heads:
        begun = time.process_time()
        try:
            guard.check(io.BytesIO(head), len(head), has_passphrase=True)
        except Rejected:
            worst = max(worst, time.process_time() - begun)
        else:
            raise SystemExit("the guard let a hostile head pass")
    return worst


def large(objects: int, noise: int) -> float:
    """Most memory (MiB) that a drop of this size takes, in a process of its own."""
    code = (
        "from benchmarks.trust_drop import *; folder = tempfile.TemporaryDirectory(); "
        f"round_trip({objects}, {noise}, Path(folder.name)); print(held_mib())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Run it, print it, and say with the exit code whether the goals are met."""
    print(machine())
    goals: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        runs = [round_trip(OBJECTS, 0, Path(folder)) for _ in range(3)]
    out, into = (OBJECTS / min(run[which] for run in runs) for which in (0, 1))
    goals += [out >= GOAL_OUT, into >= GOAL_IN]
    print(f"{OBJECTS:,} objects, drop of {runs[0][2] / 2**20:.1f} MiB")
    print(f"  out {out:9,.0f} objects per CPU second   goal {GOAL_OUT:,}")
    print(f"  in  {into:9,.0f} objects per CPU second   goal {GOAL_IN:,}")
    worst = hostile_heads()
    goals.append(worst < GOAL_GUARD_S)
    print(f"guard, worst hostile head: {worst * 1000:.1f} ms   goal {GOAL_GUARD_S * 1000:.0f} ms")
    sizes = [("100 objects", 100, 0), ("64 MiB attachment", 0, 2**26)]
    if "--large" in sys.argv:
        sizes += [("1 GiB attachment", 0, 2**30), ("1,500,000 objects, 1 GiB", 1_500_000, 0)]
    for name, objects, noise in sizes:
        mib = large(objects, noise)
        goals.append(mib < GOAL_MIB)
        print(f"most memory, {name}: {mib:.0f} MiB   goal {GOAL_MIB}")
    raise SystemExit(0 if all(goals) else 1)


if __name__ == "__main__":
    main()
