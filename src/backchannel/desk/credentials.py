"""Credentials of parties for our own server: secrets and certificates, and what each may read and write.

A secret is shown once, when it is made; what is kept of it is its SHA-256.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.access import COMPAT
from backchannel.desk.expiry import expiry
from backchannel.desk.node import Node
from backchannel.desk.offered import TaxiiToken, granted
from backchannel.desk.publishing import collection_named
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import PartyId, new_id, sha256
from backchannel.settings import checked_name
from backchannel.stix.visible import visible
from backchannel.store.exchange import Right
from backchannel.store.interface import Store
from backchannel.store.rows import PartyRow

SECRET_BYTES: Final = 32
"""256 bits: no guessing, so no slow hash is needed to check one."""


class NewCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential is to be."""

    party: str
    read: tuple[str, ...] = ()
    """Ids or aliases of collections."""
    write: tuple[str, ...] = ()
    expires: str | None = None
    """A time, a day, or `90d` from now."""
    compat: tuple[str, ...] = ()
    certificate: bytes | None = None
    """DER; None: a secret is made."""


def add_token(node: Node, clock: Clock, new: NewCredential) -> TaxiiToken:
    """Give a party a credential. A new name makes a party.

    Raises:
        NotFoundError: there is no such collection.
        UsageError: a value is not of its form, or the certificate is in use.
    """
    store = node.store
    _refuse_unknown(new.compat)
    expires_at = None if new.expires is None else format_time(expiry(new.expires, clock))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    digest = sha256(secret.encode() if new.certificate is None else new.certificate)
    at = format_time(clock.now())
    name = checked_name(new.party)
    with store.transaction():
        rights = _rights(store, new.read, new.write)
        if new.certificate is not None and store.credentials.by_certificate(digest) is not None:
            raise UsageError(
                "this certificate belongs to a party already", hint="See `backchannel taxii token list`."
            )
        party = _party(store, name, at)
        number = store.credentials.add(
            party.party_row,
            digest,
            certificate=new.certificate,
            compat=" ".join(sorted(set(new.compat))),
            at=at,
            expires_at=expires_at,
        )
        for row, right in rights.items():
            store.credentials.grant(number, row, right)
        read, write = granted(store, number)
    return TaxiiToken(
        party=party.name,
        token=secret if new.certificate is None else None,
        number=number,
        read=read,
        write=write,
        expires_at=expires_at,
    )


def _refuse_unknown(compat: Iterable[str]) -> None:
    unknown = [word for word in compat if word not in COMPAT]
    if unknown:
        raise UsageError(
            f"--compat knows nothing of {visible(unknown[0], max_chars=40)!r}",
            hint=f"Known are: {', '.join(sorted(COMPAT))}.",
        )


def _party(store: Store, name: str, at: str) -> PartyRow:
    party = store.parties.by_name(name)
    if party is None:
        return store.parties.add(PartyId(new_id("identity")), name, at=at)
    store.parties.keep(party.party_row)
    return party


def remove_token(node: Node, clock: Clock, number: int) -> None:
    """Take a credential away; it is refused from now on.

    Raises:
        NotFoundError: there is no such credential.
    """
    with node.store.transaction():
        if not node.store.credentials.remove(number, at=format_time(clock.now())):
            raise NotFoundError(f"there is no token {number}", hint="See `backchannel taxii token list`.")


def certificates(store: Store) -> list[bytes]:
    """Return the certificates (DER) that parties are known by: what a TLS server must trust, and nothing else."""
    return [one.certificate for one in store.credentials.all() if one.certificate is not None]


def _rights(store: Store, read: Iterable[str], write: Iterable[str]) -> dict[int, Right]:
    reads = {collection_named(store, one).collection_row for one in read}
    writes = {collection_named(store, one).collection_row for one in write}
    return {row: Right(row in reads, row in writes) for row in sorted(reads | writes)}
