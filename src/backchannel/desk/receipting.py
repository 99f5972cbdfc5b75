"""Give receipts: tell the sender of a drop what became of it, no further than they asked, and only whom the rules allow.

A receipt is a statement of ours. It waits for the next drop to the sender, or for one that carries receipts alone
(`receipts_out`). That a drop came is told without anybody's doing; everything further a person says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.came_drops import Came, drop_named, drops_of, names_drop, told
from backchannel.desk.givers import givers, told_of
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.receipt_documents import ReceiptGiven, ReceiptsGiven
from backchannel.desk.recipients import Recipient
from backchannel.desk.records import record_decision
from backchannel.desk.weighing import may_say
from backchannel.errors import PolicyError, UsageError
from backchannel.ids import sha256
from backchannel.parties.at_rest import Unseal
from backchannel.parties.kid import Use
from backchannel.provenance.predicates import DECLINE_CODES, DeclineReason, Receipt
from backchannel.provenance.reasons import Reason
from backchannel.provenance.receipts import answer, answer_by_object, tells_more
from backchannel.provenance.statement import ObjectSubject, SigningKey, digest_text, make
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept, PartyRow

State = Literal["received", "read", "assessed", "acted", "declined"]
Verdict = Literal["accepted", "partly", "refused"]
Acted = Literal["blocked", "hunted, nothing", "hunted, found"]

MAX_TEXT_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What is said of a drop, or of an object in it."""

    state: State
    acted: Acted | None = None
    reason: DeclineReason | None = None
    verdict: Verdict | None = None
    """What became of its content; None: what was said of that before still holds."""
    refused: tuple[Reason, ...] = ()

    @property
    def tlp(self) -> Tlp:
        """How far it may go: what we do with something tells what we can do."""
        return Tlp.GREEN if self.state in {"received", "read"} else Tlp.AMBER


READ: Final = Word(state="read")
"""That a person read it: the least that a person says."""


def acknowledged(
    node: Node,
    clock: Clock,
    which: str,
    word: Word,
    *,
    unseal: Unseal | None = None,
) -> ReceiptsGiven:
    """Tell each sender who asked what became of a drop, or of an object that drops brought; and who gave it over TAXII.

    Args:
        node: ours.
        clock: the present.
        which: an object's id, or a drop's digest; or so much of it that only one has it.
        word: what became of it.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such object or drop.
        UsageError: several begin so; or it is declined, and nobody who sent it by a drop asked.
        PolicyError: nobody who asked may be told.
        SignatureError: our keys need a passphrase.
    """
    kept = None if names_drop(which) else find(node.store, which)
    drops = [drop_named(node, which)] if kept is None else drops_of(node, kept)
    about = drops[0].name if kept is None else kept.stix_id
    is_heard = any(one.ack != "none" for one in drops) or (kept is not None and bool(givers(node, kept)))
    if not is_heard and word.state == "declined":
        raise UsageError(
            f"nobody asked to be told about {about}: it came by no drop that wants a receipt, and not over TAXII from a "
            "party whose keys are here",
            hint=f"Say it as STIX: `backchannel dispute {about}`, or `backchannel ack {about}`."
            if kept
            else "There is nothing to decline.",
        )
    given = give(node, clock, drops, word, about=kept, unseal=unseal)
    denied = [one for one in given if one.outcome == "denied"]
    if denied and len(denied) == len(given):
        raise PolicyError(denied[0].says, hint=f"See `backchannel party show {denied[0].to}`.")
    return ReceiptsGiven(about=about, receipts=given)


def give(
    node: Node,
    clock: Clock,
    drops: Sequence[Came],
    word: Word,
    *,
    about: Kept | None = None,
    unseal: Unseal | None = None,
) -> tuple[ReceiptGiven, ...]:
    """Make the receipts for drops, in one transaction; returns what was said to whom, or why it was not.

    Args:
        node: ours.
        clock: the present.
        drops: which came.
        word: what is said.
        about: the object that it is said of: who gave it to us over TAXII is told too; None: all of the drop.
        unseal: opens our keys; they are opened only where a receipt is made.

    Raises:
        SignatureError: our keys need a passphrase.
    """
    keys: list[SigningKey] = []

    def key() -> SigningKey:
        if not keys:
            keys.append(signing_key(own_keys(node, clock, unseal)))
        return keys[0]

    asked = {came.sender.party_row for came in drops if came.sender is not None}
    with node.store.transaction():
        told = [_one(node, clock, key, came, word, about) for came in drops]
        if about is not None:
            others = (one for one in givers(node, about) if one.party.party_row not in asked)
            told += [_by_object(node, clock, key, to, word, about) for to in others]
    return tuple(told)


def receipt_on_arrival(node: Node, clock: Clock, key: SigningKey, came: Came, word: Word) -> bool:
    """Tell the sender that a drop came, if they asked and may be told; returns whether a receipt was made.

    Inside the transaction that completes its batch, or that keeps it in quarantine.
    """
    return _one(node, clock, lambda: key, came, word, None).outcome == "given"


def signing_key(keys: OwnKeys) -> SigningKey:
    """Return what signs statements of ours."""
    sign = keys.keyring.present(Use.SIGN)
    return SigningKey(sign.kid, sign.sign)


