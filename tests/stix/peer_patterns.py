"""Run by the Python of a peer: which patterns does stix2-patterns take?

stdin: JSON list of [pattern, version]. stdout: JSON list of true, false, or null where it broke down.
"""

import json
import sys

from stix2patterns.validator import run_validator


def taken(pattern: str, version: str) -> bool | None:
    try:
        return not run_validator(pattern, version)
    except Exception:  # noqa: BLE001 - an oracle that breaks down has no opinion
        return None


json.dump([taken(pattern, version) for pattern, version in json.load(sys.stdin)], sys.stdout)
