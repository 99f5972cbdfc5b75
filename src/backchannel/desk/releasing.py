"""Make a drop for a party: what the plan lets go, with the statements behind it, signed, encrypted and written down.

What was made is kept in the home's `outbox` until it expires, because informal media lose things. The order of a
send: the drop lies whole in the outbox; then one transaction writes down that it was sent, under its number, and by
which channel it is to go; only then is it handed on. Whatever ends the process before that transaction leaves
nothing that anybody saw; after it, the same bytes can be handed on again, and each poll of the channel does so. So no
number is ever used for two drops.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

from msgspec.structs import replace

from backchannel.clock import Clock, format_time
from backchannel.desk.approving import check_approval
from backchannel.desk.attaching import check_files
from backchannel.desk.drop_documents import SentDrop
from backchannel.desk.going import keep_forms
from backchannel.desk.node import Node
from backchannel.desk.outbox import OUTBOX, check_carrier, to_be_carried
from backchannel.desk.own_checkpoint import carried
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.own_news import own_key_statements
from backchannel.desk.persons import person
from backchannel.desk.planning import Plan, outdated
from backchannel.desk.policy_file import in_force
from backchannel.desk.provenance import keep_statement
from backchannel.desk.recipients import channel_name, recipient_of
from backchannel.desk.records import record_signed
from backchannel.desk.redacted import keep_spoken
from backchannel.desk.stating import How, Stating
from backchannel.desk.waiting import may_go
from backchannel.desk.writing import sync_folder
from backchannel.drop.manifest import NO_ROOT, Manifest, Seal, deniable_signer, signer
from backchannel.drop.writer import Attachment, Contents, Recipients, write_drop
from backchannel.errors import InputError, PolicyError, StoreError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.parties.kid import Use
from backchannel.parties.names import visible_name
from backchannel.parties.states import Standing
from backchannel.provenance.leaves import SECRET_BYTES, salts
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import MAX_REFS, Release
from backchannel.provenance.statement import SigningKey, digest_text, format_seconds, open_envelope
from backchannel.stix.markings import Tlp
from backchannel.store.statements import NewSent, StatementRow, Subject

PRIVATE: Final = "private"
"""Folder of the home in which drops are formed and opened: files without a name, gone when the process ends."""


@dataclass(frozen=True, slots=True)
class Made:
    """A drop that lies in the outbox, written down as sent."""

    document: SentDrop
    path: Path


def release(
    node: Node,
    clock: Clock,
    plan: Plan,
    how: How,
    *,
    approved: str | None = None,
    carrier: str | None = None,
    unseal: Unseal | None = None,
    also: Callable[[], None] = lambda: None,
) -> Made:
    """Make the drop of a plan, and write down that it was sent.

    Args:
        node: ours.
        clock: the present.
        plan: formed just now (`planning.plan`).
        how: how it is made.
        approved: the digest of the plan that a person looked at; without it, nothing may be withheld.
        carrier: name of the channel by which it is to go: from then on each poll of it tries that.
        unseal: opens our keys.
        also: called inside the transaction that writes down that it was sent.

    Raises:
        PolicyError: something does not go as it is and no plan was approved, the plan is another than the approved
            one, or wants the approval of a second person;
            or the party may be sent nothing.
        UsageError: there is nothing to send, or the channel carries no drops.
        NotFoundError: there is no such channel.
        InputError: an attachment cannot be read, or something does not fit into a drop.
        StoreError: it cannot be written.
    """
    check_plan(plan, approved)
    check_approval(node, plan, person())
    keys = own_keys(node, clock, unseal)
    with _sending(node.home):
        _check_current(node, plan)
        forget_expired(node, clock)
        return _Sending(node, clock, plan, how, keys).make(carrier, also)


def forget_expired(node: Node, clock: Clock) -> int:
    """Remove what lies in the outbox longer than it is good for; returns how many."""
    removed = 0
    for path in (node.home / OUTBOX).glob("*.bcb"):
        until = path.stem.rpartition("-")[2]
        if until.isdigit() and int(until) < clock.now().timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def check_plan(plan: Plan, approved: str | None) -> None:
    """See that a plan may be sent, before anything is made.

    Raises:
        PolicyError: as `release`.
    """
    to = visible_name(plan.recipient.party.name)
    if plan.recipient.standing in {Standing.SUSPENDED, Standing.REVOKED}:
        raise PolicyError(
            f"{to} is {plan.recipient.standing!s}: nothing is sent to it",
            hint=f"See `backchannel party show {to}` for why.",
        )
    if approved is not None and approved.lower() != plan.sha256:
        raise outdated()
    if approved is None and plan.withheld:
        raise PolicyError(
            f"{plan.withheld:,} of {len(plan.objects):,} objects may not go to {to}, so nothing was sent",
            hint=f"To send the others: the same command with --plan {plan.sha256}",
        )
    if approved is None and plan.redacted:
        raise PolicyError(
            f"{plan.redacted:,} of {len(plan.objects):,} objects go to {to} redacted only, so nothing was sent",
            hint=f"Look at the plan, then: the same command with --plan {plan.sha256}",
        )
    if approved is None and plan.tear_lines:
        raise PolicyError(
            f"{plan.tear_lines:,} of {len(plan.objects):,} objects go to {to} as their tear-lines only, so nothing was sent",
            hint=f"Look at the plan, then: the same command with --plan {plan.sha256}",
        )


def _check_current(node: Node, plan: Plan) -> None:
    """See that the rules and the recipient are still those of the plan: another drop may have been waited for."""
    name = plan.recipient.party.name
    if in_force(node).policy.version != plan.policy.version or recipient_of(node, name) != plan.recipient:
        raise outdated()


@contextmanager
def _sending(home: Path) -> Iterator[None]:
    """One drop at a time: numbers are given in order."""
    for name in (OUTBOX, PRIVATE):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    with (home / "sending.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in (home / OUTBOX).glob("*.part"):  # of a send that was killed
            left.unlink(missing_ok=True)
        yield


class _Sending:
    """One drop in the making."""

    def __init__(self, node: Node, clock: Clock, plan: Plan, how: How, keys: OwnKeys) -> None:
        self._node, self._store, self._clock, self._how = node, node.store, clock, how
        self._plan, self._to, self._keys = plan, plan.recipient, keys
        self._now = clock.now()
        sign = keys.keyring.present(Use.SIGN)
        self._key = SigningKey(sign.kid, sign.sign)
        self._opens = keys.keyring.present(Use.AGE)
        self._secret = secrets.token_bytes(SECRET_BYTES)
        self._salts = salts(self._secret, len(plan.going))
        self._stated = Stating(node, clock, self._key, plan.recipient.sign, how)

    def make(self, carrier: str | None, also: Callable[[], None]) -> Made:
        by = None if carrier is None else check_carrier(self._store, carrier)
        waiting: Sequence[StatementRow] = ()
        statements: list[bytes] = []
        if not self._plan.is_deniable:  # of that, nothing may bear our signature
            self._stated.state(list(self._plan.groups), self._salts)
            waiting = may_go(self._node, self._clock, self._to.party)
            statements = self._statements(waiting)
        self._check_contents(waiting)
        chan = channel_name(self._keys.card.party, self._to.identity, is_deniable=self._plan.is_deniable)
        seq, prev = self._store.statements.next_seq(chan)
        expires = self._now + timedelta(days=self._how.expires_days)
        draft = self._with_ledgers(self._draft(chan, seq, prev, format_seconds(expires)))
        folder = self._node.home / OUTBOX
        path = folder / f"{draft.bundle}-{int(expires.timestamp())}.bcb"
        manifest = self._write(path, draft, statements)
        sending = None if by is None else to_be_carried(path, by, at=format_time(self._now))
        with self._store.transaction():
            self._keep(manifest, waiting)
            if sending is not None:
                self._store.carried.put(sending)
            also()
        return Made(self._document(manifest, path, len(statements)), path)

    def _check_contents(self, waiting: Sequence[StatementRow]) -> None:
        check_files(self._node, self._to, self._how.attachments, now=self._now)
        self._check_permits()
        if self._plan.going or self._how.attachments or waiting:
            return
        to = self._to.party.name
        if self._plan.objects:
            raise PolicyError(
                f"nothing of what was chosen may go to {to}", hint="See `backchannel release plan`."
            )
        raise UsageError(
            f"there is nothing to send to {to}", hint="Name objects, a batch, a party, or --attach FILE."
        )

    def _check_permits(self) -> None:
        """See that what goes by a permit can show it."""
        if self._how.hide_sources and any(one.permit for one in self._plan.going):
            raise PolicyError(
                "some of it goes by a permit of its originator, and a permit shows whose it is",
                hint="Send it without --hide-source, or leave out what the plan names with the rule permit.",
            )
        if len(self._stated.permits) > MAX_REFS:
            raise UsageError(
                f"it relies on {len(self._stated.permits):,} permits, and a drop names at most {MAX_REFS:,}",
                hint="Send it in several drops.",
            )

    # --- The drop ------------------------------------------------------------------------------------

    def _statements(self, waiting: Sequence[StatementRow]) -> list[bytes]:
        """Return every statement that goes along: our keys, what is said about the objects, what waited."""
        # Key sets stand first: a reader may need them to know the key that signed the manifest.
        key_sets = own_key_statements(self._node)
        return [
            *dict.fromkeys([*key_sets, *self._stated.carried.values(), *(row.envelope for row in waiting)])
        ]

    def _draft(self, chan: str, seq: int, prev: bytes | None, expires: str) -> Release:
        strictest = max((one.tlp for one in self._plan.going), key=_strictness, default=Tlp.CLEAR)
        return Release(
            bundle=secrets.token_hex(16),
            from_=self._opens.kid if self._plan.is_deniable else self._key.kid,
            to=[self._to.age_kid if self._plan.is_deniable else self._to.sign],
            chan=chan,
            seq=seq,
            prev=None if prev is None else digest_text(prev),
            created=format_seconds(self._now),
            expires=expires,
            tlp_max=strictest,
            root=NO_ROOT,
            n=0,
            chunks=[],
            permit=[digest_text(digest) for digest in self._stated.permits],
            # A signed receipt would show whom it came from.
            ack="none" if self._plan.is_deniable else self._how.ack,
            reply_to=None if self._plan.is_deniable else self._how.reply_to,
        )

    def _with_ledgers(self, draft: Release) -> Release:
        """Add what goes along of ledgers: to a deniable drop nothing that bears a signature of ours."""
        if self._plan.is_deniable:
            return draft
        along = carried(self._node, self._to.party, bundle=draft.bundle, tells=not self._how.hide_sources)
        return replace(
            draft,
            my_checkpoint=along.my_checkpoint,
            your_checkpoint_seen=along.your_checkpoint_seen,
            tlog_proof=along.tlog_proof,
            shown_elsewhere=along.shown_elsewhere,
        )

    def _write(self, path: Path, draft: Release, statements: Sequence[bytes]) -> Manifest:
        """Write the drop into the outbox, whole and on the disk, or not at all."""
        part = path.with_suffix(".part")
        try:
            with ExitStack() as files, part.open("xb") as target:
                attached = [
                    Attachment(name, files.enter_context(_opened(file)))
                    for name, file in self._how.attachments
                ]
                objects = (one.value for one in self._plan.going)
                manifest = write_drop(
                    target,
                    Contents(objects, statements, attached, self._stated.lines()),
                    draft,
                    seal=self._seal(),
                    to=self._recipients(),
                    private=self._node.home / PRIVATE,
                    salts=self._salts,
                )
                target.flush()
                os.fsync(target.fileno())
            part.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(
                f"the drop cannot be written: {error.strerror}", hint="See that there is room."
            ) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return manifest

    def _seal(self) -> Seal:
        if self._plan.is_deniable:
            return deniable_signer(self._opens, self._to.age_key)
        return signer(self._key)

    def _recipients(self) -> Recipients:
        if self._how.passphrase is not None:
            return Recipients(passphrase=self._how.passphrase)
        return Recipients((self._to.age_recipient,))

    def _keep(self, manifest: Manifest, waiting: Sequence[StatementRow]) -> None:
        """Write down what was said and what was sent. Inside a transaction."""
        statements, party = self._store.statements, self._to.party.party_row
        for envelope, leaves in self._stated.own:
            keep_statement(self._store, self._clock, envelope, batch_id=None, leaves=leaves, is_own=True)
        for commitment, source, random in self._stated.openings:
            statements.keep_hidden(commitment, party=source, random=random)
        sent = keep_statement(
            self._store,
            self._clock,
            manifest.frame,
            batch_id=None,
            leaves=[
                Subject(one.digest, leaf_index=index, salt=self._salts[index])
                for index, one in enumerate(self._plan.going)
            ],
            is_own=True,
        )
        self._keep_forms(party)
        release = manifest.release
        statements.add_sent(
            NewSent(
                statement_row=sent,
                party_row=party,
                chan=release.chan,
                seq=release.seq,
                ack=release.ack,
                sent_at=format_time(self._now),
                secret=self._secret,
                objects=len(self._plan.going),
            )
        )
        statements.went(party, (row.statement_row for row in waiting))
        for about, envelope in [
            (manifest.digest, manifest.frame),
            *((digest_text(row.digest), row.envelope) for row in waiting),
        ]:
            record_signed(self._store, LeafKind.SENT, envelope, about=about, now=self._now)

    def _keep_forms(self, party_row: int) -> None:
        """Keep in which forms objects go, so that what comes back is known; an answer that goes along may name them."""
        keep_forms(self._store, self._plan.going, party_row=party_row, at=format_time(self._now))
        answer = None if self._how.answer is None else open_envelope(self._how.answer)
        row = None if answer is None else self._store.statements.get(answer.digest)
        if answer is not None and row is not None:
            keep_spoken(self._store, row.statement_row, answer.statement, {party_row})

    def _document(self, manifest: Manifest, path: Path, statements: int) -> SentDrop:
        return SentDrop(
            to=self._to.party.name,
            seq=manifest.release.seq,
            drop=manifest.digest,
            bytes=path.stat().st_size,
            objects=len(self._plan.going),
            withheld=self._plan.withheld,
            statements=statements,
            attachments=len(self._how.attachments),
            deniable=self._plan.is_deniable,
            ack=manifest.release.ack,
            expires=manifest.release.expires,
            paths=(),
        )


def _strictness(tlp: Tlp) -> int:
    return tlp.strictness


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Correct the name.") from error
