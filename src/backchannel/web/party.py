"""The pages of parties: one party, ourselves, and meeting by code; and what their forms do."""

from __future__ import annotations

import io
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from backchannel.desk import alarms as desk_alarms
from backchannel.desk import invitations, membership
from backchannel.desk.own_keys import is_sealed, own_keys
from backchannel.desk.party_documents import Invitation
from backchannel.desk.party_page import party_called, party_page
from backchannel.errors import UsageError
from backchannel.parties.states import Event
from backchannel.web.language import say
from backchannel.web.rendering import party_url
from backchannel.web.visit import Visit, see_other

_SAID: Final = {
    "verified": "The number is the same: this party is verified.",
    "suspended": "Suspended: nothing is sent to it, and nothing is taken from it.",
    "resumed": "Resumed. It is introduced now; compare the safety number to verify it again.",
    "revoked": "Revoked. Its keys are never taken again.",
    "taken": "The card was taken. Compare the safety number before you rely on it.",
    "refused": "The card was not taken.",
    "deconflicted": "Kept. It is told with the next drop, or when it reads over TAXII; not where the rules deny it.",
    "graded": "Kept. The letter that you set counts; the computed one stays beside it.",
}
_MOVES: Final = {"suspend": Event.SUSPENDED, "resume": Event.RESUMED, "revoke": Event.REVOKED}


def party(visit: Visit) -> Response:
    """`/parties/{name}` and its twin: one party, or ourselves."""
    found = party_page(visit.node, visit.clock, visit.parts["name"])
    words = _SAID.get(visit.query.get("said", ""))
    return visit.answer(
        found,
        "party",
        section="parties",
        page=found,
        url=party_url(found.about.party.name, found.about.party.id),
        qr=qr_svg(found.card.qr) if found.card else "",
        said=say(words) if words else "",
    )


def verify(visit: Visit) -> Response:
    """`POST /parties/{name}/verify`: hold the number that was read aloud against ours."""
    one = party_called(visit.node, visit.parts["name"])
    membership.verify(visit.node, visit.clock, one.name, visit.form.get("number", ""))
    return see_other(party_url(one.name, one.party_id), said="verified")


def move(visit: Visit) -> Response:
    """`POST /parties/{name}/suspend`, `/resume`, `/revoke`."""
    event = _MOVES[visit.path.rpartition("/")[2]]
    why = visit.form.get("why", "")
    if not why:
        raise UsageError("a reason is needed, for those who ask later", hint="Write it into the form.")
    one = party_called(visit.node, visit.parts["name"])
    membership.move(visit.node, visit.clock, one.name, event, why)
    return see_other(party_url(one.name, one.party_id), said=event.value)


def decide(visit: Visit) -> Response:
    """`POST /parties/alarms/{number}`: take the card that was stopped, or not."""
    number = int(visit.parts["number"])
    if visit.form.get("decision") == "take":
        name = desk_alarms.take_card(visit.node, visit.clock, number, called=visit.form.get("called") or None)
        one = party_called(visit.node, name)
        return see_other(party_url(one.name, one.party_id), said="taken")
    fits_not = desk_alarms.refuse_card(visit.node, visit.clock, number)
    if fits_not is None:
        return see_other("/parties")
    one = party_called(visit.node, fits_not)
    return see_other(party_url(one.name, one.party_id), said="refused")


def invite(visit: Visit) -> Response:
    """`POST /parties/invite`: begin an invitation. Its code is shown this once."""
    return _invited(visit, invitations.begin(visit.node, visit.clock))


def join(visit: Visit) -> Response:
    """`POST /parties/join`: take a message of an invitation, whichever it is, and show the answer to it."""
    if visit.house.unseal is None and is_sealed(visit.node):
        raise UsageError(
            "our keys are under a passphrase, which a page does not ask for",
            hint="Take the message in a terminal: backchannel party join FILE; or serve with --passphrase-file.",
        )
    keys = own_keys(visit.node, visit.clock, visit.house.unseal)
    # A form sends line ends as CR LF (URL Standard §5.2): the message as it was written has LF.
    message = visit.form.get("message", "").replace("\r\n", "\n") + "\n"
    code = visit.form.get("code") or None
    return _invited(visit, invitations.go_on(visit.node, visit.clock, keys, message, code=code))


def qr_svg(text: str) -> Markup:
    """Return a QR code as SVG to stand in a page: dark on light in both themes, for cameras."""
    import segno  # noqa: PLC0415  # 10 ms that other pages need not pay

    out = io.BytesIO()
    segno.make(text, error="l", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, nl=False, omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(out.getvalue().decode("ascii"))  # noqa: S704 - drawn by us: numbers only


def _invited(visit: Visit, found: Invitation) -> Response:
    one = party_called(visit.node, found.party) if found.party else None
    return visit.answer(
        found,
        "invitation",
        section="parties",
        has_twin=False,
        invitation=found,
        url=party_url(one.name, one.party_id) if one else "",
    )
