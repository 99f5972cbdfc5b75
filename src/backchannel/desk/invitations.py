"""Invitations by code: what comes in is answered, and what was answered is answered the same again.

States are kept before a message is given out, so a kill loses no try and gives none back.
"""

from __future__ import annotations

import hashlib
import hmac

from backchannel.clock import Clock, format_time
from backchannel.desk.membership import check_alarms, enrol
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys
from backchannel.desk.party_documents import Invitation
from backchannel.errors import UsageError
from backchannel.parties.codes import MAX_NUMBER, new_code, read_code
from backchannel.parties.invite import TRIES, answer, finish, invitation_id, invite, join
from backchannel.parties.invite_kept import invitation_bytes, invitation_of, joining_bytes, joining_of
from backchannel.parties.kid import Use
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.states import Event
from backchannel.store.membership import InvitationRow

_WHY = "both sides used the same invitation code"


def begin(node: Node, clock: Clock) -> Invitation:
    """Make an invitation: a code to say by voice, and a first message to send by any other way.

    Raises:
        UsageError: there are too many that nobody answered.
    """
    now = clock.now()
    membership = node.store.membership
    with node.store.transaction():
        membership.forget_invitations(before=format_time(now))
        taken = membership.open_numbers(at=format_time(now))
        number = next((n for n in range(1, MAX_NUMBER + 1) if n not in taken), None)
        if number is None:
            raise UsageError(
                "too many invitations are open", hint="Wait for a day: they expire by themselves."
            )
        code = new_code(number)
        made, message = invite(code, at=now)
        membership.put_invitation(
            InvitationRow(
                made.id,
                "inviter",
                number,
                None,
                "open",
                invitation_bytes(made),
                message,
                made.tries_left,
                format_time(now),
                format_time(made.expires),
                None,
            )
        )
    return Invitation(
        number=number,
        state="waiting",
        code=code.spoken,
        message=message,
        expires_at=format_time(made.expires),
    )


def go_on(
    node: Node, clock: Clock, keys: OwnKeys, message: str, *, code: str | None = None, decided: bool = False
) -> Invitation:
    """Take a message of an invitation, whichever it is, and answer it.

    Args:
        node: ours.
        clock: now.
        keys: ours: the card to hand over.
        message: what the other side sent.
        code: what the inviter said; needed for their first message only.
        decided: whether a person looked at the alarm and takes the other side's card all the same.

    Raises:
        KeyRefusedError: the message or the code is refused.
        PolicyError: the card of the other side does not fit what is known; an alarm stands.
        UsageError: it is the first message, and no code was given.
    """
    row = node.store.membership.invitation(invitation_id(message))
    if row is None or (row.side == "joiner" and code is not None):
        return _join(node, clock, keys, message, code, row)
    if row.side == "inviter":
        return _answer(node, clock, keys, row, message, decided=decided)
    return _finish(node, clock, row, message, decided=decided)


def needs_code(node: Node, message: str) -> bool:
    """Whether a message is the beginning of somebody's invitation.

    Raises:
        KeyRefusedError: it is no message of an invitation.
    """
    return node.store.membership.invitation(invitation_id(message)) is None


def _join(
    node: Node, clock: Clock, keys: OwnKeys, message: str, code: str | None, before: InvitationRow | None
) -> Invitation:
    if code is None:
        raise UsageError(
            "this is the beginning of an invitation: it needs the code that the inviter said",
            hint="Give it with --code 7-word-word-word.",
        )
    typed, now = read_code(code), clock.now()
    # Keyed: the code has 33 bits, and its bare hash would tell it to whoever reads the store.
    digest = hmac.digest(keys.keyring.present(Use.SIGN).secret, typed.spoken.encode("ascii"), "sha256")
    membership = node.store.membership
    with node.store.transaction():
        joining, reply = join(typed, message, keys.card, at=now, earlier=membership.runs(digest))
        left = before.tries_left if before is not None else TRIES
        membership.put_invitation(
            InvitationRow(
                joining.id,
                "joiner",
                joining.number,
                digest,
                "open",
                joining_bytes(joining),
                reply,
                left - 1,
                format_time(now),
                format_time(joining.expires),
                None,
            )
        )
    return Invitation(
        number=joining.number, state="answered", message=reply, expires_at=format_time(joining.expires)
    )


def _answer(
    node: Node, clock: Clock, keys: OwnKeys, row: InvitationRow, message: str, *, decided: bool
) -> Invitation:
    heard = hashlib.sha256(message.encode("utf-8")).digest()
    if row.state == "done" and row.digest == heard:  # the answer was lost on the way
        return _done(row, _party_name(node, row))
    if row.secret is None:
        raise KeyRefusedError(
            Refusal.CODE_SPENT,
            "the invitation was used, was tried three times in vain, or is older than a day",
            hint="Make a new invitation: backchannel party invite.",
        )
    given = answer(invitation_of(row.secret), message, keys.card, at=clock.now())
    left = given.invitation.tries_left
    if given.card is None:
        state, secret = ("open", invitation_bytes(given.invitation)) if left else ("failed", None)
        with node.store.transaction():
            node.store.membership.put_invitation(row._replace(state=state, secret=secret, tries_left=left))
        raise _with_tries(given.refused, left)
    if not decided:
        check_alarms(node, clock, given.card)
    with node.store.transaction():
        party = enrol(node, clock, given.card, event=Event.CODE_MATCHED, why=_WHY, decided=True)
        done = row._replace(
            digest=heard,
            state="done",
            secret=None,
            answer=given.message,
            tries_left=0,
            party_row=party.party_row,
        )
        node.store.membership.put_invitation(done)
    return _done(done, party.name)


def _done(row: InvitationRow, party: str) -> Invitation:
    message = row.answer if row.side == "inviter" else None
    return Invitation(
        number=row.number, state="done", message=message, party=party, expires_at=row.expires_at
    )


def _party_name(node: Node, row: InvitationRow) -> str:
    known = node.store.membership.known()
    return next(one.party.name for one in known if one.party.party_row == row.party_row)


def _finish(node: Node, clock: Clock, row: InvitationRow, message: str, *, decided: bool) -> Invitation:
    if row.secret is None:
        raise KeyRefusedError(Refusal.CODE_SPENT, "the invitation is over", hint="Ask for a new invitation.")
    card = finish(joining_of(row.secret), message, at=clock.now())
    if not decided:
        check_alarms(node, clock, card)
    with node.store.transaction():
        party = enrol(node, clock, card, event=Event.CODE_MATCHED, why=_WHY, decided=True)
        done = row._replace(state="done", secret=None, party_row=party.party_row)
        node.store.membership.put_invitation(done)
    return _done(done, party.name)


def _with_tries(refused: KeyRefusedError | None, left: int) -> KeyRefusedError:
    why = refused.message if refused is not None else "the other side sent no card"
    reason = refused.reason if refused is not None else Refusal.BAD_FORM
    tries = f"{left} {'try' if left == 1 else 'tries'} left" if left else "the code is burnt"
    return KeyRefusedError(reason, f"{why}; {tries}", hint=refused.hint if refused is not None else "")
