"""The way of an object: who said it first, who passed it on, what was done on the way, who is hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.made import (
    AMBER,
    AMBER_STRICT,
    GREEN,
    INDICATOR,
    ORIGIN,
    RED,
    about,
    digest_of,
    payload_of,
    resigned,
    said,
    verified,
)
from tests.sim.party import ALPHA, BETA, DELTA, GAMMA, KNOWN, MALLORY, NOW, SimParty

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.provenance.chain import MAX_LINKS, trace
from backchannel.provenance.handling import without
from backchannel.provenance.hidden import cryptonym, hide, opening, opens
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.leaves import grow, salts
from backchannel.provenance.predicates import Permit, Relay
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import digest_text, open_envelope
from backchannel.provenance.verification import Terms, Verified
from backchannel.stix.markings import Tlp, tlp_of

TERMS = Terms(now=NOW, me={DELTA.kid}, seen=None)


@dataclass
class Way:
    """A chain that grows as it would: Alpha says it, Beta and Gamma pass it on to us, Delta."""

    value: JsonObject
    links: tuple[Link, ...] = ()
    tlp: Tlp = Tlp.GREEN

    @classmethod
    def begun(cls, value: JsonObject = INDICATOR, *, by: SimParty = ALPHA, **fields) -> Way:
        origin = said(ORIGIN, by=by, value=value, **fields)
        return cls(value, (Link(envelope=origin, digest=digest_of(value), value=value),))

    def passed(self, by: SimParty, source: SimParty, *, value: JsonObject | None = None, **fields) -> Way:
        after = self.value if value is None else value
        prev = digest_text(open_envelope(self.links[-1].envelope).digest)
        to = fields.pop("to", [GAMMA.kid, DELTA.kid])
        said_of = {
            "prev": prev,
            "hops": len(self.links),
            "from_": source.kid,
            "to": to,
            "received_at": "2026-01-14",
            "handling": "verbatim",
            "marking_in": self.tlp,
            "marking_out": self.tlp,
        } | fields
        relay = Relay(**said_of)
        envelope = said(relay, by=by, value=after, aud=[kid for kid in to if ":" not in kid] or ["*"])
        link = Link(envelope=envelope, digest=digest_of(after), value=after)
        return Way(after, (*self.links, link), relay.marking_out)

    def traced(self, held: JsonObject | None = None, **fields) -> Chain:
        return traced(self.links, self.value if held is None else held, **fields)


def traced(links, held: JsonObject, **fields) -> Chain:
    marking = tlp_of(held, default=None)
    return trace(
        links, Held(digest=digest_of(held), marking=marking), fields.pop("keys", KNOWN.get), TERMS, **fields
    )


def reasons(chain: Chain) -> list[Reason]:
    return [fault.reason for fault in chain.faults]


WAY = Way.begun().passed(BETA, ALPHA).passed(GAMMA, BETA)


# --- What is drawn ----------------------------------------------------------------------------------------


def test_a_chain_shows_who_said_it_and_both_relays_with_names_and_times():
    chain = WAY.traced()
    assert chain.state == "proven"
    assert [(hop.kind, hop.party, hop.signature) for hop in chain.hops] == [
        ("origin", "Alpha", "good"),
        ("relay", "Beta", "good"),
        ("relay", "Gamma", "good"),
    ]
    assert {hop.signed_at for hop in chain.hops} == {"2026-01-15T12:00:00Z"}
    assert [hop.received_at for hop in chain.hops] == [None, "2026-01-14", "2026-01-14"]
    assert (chain.marking, chain.otag) == (Tlp.GREEN, ORIGIN.otag)


def test_a_party_that_we_do_not_know_is_shown_by_its_key_and_proves_nothing():
    chain = Way.begun(by=MALLORY).passed(BETA, MALLORY).traced()
    assert chain.state == "unproven"
    assert [(hop.party, hop.kid, hop.signature) for hop in chain.hops] == [
        (None, MALLORY.kid, "unknown-key"),
        ("Beta", BETA.kid, "good"),
    ]


def test_an_object_without_any_statement_has_no_origin():
    assert reasons(traced((), INDICATOR)) == [Reason.NO_ORIGIN]


def test_what_came_without_a_statement_is_the_relays_own_claim_with_its_origin_undisclosed():
    source = opening(BETA.kid)
    relay = Relay(
        hops=1,
        from_=hide(source),
        to=[DELTA.kid],
        received_at="2026-01-14",
        handling="verbatim",
        marking_in=Tlp.GREEN,
        marking_out=Tlp.GREEN,
        cryptonym=cryptonym(bytes(32), "the man at the bar"),
    )
    link = Link(envelope=said(relay, by=BETA), digest=digest_of(INDICATOR))
    chain = traced((link,), INDICATOR)
    assert (chain.state, reasons(chain)) == ("unproven", [])
    assert [(hop.kind, hop.signature, hop.cryptonym) for hop in chain.hops] == [
        ("undisclosed", "none", relay.cryptonym),
        ("relay", "good", None),
    ]


def test_a_chain_over_the_roots_of_whole_drops_is_followed_by_proofs():
    digests = [digest_of(INDICATOR | {"name": str(number)}) for number in range(9)] + [digest_of(INDICATOR)]
    tree = grow(salts(bytes(32), 10), digests)
    link = Link(envelope=said(subject=tree.subject), digest=digests[9], proof=tree.proof(9))
    assert traced((link,), INDICATOR).state == "proven"
    assert reasons(traced((replace(link, proof=tree.proof(8)),), INDICATOR)) == [Reason.BAD_PROOF]
    assert reasons(traced((replace(link, proof=None),), INDICATOR)) == [Reason.BAD_PROOF]


def test_a_key_that_was_changed_on_the_way_is_still_the_same_party():
    newer = SimParty("Beta, with its next key")
    keys = KNOWN | {newer.kid: newer.known(party=KNOWN[BETA.kid].party, name="Beta")}
    way = Way.begun().passed(newer, ALPHA, to=[GAMMA.kid]).passed(GAMMA, BETA)
    assert way.traced(keys=keys.get).state == "proven"


# --- T20: changed objects --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INDICATOR)
def test_t20_any_property_that_is_changed_is_seen(name: str):
    value = INDICATOR[name]
    changed = INDICATOR | {name: [AMBER] if isinstance(value, list) else value + "x"}
    assert Reason.ALTERED in reasons(WAY.traced(changed))
    left_out = {key: inner for key, inner in INDICATOR.items() if key != name}
    assert Reason.ALTERED in reasons(WAY.traced(left_out))


def test_t20_any_property_that_is_added_is_seen():
    assert reasons(WAY.traced(INDICATOR | {"confidence": 90})) == [Reason.ALTERED]


@pytest.mark.parametrize("marking", [[AMBER], [GREEN, AMBER], []])
def test_t20_any_marking_that_is_changed_is_seen(marking: list[str]):
    assert reasons(WAY.traced(INDICATOR | {"object_marking_refs": marking})) == [Reason.ALTERED]


# --- T21: markings that were widened ---------------------------------------------------------------------


def test_t21_a_relay_that_widens_the_marking_is_refused_and_named():
    way = Way.begun(INDICATOR | {"object_marking_refs": [AMBER]})
    way.tlp = Tlp.AMBER
    chain = way.passed(BETA, ALPHA, marking_out=Tlp.GREEN).traced()
    assert reasons(chain) == [Reason.DOWNGRADED_MARKING]
    assert chain.hops[chain.faults[0].hop].party == "Beta"
    assert chain.marking is Tlp.AMBER, "the marking before holds"


def test_t21_a_relay_cannot_widen_it_by_saying_that_it_came_so():
    value = INDICATOR | {"object_marking_refs": [AMBER]}
    way = Way.begun(value)
    way.tlp = Tlp.AMBER
    chain = way.passed(BETA, ALPHA).passed(GAMMA, BETA, marking_in=Tlp.GREEN, marking_out=Tlp.GREEN).traced()
    assert Reason.DOWNGRADED_MARKING in reasons(chain)


def test_t21_amber_strict_does_not_turn_amber_on_the_way():
    value = INDICATOR | {"object_marking_refs": [AMBER_STRICT]}
    way = Way.begun(value)
    way.tlp = Tlp.AMBER_STRICT
    assert reasons(way.passed(BETA, ALPHA, marking_out=Tlp.AMBER).traced()) == [Reason.DOWNGRADED_MARKING]
    assert reasons(way.passed(BETA, ALPHA).traced()) == []
    amber = INDICATOR | {"object_marking_refs": [AMBER]}
    assert reasons(way.passed(BETA, ALPHA).traced(amber)) == [Reason.ALTERED, Reason.DOWNGRADED_MARKING]


def test_t21_a_marking_that_was_removed_or_replaced_by_a_look_alike_is_seen():
    value = INDICATOR | {"object_marking_refs": [AMBER_STRICT]}
    way = Way.begun(value)
    way.tlp = Tlp.RED
    way = way.passed(BETA, ALPHA)
    removed = {key: inner for key, inner in value.items() if key != "object_marking_refs"}
    assert reasons(way.traced(removed)) == [Reason.ALTERED, Reason.DOWNGRADED_MARKING]
    look_alike = AMBER_STRICT[:-1] + "4"
    found = way.traced(value | {"object_marking_refs": [look_alike]})
    assert reasons(found) == [Reason.ALTERED]
    assert tlp_of({"object_marking_refs": [look_alike]}, default=None) is Tlp.RED


def test_t21_a_marking_may_be_tightened_and_then_holds():
    chain = Way.begun().passed(BETA, ALPHA, marking_out=Tlp.AMBER).passed(GAMMA, BETA).traced()
    assert (chain.state, chain.marking) == ("proven", Tlp.AMBER)
    again = Way.begun().passed(BETA, ALPHA, marking_out=Tlp.AMBER).passed(GAMMA, BETA, marking_out=Tlp.GREEN)
    assert reasons(again.traced()) == [Reason.DOWNGRADED_MARKING]


def test_t21_a_relay_cannot_leave_out_a_marking_that_the_origin_statement_does_not_repeat():
    """The originator's own object says RED; the relay says that it came GREEN, and takes the marking off."""
    after = {name: value for name, value in INDICATOR.items() if name != "object_marking_refs"}
    way = Way.begun(INDICATOR | {"object_marking_refs": [RED]})
    way = way.passed(BETA, ALPHA, value=after, handling="redacted", removed=["/object_marking_refs"])
    assert Reason.DOWNGRADED_MARKING in reasons(way.traced())


