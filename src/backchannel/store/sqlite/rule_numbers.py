"""Suricata's rule numbers: a sid is given once and never reused, its rev rises as the rule changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backchannel.errors import StoreError
from backchannel.store.outgoing import RuleText
from backchannel.store.sqlite.connection import Database


class SqliteRuleNumbers:
    """Numbers by indicator and observable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def number(
        self, rules: Sequence[RuleText], *, first: int, last: int
    ) -> Mapping[tuple[str, str], tuple[int, int]]:
        with self._database.transaction():
            known = {(row[1], row[2]): (row[0], row[3], row[4]) for row in self._database.execute(_ALL)}
            highest = max((sid for sid, _, _ in known.values()), default=first - 1)
            given: dict[tuple[str, str], tuple[int, int]] = {}
            changed: list[tuple[int, bytes, int]] = []
            added: list[tuple[int, str, str, bytes]] = []
            for rule in rules:
                key = (rule.indicator, rule.observable)
                if key in known:
                    sid, rev, digest = known[key]
                    if digest != rule.sha256:
                        rev += 1
                        changed.append((rev, rule.sha256, sid))
                else:
                    highest += 1
                    sid, rev = highest, 1
                    added.append((sid, *key, rule.sha256))
                given[key] = (sid, rev)
            if highest > last:
                raise StoreError(
                    f"all {last - first + 1:,} rule numbers of this node have been given",
                    hint="They are never used again: write to the project for a larger block.",
                )
            self._database.executemany(_CHANGE, changed)
            self._database.executemany(_ADD, added)
        return given


_ALL = """
SELECT sid, indicator, observable, rev, rule_sha256
FROM suricata_rule
"""

_CHANGE = """
UPDATE suricata_rule
SET rev = ?, rule_sha256 = ?
WHERE sid = ?
"""

_ADD = """
INSERT INTO suricata_rule (sid, indicator, observable, rev, rule_sha256)
VALUES (?, ?, ?, 1, ?)
"""
