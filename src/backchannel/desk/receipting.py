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
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.receipt_documents import ReceiptGiven, ReceiptsGiven
from backchannel.desk.records import record_decision
from backchannel.errors import PolicyError, UsageError
from backchannel.ids import sha256
from backchannel.parties.at_rest import Unseal
from backchannel.parties.kid import Use
from backchannel.parties.states import Standing
from backchannel.policy.decide import Decision, Request, decide
from backchannel.provenance.predicates import DECLINE_CODES, DeclineReason, Receipt
from backchannel.provenance.reasons import Reason
from backchannel.provenance.receipts import answer, tells_more
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
    """Tell each sender who asked what became of a drop, or of an object that drops brought.

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
    if not any(one.ack != "none" for one in drops) and word.state == "declined":
        raise UsageError(
            f"nobody asked to be told about {about}: it came by no drop that wants a receipt",
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
        about: the object that it is said of; None: all of the drop.
        unseal: opens our keys; they are opened only where a receipt is made.

    Raises:
        SignatureError: our keys need a passphrase.
    """
    keys: list[SigningKey] = []

    def key() -> SigningKey:
        if not keys:
            keys.append(signing_key(own_keys(node, clock, unseal)))
        return keys[0]

    with node.store.transaction():
        return tuple(_one(node, clock, key, came, word, about) for came in drops)


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
    decision = _decide(node, clock, came.sender, said)
    if not decision.allowed:
        return _given(came, said, "denied", why=decision.reasons[-1].text)
    _keep(node, clock, key(), came, receipt, about)
    return _given(came, said, "given")


def _decide(node: Node, clock: Clock, party: PartyRow, word: Word) -> Decision:
    return decide(
        Request(
            tlp=word.tlp,
            recipient=party.party_id,
            collection_allows=True,
            standing=Standing(node.store.membership.standing(party.party_row)),
            purpose="receipt",
            now=clock.now(),
        )
    )


def _keep(
    node: Node, clock: Clock, key: SigningKey, came: Came, receipt: Receipt, about: Kept | None
) -> None:
    """Sign a receipt, keep it, and let it wait for the next drop to its reader."""
    subject = (
        [ObjectSubject(id=about.stix_id, jcs=digest_text(about.digest), modified=about.version)]
        if about is not None
        else []
    )
    envelope = make(receipt, subject=subject, aud=[came.issuer], key=key, iat=clock.now())
    row = keep_statement(node.store, clock, envelope, batch_id=None, is_own=True)
    if came.sender is not None:
        node.store.statements.wait(row, party_row=came.sender.party_row)
    if receipt.state != "received":
        kind = "decline" if receipt.state == "declined" else "ack"
        named = came.name if about is None else about.stix_id
        record_decision(node.store, kind, named, now=clock.now(), digest=sha256(envelope))


def _given(
    came: Came, word: Word, outcome: Literal["given", "told before", "not asked", "denied"], *, why: str = ""
) -> ReceiptGiven:
    to = came.sender.name if came.sender is not None else "its sender"
    said = {
        "given": f"{to} is told with the next drop",
        "told before": f"{to} was told so before, or asked for no more",
        "not asked": f"{to} did not ask to be told",
        "denied": f"{to} is not told: {why}",
    }[outcome]
    return ReceiptGiven(
        to=to,
        seq=came.seq,
        drop=came.name,
        asked=came.ack,
        state=word.state,
        acted=word.acted,
        reason=None if word.reason is None else word.reason.code,
        outcome=outcome,
        says=f"{said}.",
    )