def test_t21_a_redaction_does_not_drop_the_marking():
    after = {name: value for name, value in INDICATOR.items() if name != "object_marking_refs"}
    red = INDICATOR | {"object_marking_refs": [RED]}
    way = Way.begun(red)
    way.tlp = Tlp.RED
    way = way.passed(BETA, ALPHA, value=after, handling="redacted", removed=["/object_marking_refs"])
    assert reasons(way.traced()) == [Reason.DOWNGRADED_MARKING]


PERMIT = Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z", marking=Tlp.GREEN)


@pytest.mark.parametrize(
    ("permit", "by", "expected"),
    [
        (PERMIT, ALPHA, []),
        (PERMIT, BETA, [Reason.DOWNGRADED_MARKING]),
        (Permit(to=["*"], until="2026-06-01T00:00:00Z", marking=Tlp.GREEN), ALPHA, []),
        (Permit(to=[GAMMA.kid], until="2026-06-01T00:00:00Z", marking=Tlp.GREEN), ALPHA, [Reason.NO_PERMIT]),
        (Permit(to=[BETA.kid], until="2026-01-01T00:00:00Z", marking=Tlp.GREEN), ALPHA, [Reason.NO_PERMIT]),
        (Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z", marking=Tlp.AMBER), ALPHA, [Reason.NO_PERMIT]),
        (Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z"), ALPHA, [Reason.NO_PERMIT]),
    ],
    ids=["its own", "signed by another", "for all", "for another", "run out", "not so wide", "of no marking"],
)
def test_t21_t62_only_the_originators_permit_lets_a_relay_widen_a_marking(
    permit: Permit, by: SimParty, expected: list[Reason]
):
    way = Way.begun()
    way.tlp = Tlp.AMBER
    way = way.passed(BETA, ALPHA, marking_out=Tlp.GREEN)
    signed = verified(said(permit, by=by))
    chain = way.traced(permits=lambda _: [signed])
    assert reasons(chain) == expected
    assert [one.digest for one in chain.permits] == ([] if expected else [signed.digest])
    assert chain.marking is (Tlp.AMBER if expected else Tlp.GREEN)
    other = verified(said(PERMIT, value=INDICATOR | {"name": "another"}))
    assert reasons(way.traced(permits=lambda _: [other])) == [Reason.DOWNGRADED_MARKING]


def test_t62_a_permit_that_holds_counts_beside_others_that_do_not():
    way = Way.begun()
    way.tlp = Tlp.AMBER
    way = way.passed(BETA, ALPHA, marking_out=Tlp.GREEN)
    gone = msgspec.structs.replace(PERMIT, until="2026-01-01T00:00:00Z")
    asked: list[bytes] = []

    def permits(digest: bytes) -> list[Verified]:
        asked.append(digest)
        return [verified(said(one)) for one in (gone, PERMIT)]

    assert reasons(way.traced(permits=permits)) == []
    assert asked == [digest_of(INDICATOR)], "they are asked for where a marking is widened, and only there"
    assert reasons(Way.begun().passed(BETA, ALPHA).traced(permits=permits)) == []
    assert len(asked) == 1


def test_t62_what_the_originator_permits_holds_against_the_marking_that_the_object_bears():
    amber = INDICATOR | {"object_marking_refs": [AMBER]}
    way = Way.begun(amber)
    way.tlp = Tlp.AMBER
    way = way.passed(BETA, ALPHA, marking_out=Tlp.GREEN)
    permit = verified(said(PERMIT, value=amber))
    assert way.traced(permits=lambda _: [permit]).marking is Tlp.GREEN
    tightened = way.passed(GAMMA, BETA, marking_out=Tlp.RED)
    assert tightened.traced(permits=lambda _: [permit]).marking is Tlp.RED


def test_t62_nobody_relies_on_the_permit_of_an_origin_behind_a_hidden_party():
    way = Way.begun().passed(BETA, ALPHA)
    way.tlp = Tlp.AMBER
    way = way.passed(GAMMA, BETA, from_=hide(opening(BETA.kid)), hops=3, marking_out=Tlp.GREEN)
    permit = verified(said(msgspec.structs.replace(PERMIT, to=["*"])))
    assert Reason.DOWNGRADED_MARKING in reasons(way.traced(permits=lambda _: [permit]))


# --- T22: forged chains -----------------------------------------------------------------------------------


def test_t22_a_hop_that_its_party_did_not_sign_is_forged():
    payload = codec.canonical(payload_of(WAY.links[1].envelope))
    forged = replace(WAY.links[1], envelope=resigned(payload, by=MALLORY))
    chain = traced((WAY.links[0], forged, WAY.links[2]), INDICATOR)
    assert reasons(chain)[0] is Reason.FORGED_HOP
    assert chain.hops[1].signature == "bad"


def test_t22_a_hop_that_was_removed_is_missed():
    assert reasons(traced((WAY.links[0], WAY.links[2]), INDICATOR)) == [Reason.BROKEN_CHAIN]
    assert reasons(traced(WAY.links[1:], INDICATOR)) == [Reason.NO_ORIGIN]
    cut_short = traced(WAY.links[:2], INDICATOR)
    assert [hop.party for hop in cut_short.hops] == ["Alpha", "Beta"], (
        "what Gamma added it may take away again"
    )


def test_t22_hops_that_were_reordered_do_not_follow_from_one_another():
    origin, one, two = WAY.links
    assert Reason.BROKEN_CHAIN in reasons(traced((origin, two, one), INDICATOR))
    assert Reason.BROKEN_CHAIN in reasons(traced((one, origin, two), INDICATOR))
    assert Reason.BROKEN_CHAIN in reasons(traced((origin, one, one), INDICATOR))


def test_t22_a_hop_of_another_object_cannot_be_spliced_in():
    other = INDICATOR | {"name": "another"}
    theirs = Way.begun(other).passed(BETA, ALPHA)
    spliced = replace(theirs.links[1], digest=digest_of(INDICATOR), value=INDICATOR)
    found = reasons(traced((WAY.links[0], spliced), INDICATOR))
    assert found.count(Reason.BROKEN_CHAIN) == 2, "neither the statement before nor the object is its own"


def test_t22_a_hop_of_another_chain_of_the_same_object_cannot_be_spliced_in():
    again = Way.begun().passed(BETA, ALPHA)
    assert reasons(traced((WAY.links[0], again.links[1]), INDICATOR)) == [Reason.BROKEN_CHAIN]


def test_t22_a_relay_cannot_name_another_source_than_the_one_that_signed():
    assert reasons(Way.begun().passed(BETA, GAMMA).traced()) == [Reason.BROKEN_CHAIN]


def test_t22_a_relay_to_whom_it_was_not_sent_is_named():
    way = Way.begun(aud=[BETA.kid]).passed(GAMMA, ALPHA)
    chain = way.traced()
    assert reasons(chain) == [Reason.NOT_ADDRESSED]
    assert chain.hops[chain.faults[0].hop].party == "Gamma"


def test_t22_a_relay_cannot_invent_an_origin():
    invented = Way.begun(by=MALLORY).passed(BETA, ALPHA)
    assert reasons(invented.traced()) == [Reason.BROKEN_CHAIN]


def test_t22_another_kind_of_statement_is_no_hop():
    link = Link(envelope=said(PERMIT), digest=digest_of(INDICATOR))
    assert reasons(traced((link,), INDICATOR)) == [Reason.WRONG_TYPE]
    stranger = Link(envelope=said(PERMIT, by=MALLORY), digest=digest_of(INDICATOR))
    assert reasons(traced((stranger,), INDICATOR)) == [Reason.WRONG_TYPE]


def test_a_chain_longer_than_any_is_not_followed():
    assert reasons(traced(WAY.links[:1] * (MAX_LINKS + 1), INDICATOR)) == [Reason.TOO_MANY]


# --- Handling ---------------------------------------------------------------------------------------------

REDACTED = {name: value for name, value in INDICATOR.items() if name != "created_by_ref"}


@pytest.mark.parametrize(
    ("handling", "fields", "after", "is_true"),
    [
        ("verbatim", {}, REDACTED, False),
        ("redacted", {"removed": ["/created_by_ref"]}, REDACTED, True),
        ("redacted", {"removed": ["/created_by_ref"]}, INDICATOR, False),
        ("redacted", {"removed": ["/name"]}, REDACTED, False),
        ("redacted", {"removed": ["/created_by_ref"]}, REDACTED | {"name": "mine"}, False),
        ("redacted", {"removed": ["/nowhere"]}, REDACTED, False),
        ("excerpt", {}, REDACTED, True),
        ("excerpt", {}, REDACTED | {"confidence": 99}, False),
        ("excerpt", {}, INDICATOR, False),
        ("translated", {}, INDICATOR | {"name": "C2 des Laders"}, True),
        ("translated", {}, INDICATOR, False),
    ],
)
def test_what_a_relay_says_it_did_is_compared_with_what_happened(
    handling: str, fields: JsonObject, after: JsonObject, is_true: bool
):
    way = Way.begun().passed(BETA, ALPHA, value=after, handling=handling, **fields)
    assert reasons(way.traced()) == ([] if is_true else [Reason.BAD_HANDLING])


def test_a_reworded_object_names_what_it_was_made_of():
    after = INDICATOR | {"id": "indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "in other words"}
    origin = digest_text(open_envelope(WAY.links[0].envelope).digest)
    way = Way.begun()
    own = digest_text(open_envelope(way.links[0].envelope).digest)
    assert way.passed(BETA, ALPHA, value=after, handling="reworded", inputs=[own]).traced().state == "proven"
    bad = way.passed(BETA, ALPHA, value=after, handling="reworded", inputs=[origin])
    assert reasons(bad.traced()) == [Reason.BAD_HANDLING]
    with pytest.raises(ValueError, match="inputs"):
        way.passed(BETA, ALPHA, value=after, handling="merged")


@given(st.sampled_from(["/name", "/object_marking_refs/0", "/a~1b", "/x~0y/1", "/x~0y/0"]))
def test_what_a_json_pointer_leads_to_is_removed_and_nothing_else(pointer: str):
    value = INDICATOR | {"a/b": 1, "x~y": [1, {"z": 2}]}
    rest = without(value, [pointer])
    assert rest is not None
    assert codec.canonical(rest) != codec.canonical(value)
    assert without(rest | {"name": "again"}, ["/nowhere"]) is None
    assert without(value, ["/x~0y/0", "/x~0y/1"]) == INDICATOR | {"a/b": 1, "x~y": []}


# --- Hidden parties ---------------------------------------------------------------------------------------


def test_a_hidden_party_is_counted_and_shown_as_hidden():
    source = opening(BETA.kid)
    full = Way.begun().passed(BETA, ALPHA).passed(GAMMA, BETA, from_=hide(source), cryptonym="ab" * 10)
    chain = traced((full.links[0], full.links[2]), INDICATOR)
    assert (chain.state, reasons(chain)) == ("unproven", [])
    assert [(hop.kind, hop.party, hop.signature, hop.cryptonym) for hop in chain.hops] == [
        ("origin", "Alpha", "good", None),
        ("undisclosed", None, "withheld", "ab" * 10),
        ("relay", "Gamma", "good", None),
    ]
    assert chain.otag is None, "whoever hides a party could have put any origin before it"
    opened = traced((full.links[0], full.links[2]), INDICATOR, openings=[opening(ALPHA.kid), source])
    assert opened.hops[1].party == "Beta"


def test_all_who_are_hidden_before_a_relay_are_counted():
    full = Way.begun().passed(BETA, ALPHA).passed(GAMMA, BETA, from_=hide(opening(BETA.kid)))
    chain = traced(full.links[2:], INDICATOR)
    assert [hop.kind for hop in chain.hops] == ["undisclosed", "undisclosed", "relay"]
    assert chain.otag is None


def test_a_relay_that_opens_another_party_than_it_hid_is_found_out():
    source = opening(DELTA.kid)
    chain = Way.begun().passed(BETA, ALPHA, from_=hide(source)).traced(openings=[source])
    assert reasons(chain) == [Reason.BAD_OPENING]


def test_a_commitment_binds_to_one_party_and_hides_it():
    one = opening(ALPHA.kid)
    assert opens(one, hide(one))
    assert not opens(replace(one, kid=BETA.kid), hide(one))
    assert not opens(replace(one, random=bytes(32)), hide(one))
    assert hide(opening(ALPHA.kid)) != hide(opening(ALPHA.kid))
    assert ALPHA.kid not in repr(one)


def test_a_cryptonym_is_the_same_for_one_source_of_one_relay_and_no_other():
    assert cryptonym(bytes(32), "K7") == cryptonym(bytes(32), "K7")
    assert len({cryptonym(bytes(32), "K7"), cryptonym(bytes(32), "K8"), cryptonym(b"\1" * 32, "K7")}) == 3


def test_t32_a_hop_by_a_key_that_may_be_stolen_is_shown_and_proves_nothing():
    since = NOW - timedelta(days=30)
    keys = KNOWN | {BETA.kid: BETA.known(compromised_since=since)}
    chain = WAY.traced(keys=keys.get)
    assert chain.state == "unproven"
    assert chain.hops[1].signature == "maybe-stolen-key"
    seen_before = replace(TERMS, known_at=lambda digest: since - timedelta(days=1))
    held = Held(digest=digest_of(INDICATOR), marking=Tlp.GREEN)
    assert trace(WAY.links, held, keys.get, seen_before).state == "proven"
    assert about(INDICATOR).jcs == digest_text(digest_of(INDICATOR))
