"""Hunts and hits put into a node's store by hand, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from backchannel.desk.node import Node


def a_hunt(
    node: Node,
    *,
    at: str = "2026-03-02T00:00:00.000Z",
    records: int = 1000,
    hits: int = 0,
    shows: Sequence[str] = ("domain-name", "ipv4-addr", "ipv6-addr"),
) -> int:
    """A finished hunt that began at `at`, in logs that show some kinds; returns its row."""
    with node.store.transaction():
        cursor = node.store.database.execute(
            """
            INSERT INTO hunt (started_at, ended_at, paths, files, records, hits)
            VALUES (?, ?, '["dns.log"]', 1, ?, ?)
            """,
            (at, at, records, hits),
        )
        row = cursor.lastrowid
        node.store.database.executemany(
            "INSERT INTO hunt_shown (started_at, hunt_row, kind, records) VALUES (?, ?, ?, ?)",
            [(at, row, kind, records) for kind in ("", *shows) if records],
        )
    assert row is not None
    return row


def a_hit(
    node: Node,
    indicator: object,
    hunt: int,
    *,
    value: str = "evil1.example",
    asset: str | None = "10.0.0.5",
    field: str = "query",
    count: int = 1,
    first: str | None = "2026-02-01T10:00:00.000Z",
    last: str | None = "2026-02-01T11:00:00.000Z",
    validity: str = "inside",
    scope: str = "exact",
    log: str = "dns.log",
) -> None:
    """One row of hits of the version in force of `indicator`."""
    kept = node.store.objects.current(str(indicator))
    assert kept is not None
    with node.store.transaction():
        node.store.database.execute(
            """
            INSERT INTO hit (hunt_row, object_row, indicator, observable_kind, observable_value, asset, log_path,
              log_format, field, scope, validity, first_seen, last_seen, count, evidence)
            VALUES (?, ?, ?, 'domain-name', ?, ?, ?, 'zeek-json', ?, ?, ?, ?, ?, ?, '[]')
            """,
            (
                hunt,
                kept.object_row,
                kept.stix_id,
                value,
                asset,
                log,
                field,
                scope,
                validity,
                first,
                last,
                count,
            ),
        )
