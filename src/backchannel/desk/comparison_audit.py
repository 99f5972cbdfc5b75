"""Open our inputs of a comparison to the other party, and check what it opens to us.

Each item must be an indicator that the party's ledger held before the message by which it put the item in: shown by
two proofs against the ledger's key, which stands in its key sets. So whoever guessed has to show an indicator that it
had not, or one that came later.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.auditing import prove
from backchannel.desk.comparing import recipient_in, session_named
from backchannel.desk.comparison_documents import ComparisonChecked
from backchannel.desk.comparison_session import Session
from backchannel.desk.key_statements import take_leading
from backchannel.desk.known_ledgers import known_ledger
from backchannel.desk.node import Node
from backchannel.desk.openings import Opened, open_proof
from backchannel.desk.own_keys import own_keys
from backchannel.desk.own_news import MAX_KEY_SETS, own_key_statements
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import sha256
from backchannel.parties.age_keys import to_identity
from backchannel.parties.at_rest import Unseal
from backchannel.provenance import strict
from backchannel.provenance.fields import Random128
from backchannel.provenance.leaves import Proof
from backchannel.provenance.ledger.checkpoints import Checkpoint
from backchannel.provenance.ledger.leaves import LeafKind, parse_leaf
from backchannel.provenance.ledger.notes import VerifierKey
from backchannel.provenance.ledger.tlog_proof import check_proof, parse_proof
from backchannel.provenance.predicates import Psi
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import RootSubject, decode_base64, digest_text
from backchannel.psi import audit, rounds
from backchannel.psi.audit import OpenedInput
from backchannel.psi.files import open_sealed, seal_for
from backchannel.psi.items import Sort, item_of
from backchannel.psi.messages import Step
from backchannel.psi.rounds import Side
from backchannel.store.comparisons import ItemRow
from backchannel.store.rows import Kept

OPENING_TYPE: Final = "bc/comparison-opening/v1"
MAX_OPENING_BYTES: Final = 64 * 2**20
"""Largest file of an opening (bytes): 108 inputs with their objects and proofs."""
MAX_VERSIONS: Final = 100


class InputsOpened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a side shows of its inputs, as it is encrypted to the other one."""

    type_: str = msgspec.field(name="_type")
    session: Random128
    key_sets: Annotated[list[str], Meta(max_length=MAX_KEY_SETS)]
    """The opener's, as statements (base64): they name the ledger, and whoever had no drop of it yet does not know them."""
    statement: str
    """Proof that the opener's ledger holds its first message of the session (`.tlog-proof`)."""
    inputs: Annotated[list[OpenedInput], Meta(max_length=audit.RANDOM_OPENED + audit.COMMON_OPENED)]


def open_inputs(
    node: Node, clock: Clock, which: str, *, unseal: Unseal | None = None
) -> tuple[Session, bytes]:
    """Return a session, and the file that shows the other party some of what we put in.

    Raises:
        NotFoundError: there is no such session, or what was put in is here no more.
        UsageError: the other side has not answered what we put in: it has nothing to ask about.
    """
    session = session_named(node, which)
    first = next((one for one in session.messages if one.is_ours and one.step), None)
    challenge = _challenge(session, session.row.side)
    if first is None or challenge is None:
        raise UsageError(
            "there is nothing to open: the other side has not answered what we put in",
            hint=f"See `backchannel compare show {session.name[:8]}`.",
        )
    opener = _Opener(node, clock, session, unseal)
    shown = InputsOpened(
        type_=OPENING_TYPE,
        session=session.name,
        key_sets=[b64encode(one).decode() for one in own_key_statements(node)],
        statement=prove(node, clock, digest_text(first.digest), unseal=unseal).proof,
        inputs=[opener.shown(place) for place in opener.places(challenge)],
    )
    content = codec.canonical(codec.decode(codec.encode(shown)))
    return session, seal_for(content, recipient_in(session).age_recipient)


