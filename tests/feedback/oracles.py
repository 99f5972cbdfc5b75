"""Programs that other projects' libraries run: whether they take the bundles that we make, each as JSON text in a list on stdin."""

from __future__ import annotations

import subprocess
from pathlib import Path

CHECK_STIX2 = """
import json, sys, stix2
for text in json.load(sys.stdin):
    parsed = stix2.parse(text, allow_custom=False)
    assert [o.type for o in parsed.objects][0] == "identity", parsed
    again = json.loads(parsed.serialize())
    assert again == json.loads(text), (again, text)
print("taken", stix2.__version__)
"""

CHECK_VALIDATOR = """
import json, sys
from stix2validator import ValidationOptions, validate_string
for text in json.load(sys.stdin):
    results = validate_string(text, ValidationOptions(version="2.1"))
    assert results.is_valid, [str(e) for e in results.errors]
    # {103}: it would like random ids. Ours are derived, so that what is said again updates itself.
    others = [str(w) for w in results.warnings if "{103}" not in str(w)]
    assert not others, others
print("taken")
"""


def said_of(peer_python: Path, program: str, bundles: str) -> str:
    """Return what the program says of the bundles: it begins with `taken`, or is the fault."""
    done = subprocess.run(
        [peer_python, "-c", program], input=bundles, capture_output=True, text=True, check=False
    )
    return done.stdout or done.stderr
