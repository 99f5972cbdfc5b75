"""How far parties are known, in SQLite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from backchannel.parties.invite import TRIES
from backchannel.store.membership import AlarmRow, EventRow, InvitationRow, KeySetRow, KnownRow, RevocationRow
from backchannel.store.rows import PartyRow
from backchannel.store.sqlite.connection import Database


class SqliteMembership:
    """Cards, keys, states, invitations, alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- States --------------------------------------------------------------------------------------

    def standing(self, party_row: int) -> str:
        standing: str = self._database.execute(_STANDING, (party_row,)).fetchone()[0]
        return standing

    def standings(self) -> dict[str, str]:
        return dict(self._database.execute(_STANDINGS).fetchall())

    def move(self, party_row: int, change: EventRow) -> None:
        self._database.execute(_MOVE, (change.after, party_row))
        self._database.execute(_ADD_EVENT, (party_row, *change))

    def events(self, party_row: int, *, at_most: int) -> list[EventRow]:
        return [EventRow(*row) for row in self._database.execute(_EVENTS, (party_row, at_most))]

    # --- Keys ----------------------------------------------------------------------------------------

    def known(self) -> list[KnownRow]:
        kids: dict[int, set[str]] = defaultdict(set)
        roots: dict[int, str] = {}
        for kid, party_row, is_root in self._database.execute(_KEYS):
            kids[party_row].add(kid)
            if is_root:
                roots[party_row] = kid
        found = []
        for row in self._database.execute(_PARTIES):
            party = _party(row[:6])
            name, identity = (row[6], row[7]) if row[6] is not None else (party.name, party.party_id)
            key_names = frozenset(kids[party.party_row])
            found.append(KnownRow(party, name, identity, roots.get(party.party_row), key_names))
        return found

    def by_root(self, kid: str) -> PartyRow | None:
        row = self._database.execute(_BY_ROOT, (kid,)).fetchone()
        return None if row is None else _party(row)

    def add_card(
        self, party_row: int, *, digest: str, name: str, identity: str, body: bytes, at: str
    ) -> None:
        self._database.execute(_ADD_CARD, (party_row, at, digest, name, identity, body))

    def card(self, party_row: int) -> bytes | None:
        row = self._database.execute(_CARD, (party_row,)).fetchone()
        return None if row is None else row[0]

    def add_keys(self, party_row: int, *, root: str, kids: Sequence[str]) -> None:
        self._database.execute(_NO_ROOT, (party_row,))
        for kid in kids:
            self._database.execute(_ADD_KEY, (kid, party_row, kid == root))

    def add_key_set(self, party_row: int, row: KeySetRow) -> None:
        self._database.execute(_ADD_KEY_SET, (party_row, *row))

    def key_sets(self, party_row: int) -> list[KeySetRow]:
        return [KeySetRow(*row) for row in self._database.execute(_KEY_SETS, (party_row,))]

    def add_revocation(self, party_row: int, row: RevocationRow) -> None:
        self._database.execute(_ADD_REVOCATION, (party_row, *row))

    def revocations(self, party_row: int) -> list[RevocationRow]:
        return [RevocationRow(*row) for row in self._database.execute(_REVOCATIONS, (party_row,))]

    # --- Introductions and invitations ---------------------------------------------------------------

    def add_vouch(
        self,
        introducer_row: int,
        party_row: int,
        *,
        digest: str,
        how: str,
        since: str,
        at: str,
        statement: bytes,
    ) -> bool:
        values = (introducer_row, digest, party_row, how, since, at, statement)
        return self._database.execute(_ADD_VOUCH, values).rowcount == 1

    def introducers(self, party_row: int) -> list[tuple[str, str, str]]:
        return self._database.execute(_INTRODUCERS, (party_row,)).fetchall()

    def put_invitation(self, row: InvitationRow) -> None:
        self._database.execute(_PUT_INVITATION, row)

    def invitation(self, invitation_id: bytes) -> InvitationRow | None:
        row = self._database.execute(_INVITATION, (invitation_id,)).fetchone()
        return None if row is None else InvitationRow(*row)

    def open_numbers(self, *, at: str) -> frozenset[int]:
        return frozenset(row[0] for row in self._database.execute(_OPEN_NUMBERS, (at,)))

    def runs(self, digest: bytes) -> int:
        count: int = self._database.execute(_RUNS, (TRIES, digest)).fetchone()[0]
        return count

    def forget_invitations(self, *, before: str) -> None:
        self._database.execute(_FORGET, (before,))

    # --- Alarms --------------------------------------------------------------------------------------

    def add_alarm(self, *, reason: str, sentence: str, party_row: int, card: bytes, at: str) -> None:
        self._database.execute(_ADD_ALARM, (at, reason, sentence, party_row, card, card, party_row))

    def alarms(self) -> list[AlarmRow]:
        return [AlarmRow(*row) for row in self._database.execute(_ALARMS)]

    def decide_alarms(self, card: bytes, *, decision: str, at: str) -> int:
        return self._database.execute(_DECIDE, (at, decision, card)).rowcount


