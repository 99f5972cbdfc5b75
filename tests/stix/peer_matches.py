"""Run by the Python of a peer: does stix2-matcher find the pattern in what was observed?

stdin: JSON list of [pattern, version, observed data]. stdout: JSON list of true, false, or null where it raised.
"""

import json
import sys

from stix2matcher.matcher import match


def found(pattern: str, version: str, observed: list) -> bool | None:
    try:
        return bool(match(pattern, observed, stix_version=version))
    except Exception:  # noqa: BLE001 - an oracle that breaks down has no opinion
        return None


json.dump([found(*case) for case in json.load(sys.stdin)], sys.stdout)