def check_opening(
    node: Node, clock: Clock, which: str, data: bytes, *, unseal: Unseal | None = None
) -> ComparisonChecked:
    """Check what a party shows of what it put into a session.

    Raises:
        NotFoundError: there is no such session.
        UsageError: the party put nothing in yet, or its ledger is not known.
        Rejected: it cannot be read.
    """
    session = session_named(node, which)
    keys = own_keys(node, clock, unseal)
    identities = tuple(to_identity(key.secret) for key in keys.keyring.openers())
    content = open_sealed(data, identities, max_bytes=MAX_OPENING_BYTES)
    try:
        shown = codec.into(strict.read_canonical(content, max_bytes=MAX_OPENING_BYTES), InputsOpened)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, str(error)[:200]) from None
    take_leading(node, clock, (decode_base64(one) for one in shown.key_sets))
    recipient = recipient_in(session)
    ledger = known_ledger(node, recipient.party)
    said = session.first_of(is_ours=False)
    challenge = _challenge(session, rounds.other(session.row.side))
    if ledger is None or said is None or challenge is None:
        raise UsageError(
            "there is nothing to hold it against: the party's ledger is not known, or it put nothing in",
            hint=f"See `backchannel compare show {session.name[:8]}`.",
        )
    checker = _Checker(session, said, ledger.keys, challenge)
    refusal: Rejected | None = None
    try:
        checker.check(shown)
    except Rejected as error:
        refusal = error
    return ComparisonChecked(
        session=session.name,
        party=recipient.party.name,
        good=refusal is None,
        opened=len(shown.inputs),
        asked=checker.asked,
        reason="" if refusal is None else refusal.reason.value,
        detail="" if refusal is None else refusal.detail,
        says=_says(recipient.party.name, refusal),
    )


def _says(party: str, refusal: Rejected | None) -> str:
    if refusal is None:
        return f"Every input that {party} opened was in its ledger before the comparison began."
    return f"{refusal.reason.meaning[:1].upper()}{refusal.reason.meaning[1:]}: {refusal.reason.mend}"


def _challenge(session: Session, opener: Side) -> bytes | None:
    """Return the digest of the message that answered what the opener put in."""
    step = Step.SETUP if opener == "initiator" else Step.RESPONSE
    return next((one.digest for one in session.messages if one.step == step), None)


@dataclass(frozen=True, slots=True)
class _Opener:
    """Shows what we put in."""

    node: Node
    clock: Clock
    session: Session
    unseal: Unseal | None

    def places(self, challenge: bytes) -> list[int]:
        """Return the places that are opened."""
        own = self.session.own
        at = {one: place for place, one in enumerate(own.inputs)}
        rows = self.node.store.comparisons.items(own.session, only_common=True)
        common = audit.of_common(own.session, challenge, (row.input for row in rows))
        drawn = audit.places(own.session, challenge, len(own.inputs))
        return sorted({*drawn, *(at[one] for one in common)})

    def shown(self, place: int) -> OpenedInput:
        """Return one input as it is shown."""
        own = self.session.own
        found, leaf = own.inputs[place], own.tree.proof(place)
        if found in own.canaries:
            return OpenedInput(leaf=leaf, canary=own.canaries.index(found))
        rows = self.node.store.comparisons.items(own.session, only_common=False)
        row = next((row for row in rows if row.input == found), None)
        if row is not None:
            return self._item(row, leaf)
        secrets = rounds.filling_secrets(own.secret, self.session.row.size - self.session.row.items)
        random_bytes = next(one for one in secrets if rounds.filling_of(own.session, one) == found)
        return OpenedInput(leaf=leaf, filling=random_bytes.hex())

    def _item(self, row: ItemRow, leaf: Proof) -> OpenedInput:
        kept = self._content(row)
        proof = prove(self.node, self.clock, row.stix_id, content=kept, unseal=self.unseal)
        return OpenedInput(
            leaf=leaf,
            sort=Sort(row.sort),
            value=row.value,
            object=codec.canonical(codec.decode(kept.body)).decode(),
            proof=proof.proof,
        )

    def _content(self, row: ItemRow) -> Kept:
        contents = self.node.store.objects.all_versions(row.stix_id, at_most=MAX_VERSIONS)
        kept = next((one for one in contents if one.digest == row.digest), None)
        if kept is None:
            raise NotFoundError(
                f"{row.stix_id} is here no more in the content that was compared",
                hint="Bring its batch back, and open the inputs again.",
            )
        return kept


