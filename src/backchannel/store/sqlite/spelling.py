"""Which spelling of a content is the object's own: the one in which its first arrival in sight came."""

from __future__ import annotations

from backchannel.ids import sha256
from backchannel.store.sqlite.connection import Database


def respell(database: Database, object_row: int, body: bytes) -> None:
    """Make `body` the spelling of an object; every arrival keeps the bytes that it brought."""
    parameters = {"row": object_row, "body": body, "digest": sha256(body)}
    for statement in (_KEEP_THE_OLD, _TAKE_THE_NEW, _SAME_AS_OBJECT):
        database.execute(statement, parameters)


_KEEP_THE_OLD = """
UPDATE arrival
SET body = (SELECT body FROM object WHERE object_row = :row)
WHERE object_row = :row AND body IS NULL
"""

_TAKE_THE_NEW = """
UPDATE object
SET body = :body, body_digest = :digest
WHERE object_row = :row
"""

_SAME_AS_OBJECT = """
UPDATE arrival
SET body = NULL
WHERE object_row = :row AND body = :body
"""
