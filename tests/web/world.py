"""A few objects of our own, some of them hostile: invented names, reserved domains and addresses."""

from __future__ import annotations

from typing import Final

from backchannel.codec import JsonObject

TIMES: Final = {"created": "2026-11-20T08:00:00.000Z", "modified": "2026-11-20T08:00:00.000Z"}
IDENTITY: Final = "identity--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c01"
C2: Final = "indicator--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c02"
HOSTILE: Final = "malware--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c03"
REPORT: Final = "report--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c04"
BIDI: Final = "threat-actor--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c05"
SCRIPT: Final = "<script>alert(1)</script>"
IMAGE: Final = "\"><img src=x onerror=alert(2)>'"


def _object(stix_id: str, **properties: object) -> JsonObject:
    stix_type = stix_id.partition("--")[0]
    return {"type": stix_type, "spec_version": "2.1", "id": stix_id, **TIMES, **properties}


OBJECTS: Final[list[JsonObject]] = [
    _object(IDENTITY, name="CERT Vessland", identity_class="organization"),
    _object(
        C2,
        created_by_ref=IDENTITY,
        name="Beacon of Slack Tide",
        indicator_types=["malicious-activity"],
        pattern="[domain-name:value = 'updates.slack-tide.example']",
        pattern_type="stix",
        valid_from="2026-11-01T00:00:00Z",
        valid_until="2027-02-01T00:00:00Z",
        labels=["PAP:GREEN"],
        kill_chain_phases=[
            {"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "command-and-control"}
        ],
    ),
    _object(HOSTILE, name=SCRIPT, description=IMAGE, is_family=True, malware_types=["trojan"]),
    _object(
        REPORT,
        created_by_ref=IDENTITY,
        name=f"Slack Tide {IMAGE}",
        report_types=["malware"],
        published="2026-11-20T08:00:00Z",
        object_refs=[C2, HOSTILE],
    ),
    _object(BIDI, name="Tide\u202egnp.exe\u200b\u0007 Crew", threat_actor_types=["crime-syndicate"]),
    _object(
        "relationship--2f0a8f64-5d0b-4f7e-9c61-0d6f3f0a1c06",
        relationship_type="indicates",
        source_ref=C2,
        target_ref=HOSTILE,
    ),
]


def many(count: int) -> list[JsonObject]:
    """Return `count` indicators, each of its own address."""
    return [
        _object(
            f"indicator--2f0a8f64-5d0b-4f7e-9c61-{n:012x}",
            name=f"Address {n}",
            pattern=f"[ipv4-addr:value = '198.51.100.{n}']",
            pattern_type="stix",
            valid_from="2026-11-01T00:00:00Z",
        )
        for n in range(count)
    ]