class _Checker:
    """Holds what a party shows against what it signed and what its ledger holds."""

    def __init__(self, session: Session, said: Psi, keys: tuple[VerifierKey, ...], challenge: bytes) -> None:
        self._session, self._said, self._keys = session, said, keys
        name = session.row.session
        self._origin = ""
        self._side: Side = rounds.other(session.row.side)
        rows = session.node.store.comparisons.items(name, only_common=True)
        self._common = frozenset(audit.of_common(name, challenge, (row.input for row in rows)))
        self._places = frozenset(audit.places(name, challenge, said.n))

    @property
    def asked(self) -> int:
        """How many inputs have to be opened, at least."""
        return max(len(self._common), len(self._places))

    def check(self, shown: InputsOpened) -> None:
        """Raise `Rejected` where something does not hold."""
        if shown.type_ != OPENING_TYPE or shown.session != self._session.name:
            raise Rejected(Reason.WRONG_TYPE, "it opens another session, or is something else")
        began = self._began(shown.statement)
        name, root = self._session.row.session, RootSubject(root=self._said.root, n=self._said.n)
        seen: dict[bytes, OpenedInput] = {}
        for one in shown.inputs:
            seen[audit.check_input(name, self._side, root, one)] = one
            if one.sort is not None:
                self._check_item(one, began)
        unopened = self._common - {found for found, one in seen.items() if one.sort is not None}
        if unopened:
            raise Rejected(Reason.NOT_LOGGED, f"{len(unopened)} of what both hold are not shown")
        left = self._places - {one.leaf.i for one in seen.values()}
        if left:
            raise Rejected(Reason.NOT_LOGGED, f"{len(left)} of those drawn by chance are not shown")

    def _began(self, text: str) -> int:
        """Return where the party's ledger holds its first message of the session."""
        checkpoint, index, opened = self._proved(text)
        self._origin = checkpoint.origin
        first = next(one for one in self._session.messages if not one.is_ours and one.step)
        if opened.statement != first.envelope or parse_leaf(opened.entry).kind is not LeafKind.COMPARISON:
            raise Rejected(
                Reason.NOT_LOGGED, "the ledger does not hold the message by which it put its inputs in"
            )
        return index

    def _check_item(self, one: OpenedInput, began: int) -> None:
        """See that the object behind an item came before the session."""
        data = one.object.encode()
        value = strict.read_canonical(data, max_bytes=MAX_OPENING_BYTES)
        pattern = value.get("pattern")
        found = item_of(pattern) if isinstance(pattern, str) else None
        if found != audit.item_shown(one):
            raise Rejected(Reason.NOT_LOGGED, f"input {one.leaf.i} is not what its object says")
        checkpoint, index, opened = self._proved(one.proof)
        record = codec.decode_plain(opened.statement)
        if (
            opened.object_digest != digest_text(sha256(data))
            or parse_leaf(opened.entry).kind is not LeafKind.RECEIVED
            or record is None
            or record.get("event") != "received"
            or checkpoint.origin != self._origin
        ):
            raise Rejected(Reason.NOT_LOGGED, f"input {one.leaf.i}")
        if index >= began:
            raise Rejected(Reason.BACKDATED, f"input {one.leaf.i}: leaf {index}, and it began with {began}")

    def _proved(self, text: str) -> tuple[Checkpoint, int, Opened]:
        """Return what a proof shows, and where, once the ledger's key vouches for it."""
        try:
            proof = parse_proof(text.encode())
            opened = open_proof(proof)
            checkpoint = check_proof(proof, opened.entry, self._keys)
        except Rejected as refusal:
            raise Rejected(Reason.NOT_LOGGED, f"{refusal.reason.value}: {refusal.detail}") from None
        return checkpoint, proof.index, opened