def _party(row: tuple[object, ...]) -> PartyRow:
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    return PartyRow(*row[:3], bool(row[3]), *row[4:])  # type: ignore[arg-type,call-arg]


_STANDING = "SELECT standing FROM party WHERE party_row = ?"

_STANDINGS = "SELECT name, standing FROM party"

_MOVE = "UPDATE party SET standing = ? WHERE party_row = ?"

_ADD_EVENT = """
INSERT INTO party_event (party_row, at, event, before, after, note)
VALUES (?, ?, ?, ?, ?, ?)
"""

_EVENTS = """
SELECT at, event, before, after, note
FROM party_event
WHERE party_row = ?
ORDER BY event_row DESC
LIMIT ?
"""

_KEYS = "SELECT kid, party_row, is_root FROM party_key"

_PARTIES = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at, c.name, c.identity
FROM party AS p
LEFT JOIN party_card AS c ON c.card_row = (
  SELECT max(card_row) FROM party_card WHERE party_row = p.party_row
)
ORDER BY p.party_row
"""

_BY_ROOT = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at
FROM party_key AS k
JOIN party AS p ON p.party_row = k.party_row
WHERE k.kid = ? AND k.is_root = 1
"""

_ADD_CARD = """
INSERT INTO party_card (party_row, at, digest, name, identity, body)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_CARD = """
SELECT body
FROM party_card
WHERE party_row = ?
ORDER BY card_row DESC
LIMIT 1
"""

_NO_ROOT = "UPDATE party_key SET is_root = 0 WHERE party_row = ?"

_ADD_KEY = """
INSERT INTO party_key (kid, party_row, is_root)
VALUES (?, ?, ?)
ON CONFLICT (kid) DO UPDATE SET is_root = excluded.is_root WHERE party_row = excluded.party_row
"""

_ADD_KEY_SET = """
INSERT INTO key_set (party_row, version, at, change, body, statement)
VALUES (?, ?, ?, ?, ?, ?)
"""

_KEY_SETS = """
SELECT version, at, change, body, statement
FROM key_set
WHERE party_row = ?
ORDER BY version
"""

_ADD_REVOCATION = """
INSERT INTO revocation (party_row, kid, reason, compromised_since, at, statement)
VALUES (?, ?, ?, ?, ?, ?)
"""

_REVOCATIONS = """
SELECT kid, reason, compromised_since, at, statement
FROM revocation
WHERE party_row = ?
ORDER BY revocation_row
"""

_ADD_VOUCH = """
INSERT INTO vouch (introducer_row, card_digest, party_row, how, since, at, statement)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_INTRODUCERS = """
SELECT p.name, v.how, v.since
FROM vouch AS v
JOIN party AS p ON p.party_row = v.introducer_row
WHERE v.party_row = ?
ORDER BY v.at
"""

_PUT_INVITATION = """
INSERT OR REPLACE INTO invitation (
  invitation_id, side, number, digest, state, secret, answer, tries_left, made_at, expires_at, party_row
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_INVITATION = """
SELECT invitation_id, side, number, digest, state, secret, answer, tries_left, made_at, expires_at, party_row
FROM invitation
WHERE invitation_id = ?
"""

_OPEN_NUMBERS = "SELECT number FROM invitation WHERE side = 'inviter' AND state = 'open' AND expires_at > ?"

_RUNS = "SELECT coalesce(sum(? - tries_left), 0) FROM invitation WHERE side = 'joiner' AND digest = ?"

_FORGET = "UPDATE invitation SET secret = NULL WHERE expires_at < ? AND secret IS NOT NULL"

_ADD_ALARM = """
INSERT INTO alarm (at, reason, sentence, party_row, card)
SELECT ?, ?, ?, ?, ?
WHERE NOT EXISTS (SELECT 1 FROM alarm WHERE card = ? AND party_row = ? AND decided_at IS NULL)
"""

_ALARMS = """
SELECT a.alarm_row, a.at, a.reason, a.sentence, p.name, a.card
FROM alarm AS a
LEFT JOIN party AS p ON p.party_row = a.party_row
WHERE a.decided_at IS NULL
ORDER BY a.alarm_row
"""

_DECIDE = "UPDATE alarm SET decided_at = ?, decision = ? WHERE card = ? AND decided_at IS NULL"
