"""Import STIX bundles, beside what `python-stix2` needs only to parse the same bytes.

Both run in a process of their own that has everything loaded; only the work itself is counted. Ours is the
whole import: reading, validation, patterns, digests, durable storage, the compiled set.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import ROOT, machine

DATA = Path(os.environ.get("BACKCHANNEL_TEST_DATA", ROOT.parent / "shared" / "data"))
PEER = ROOT / ".peers" / "stix2" / "bin" / "python"
TIMES = 5

OURS = """
import sys, tempfile, time
from pathlib import Path
from backchannel.clock import SystemClock
from backchannel.desk.node import init_node
from backchannel.desk.receive import receive
path, warm = Path(sys.argv[1]), Path(sys.argv[2])
with tempfile.TemporaryDirectory() as folder, init_node(Path(folder) / "h", name="B", clock=SystemClock()) as node:
    receive(node, SystemClock(), [warm])
    began = time.process_time()
    receipt = receive(node, SystemClock(), [path])
    print(time.process_time() - began, receipt.objects, receipt.stored)
"""
THEIRS = """
import sys, time
import stix2
text = open(sys.argv[1]).read()
stix2.parse(open(sys.argv[2]).read(), allow_custom=True)
began = time.process_time()
parsed = stix2.parse(text, allow_custom=True)
print(time.process_time() - began, len(parsed.objects), 0)
"""


def indicators(count: int) -> str:
    """Return a bundle of generated indicators."""
    at = "2026-01-01T00:00:00.000Z"
    objects = [
        {
            "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": at,
            "modified": at, "name": f"name {n}", "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value = 'evil{n}.example.com']", "pattern_type": "stix", "valid_from": at,
        }
        for n in range(count)
    ]  # fmt: skip
    return json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects})


def once(python: Path | str, code: str, path: Path, warm: Path) -> tuple[float, str]:
    """Run the code; return the CPU seconds of the work and what it counted."""
    done = subprocess.run(
        [str(python), "-c", code, str(path), str(warm)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    seconds, *counts = done.stdout.split()
    return float(seconds), " ".join(counts)


def main() -> None:
    """Measure, and print the ratios."""
    print(f"{datetime.now(UTC).date()}, {machine()}")
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as scratch:
        folder = Path(scratch)
        warm = folder / "warm.json"
        warm.write_text(indicators(20))
        works = {"10,000 indicators": folder / "indicators.json"}
        works["10,000 indicators"].write_text(indicators(10_000))
        attack = DATA / "stix" / "attack" / "ics-attack-18.1.json.gz"
        if attack.exists():
            works["ics-attack-18.1"] = folder / "attack.json"
            works["ics-attack-18.1"].write_bytes(gzip.decompress(attack.read_bytes()))
        for name, path in works.items():
            ours, theirs = [], []
            for _ in range(TIMES):  # in turns, so that other work on the machine meets both
                ours.append(once(sys.executable, OURS, path, warm))
                if PEER.exists():
                    theirs.append(once(PEER, THEIRS, path, warm))
            seconds, counted = min(ours)
            line = f"{name}: import {seconds * 1000:.0f} ms CPU ({counted})"
            if theirs:
                peer = min(theirs)[0]
                line += f"; python-stix2 parse {peer * 1000:.0f} ms: ratio {peer / seconds:.1f}"
            print(line)


if __name__ == "__main__":
    main()