def decline_reason(code: str, *, other: str = "", text: str = "", node: Node) -> DeclineReason:
    """Return why something is declined.

    Args:
        code: of the closed list (docs/formats/statement.md).
        other: what it duplicates or conflicts with: the id of an object here, or `sha256:` and a digest.
        text: a person's own words.
        node: ours.

    Raises:
        NotFoundError: there is no such other object.
        UsageError: there is no such code; `other` is missing where the reason names one, or given where it does
            not; or the text is too long.
    """
    if code not in DECLINE_CODES:
        raise UsageError("that is no reason to decline", hint=f"One of {', '.join(sorted(DECLINE_CODES))}.")
    needs_other = code in {"duplicate-of", "conflicts-with"}
    if needs_other is not bool(other.strip()):
        wanted = "names what it is" if needs_other else "names nothing else"
        raise UsageError(
            f"the reason {code} {wanted}", hint="Give --other ID." if needs_other else "Leave --other out."
        )
    if len(text) > MAX_TEXT_CHARS:
        raise UsageError(f"the text is longer than {MAX_TEXT_CHARS:,} characters", hint="Shorten it.")
    digest = None
    if other.strip():
        digest = other.strip() if names_drop(other) else digest_text(find(node.store, other).digest)
    try:
        return _checked(code, digest, text.strip())
    except ValueError:
        raise UsageError(
            "what it duplicates is named by an object's id, or by sha256: and 64 digits",
            hint="See `backchannel inbox`.",
        ) from None


def _checked(code: str, other: str | None, text: str) -> DeclineReason:
    value: JsonObject = {"code": code, "text": text}
    if other is not None:
        value["other"] = other
    return codec.into(value, DeclineReason)


def _one(
    node: Node, clock: Clock, key: Callable[[], SigningKey], came: Came, word: Word, about: Kept | None
) -> ReceiptGiven:
    """Give one receipt, or say why none is given. Inside a transaction."""
    if came.ack == "none":
        return _given(came, word, "not asked")
    if came.sender is None:
        return _given(came, word, "denied", why="its keys count no more here")
    before = told(node, came.manifest, about=None if about is None else about.digest)
    verdict, refused = word.verdict or "accepted", word.refused
    if before and word.verdict is None:
        verdict, refused = before[-1].verdict, tuple(before[-1].refused)
    receipt = answer(
        came.manifest,
        came.seq,
        ack=came.ack,
        state=word.state,
        day=clock.now().date().isoformat(),
        verdict=verdict,
        refused=refused,
        reason=word.reason,
        acted=word.acted,
    )
    if receipt is None:
        return _given(came, word, "not asked")
    said = Word(state=receipt.state, acted=receipt.acted, reason=receipt.reason)
    if not tells_more(receipt, before):
        return _given(came, said, "told before")
    decision = may_say(node, clock, came.sender, said.tlp, "receipt", state=said.state)
    if not decision.allowed:
        return _given(came, said, "denied", why=decision.reasons[-1].text)
    _keep(node, clock, key(), receipt, to=came.sender, kid=came.issuer, named=came.name, about=about)
    return _given(came, said, "given")


def _by_object(
    node: Node, clock: Clock, key: Callable[[], SigningKey], to: Recipient, word: Word, about: Kept
) -> ReceiptGiven:
    """Tell a party what became of an object that it gave us without a drop, or say why it is not told."""
    receipt = answer_by_object(
        state=word.state, day=clock.now().date().isoformat(), reason=word.reason, acted=word.acted
    )
    if not tells_more(receipt, told_of(node, to, about)):
        return _document(to.party.name, word, "told before", f"{to.party.name} was told so before")
    decision = may_say(node, clock, to.party, word.tlp, "receipt", state=word.state)
    if not decision.allowed:
        why = f"{to.party.name} is not told: {decision.reasons[-1].text}"
        return _document(to.party.name, word, "denied", why)
    _keep(node, clock, key(), receipt, to=to.party, kid=to.sign, named=about.stix_id, about=about)
    return _document(
        to.party.name, word, "given", f"{to.party.name} is told over TAXII, or with the next drop"
    )


def _keep(
    node: Node,
    clock: Clock,
    key: SigningKey,
    receipt: Receipt,
    *,
    to: PartyRow,
    kid: str,
    named: str,
    about: Kept | None,
) -> None:
    """Sign a receipt, keep it, and let it wait for the next way to its reader."""
    subject = (
        [ObjectSubject(id=about.stix_id, jcs=digest_text(about.digest), modified=about.version)]
        if about is not None
        else []
    )
    envelope = make(receipt, subject=subject, aud=[kid], key=key, iat=clock.now())
    row = keep_statement(node.store, clock, envelope, batch_id=None, is_own=True)
    node.store.statements.wait(row, party_row=to.party_row)
    if receipt.state != "received":
        kind = "decline" if receipt.state == "declined" else "ack"
        what = named if about is None else about.stix_id
        record_decision(node.store, kind, what, now=clock.now(), digest=sha256(envelope))


def _given(
    came: Came, word: Word, outcome: Literal["given", "told before", "not asked", "denied"], *, why: str = ""
) -> ReceiptGiven:
    to = came.sender.name if came.sender is not None else "its sender"
    said = {
        "given": f"{to} is told with the next drop, or over TAXII",
        "told before": f"{to} was told so before, or asked for no more",
        "not asked": f"{to} did not ask to be told",
        "denied": f"{to} is not told: {why}",
    }[outcome]
    return _document(to, word, outcome, said, came)


def _document(
    to: str,
    word: Word,
    outcome: Literal["given", "told before", "not asked", "denied"],
    says: str,
    came: Came | None = None,
) -> ReceiptGiven:
    return ReceiptGiven(
        to=to,
        seq=None if came is None else came.seq,
        drop=None if came is None else came.name,
        asked="none" if came is None else came.ack,
        state=word.state,
        acted=word.acted,
        reason=None if word.reason is None else word.reason.code,
        outcome=outcome,
        says=f"{says}.",
    )
