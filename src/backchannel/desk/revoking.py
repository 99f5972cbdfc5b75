"""Revoke a key of our own: say that it counts no more, to everybody who knows us, and use another one."""

from __future__ import annotations

from backchannel.clock import Clock, parse_time
from backchannel.desk import key_care, root_keys
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_key_sets, own_keys
from backchannel.desk.own_news import announce
from backchannel.desk.party_documents import KeyCare
from backchannel.desk.records import record_signed
from backchannel.errors import NotFoundError, UsageError
from backchannel.parties.at_rest import Seal, Unseal
from backchannel.parties.keyring import DAILY_USES
from backchannel.parties.keyset import KeySet
from backchannel.parties.kid import Kid, Use
from backchannel.parties.revocation import Revocation, Why, check_revocation
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Revoke
from backchannel.provenance.statement import EVERYBODY, SigningKey, format_seconds, make
from backchannel.store.membership import RevocationRow


def revoke(
    node: Node,
    clock: Clock,
    what: str,
    *,
    reason: str,
    since: str | None = None,
    unseal: Unseal | None = None,
    seal: Seal | None = None,
) -> KeyCare:
    """Revoke a key of ours. One that is in use gets a successor first; only a party that closes goes without.

    Args:
        node: ours.
        clock: now.
        what: a use, for the key that is in use for it, or the whole `kid` of one that was ever ours.
        reason: a `Why`.
        since: RFC 3339: from when another may have had it.
        unseal: opens our keys.
        seal: encrypts what is made anew, where our keys are under a passphrase.

    Raises:
        NotFoundError: no key of ours is called so.
        UsageError: the reason is no `Why`, or the time is missing, none, or yet to come.
        SignatureError: the root key is not here.
    """
    said_since = _since(clock, reason, since)
    keys = own_keys(node, clock, unseal)
    root_keys.present_root(node, keys)
    name = _named(node, what)
    newest = own_key_sets(node)[-1]
    if reason != Why.CLOSED:
        use = _use_of(newest, name)
        if use == Use.ROOT:
            root_keys.rotate_root(node, clock, unseal=unseal, seal=seal)
        elif use is not None:
            key_care.rotate(node, clock, uses=[use], unseal=unseal, seal=seal)
    keys = own_keys(node, clock, unseal)
    root = root_keys.present_root(node, keys)
    check_revocation(Revocation(name, reason, said_since), own_key_sets(node), signers={root.kid})
    statement = make(
        Revoke(kid=name, reason=Why(reason), compromised_since=said_since),
        subject=[],
        aud=EVERYBODY,
        key=SigningKey(root.kid, root.sign),
        iat=clock.now(),
    )
    with node.store.transaction():
        node.store.membership.add_revocation(
            node.party.party_row,
            RevocationRow(name, reason, said_since, format_seconds(clock.now()), statement),
        )
        record_signed(node.store, LeafKind.REVOKED, statement, about=f"revoked {name}", now=clock.now())
        announce(node, clock, statement)
    return key_care.told(node, keys)


def _since(clock: Clock, reason: str, since: str | None) -> str | None:
    if reason not in set(Why):
        raise UsageError(f"{reason!r} is no reason to revoke a key", hint=f"Say one of {', '.join(Why)}.")
    if since is None:
        if reason == Why.STOLEN:
            raise UsageError(
                "a key that was stolen is revoked with the time since when another may have had it",
                hint="Give it with --since; where nobody knows, the day on which the key was made.",
            )
        return None
    try:
        at = parse_time(since if "T" in since.upper() else f"{since}T00:00:00Z")
    except ValueError:
        raise UsageError(
            f"{since!r} is no time", hint="Write it as 2026-05-01 or 2026-05-01T14:00:00Z."
        ) from None
    if at > clock.now():
        raise UsageError(f"{since} is yet to come", hint="Say since when another may have had the key.")
    return format_seconds(at)


def _named(node: Node, what: str) -> Kid:
    """Return the key of ours that is called so: never by a part of its name."""
    sets = own_key_sets(node)
    if what in {*DAILY_USES, Use.ROOT}:
        newest = sets[-1]
        if what == Use.ROOT:
            return newest.root_kid
        return next(key.kid for key in newest.keys if key.use == what)
    wanted = what.strip().lower()
    if all(wanted not in one.kids for one in sets):
        raise NotFoundError(
            f"{what!r} is the name of no key of ours",
            hint="Give a use (sign, age, log, cosign, root), or the whole name: backchannel key show.",
        )
    return Kid(wanted)


def _use_of(newest: KeySet, name: Kid) -> str | None:
    """Return what a key is in use for; None: it is no longer, or is a recovery key."""
    if name == newest.root_kid:
        return Use.ROOT
    return next((key.use for key in newest.keys if key.kid == name), None)
