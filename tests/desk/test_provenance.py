"""The signed ways of an object, as they are kept and shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.desk.made import a_file, take
from tests.provenance.made import GREEN, INDICATOR, digest_of, said
from tests.provenance.test_chain import Way
from tests.sim.party import ALPHA, BETA, GAMMA, KNOWN, MALLORY, NOW

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.codec import JsonObject
from backchannel.desk.batches import undo_batch
from backchannel.desk.node import Node
from backchannel.desk.provenance import keep_statement, proof_subject, provenance_of
from backchannel.desk.provenance_documents import Provenance
from backchannel.ids import BatchId
from backchannel.provenance.hidden import cryptonym, hide, opening
from backchannel.provenance.leaves import grow, salts
from backchannel.provenance.predicates import Permit
from backchannel.provenance.reasons import Reason
from backchannel.provenance.verification import Keys
from backchannel.stix.markings import Tlp
from backchannel.store.statements import Subject

CLOCK = FixedClock(NOW)


def arrived(node: Node, folder: Path, value: JsonObject = INDICATOR) -> BatchId:
    return BatchId(take(node, a_file(folder, value)).batch)


def keep(
    node: Node, *envelopes: bytes, batch_id: BatchId | None, leaves: list[Subject] | None = None
) -> None:
    for envelope in envelopes:
        keep_statement(node.store, CLOCK, envelope, batch_id=batch_id, leaves=leaves or ())


def shown(node: Node, keys: Keys = KNOWN.get, value: JsonObject = INDICATOR) -> Provenance:
    kept = (
        node.store.objects.current(value["id"]) or node.store.objects.all_versions(value["id"], at_most=1)[0]
    )
    return provenance_of(node.store, CLOCK, kept, marking=Tlp.GREEN, keys=keys)


def envelopes(way: Way) -> list[bytes]:
    return [link.envelope for link in way.links]


def test_both_hops_of_an_object_are_shown_with_names_times_and_what_each_did(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    way = Way.begun().passed(BETA, ALPHA).passed(GAMMA, BETA, marking_out=Tlp.AMBER)
    keep(node, *reversed(envelopes(way)), batch_id=batch)
    (chain,) = shown(node).chains
    assert (chain.state, chain.tlp) == ("proven", "TLP:AMBER")
    assert chain.says == "It came through 2 relays, and every signature holds."
    assert [hop.says for hop in chain.hops] == [
        "Alpha says so itself: the signature holds.",
        "Beta passed it on unchanged: the signature holds.",
        "Gamma passed it on unchanged, TLP:GREEN to TLP:AMBER: the signature holds.",
    ]
    assert chain.hops[1].signed_at == "2026-01-15T12:00:00Z"
    assert chain.hops[1].received_at == "2026-01-14"


def test_an_object_without_statements_has_no_chain(node: Node, tmp_path: Path):
    arrived(node, tmp_path)
    assert shown(node) == Provenance()


def test_two_ways_of_one_object_are_two_chains_the_proven_one_first(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    direct = Way.begun()
    stranger = Way.begun(by=MALLORY).passed(GAMMA, MALLORY)
    keep(node, *envelopes(stranger), *envelopes(direct.passed(BETA, ALPHA)), batch_id=batch)
    assert [(chain.state, chain.hops[-1].party) for chain in shown(node).chains] == [
        ("proven", "Beta"),
        ("unproven", "Gamma"),
    ]
    assert "An unknown party (key" in shown(node).chains[1].hops[0].says


def test_what_a_batch_said_goes_with_the_batch(node: Node, tmp_path: Path):
    arrived(node, tmp_path)
    again = arrived(node, tmp_path, INDICATOR | {"id": "indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3301"})
    keep(node, said(), batch_id=again)
    assert len(shown(node).chains) == 1
    undo_batch(node, CLOCK, again)
    assert shown(node).chains == ()


def test_an_object_of_a_drop_is_proven_by_the_signature_over_all_of_them(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    digests = [digest_of(INDICATOR | {"name": str(number)}) for number in range(20)] + [digest_of(INDICATOR)]
    salted = salts(bytes(32), 21)
    tree = grow(salted, digests)
    leaves = [
        Subject(digest, leaf_index=index, salt=salt)
        for index, (digest, salt) in enumerate(zip(digests, salted, strict=True))
    ]
    keep(node, said(subject=tree.subject), batch_id=batch, leaves=leaves)
    assert [chain.state for chain in shown(node).chains] == ["proven"]


def test_an_object_that_was_passed_on_alone_is_proven_by_the_proof_that_came_with_it(
    node: Node, tmp_path: Path
):
    batch = arrived(node, tmp_path)
    tree = grow(salts(bytes(32), 3), [bytes(32), digest_of(INDICATOR), bytes(32)])
    origin = said(subject=tree.subject)
    keep(node, origin, batch_id=batch, leaves=[proof_subject(digest_of(INDICATOR), tree.proof(1))])
    assert [chain.state for chain in shown(node).chains] == ["proven"]


def test_a_hidden_party_is_shown_as_hidden_with_what_the_relay_calls_it(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    name = cryptonym(bytes(32), "K7")
    way = Way.begun().passed(BETA, ALPHA).passed(GAMMA, BETA, from_=hide(opening(BETA.kid)), cryptonym=name)
    keep(node, way.links[2].envelope, batch_id=batch)
    (chain,) = shown(node).chains
    assert chain.says == "It came through 1 relay, with 2 parties hidden; not every step is proven."
    assert (
        chain.hops[1].says
        == f"A hidden party, called {name[:8]} by the next had it before: hidden by the next party."
    )


def test_t21_a_widened_marking_is_shown_at_its_hop_with_what_to_do(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    way = Way.begun()
    way.tlp = Tlp.AMBER
    way = way.passed(BETA, ALPHA, marking_out=Tlp.GREEN)
    keep(node, *envelopes(way), batch_id=batch)
    (chain,) = shown(node).chains
    assert (chain.state, chain.faults[0].code, chain.faults[0].hop) == ("refused", "downgraded-marking", 1)
    assert chain.faults[0].mend == Reason.DOWNGRADED_MARKING.mend
    permit = Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z", marking=Tlp.GREEN)
    keep(node, said(permit, by=MALLORY), batch_id=batch)
    assert shown(node).chains[0].state == "refused", "a stranger permits nothing"
    keep(node, said(permit), batch_id=batch)
    assert shown(node).chains[0].state == "proven"


def test_a_redacted_object_is_followed_to_its_original(node: Node, tmp_path: Path):
    after = {name: value for name, value in INDICATOR.items() if name != "description"}
    batch = arrived(node, tmp_path, after)
    way = Way.begun().passed(BETA, ALPHA, value=after, handling="redacted", removed=["/description"])
    keep(node, *envelopes(way), batch_id=batch)
    (chain,) = shown(node).chains
    assert chain.state == "proven"
    assert (
        chain.hops[1].says == "Beta passed it on with something left out (/description): the signature holds."
    )


def test_t20_a_copy_that_was_altered_is_shown_beside_what_was_signed(node: Node, tmp_path: Path):
    copy = INDICATOR | {"name": "harmless", "object_marking_refs": [GREEN]}
    batch = arrived(node, tmp_path, copy)
    keep(node, said(), batch_id=batch)
    found = shown(node)
    assert found.chains == ()
    (signed,) = found.signed_otherwise
    assert (signed.signer, signed.kind, signed.differences) == ("Alpha", "not held", ())
    arrived(node, tmp_path, INDICATOR)
    (signed,) = shown(node, value=copy).signed_otherwise
    assert signed.kind == "altered"
    assert [(one.property, one.here, one.there) for one in signed.differences] == [
        ("name", '"harmless"', '"C2 of the loader"')
    ]


def test_t26_a_copy_that_a_tool_wrote_anew_is_told_from_an_altered_one(node: Node, tmp_path: Path):
    copy = INDICATOR | {"revoked": False}
    batch = arrived(node, tmp_path, copy)
    arrived(node, tmp_path, INDICATOR)
    keep(node, said(), batch_id=batch)
    assert [signed.kind for signed in shown(node, value=copy).signed_otherwise] == ["respelled"]


def test_t32_a_key_that_is_stolen_later_still_counts_for_what_came_before(node: Node, tmp_path: Path):
    batch = arrived(node, tmp_path)
    keep(node, said(), batch_id=batch)
    stolen_later = {ALPHA.kid: ALPHA.known(compromised_since=NOW + timedelta(hours=1))}
    assert shown(node, stolen_later.get).chains[0].state == "proven"
    stolen_before = {ALPHA.kid: ALPHA.known(compromised_since=NOW - timedelta(hours=1))}
    (chain,) = shown(node, stolen_before.get).chains
    assert chain.state == "unproven"
    assert "may have been stolen" in chain.hops[0].says


def test_the_text_of_a_stranger_cannot_turn_the_page_round(node: Node, tmp_path: Path):
    after = {name: value for name, value in INDICATOR.items() if name != "description"}
    batch = arrived(node, tmp_path, after)
    way = Way.begun().passed(
        BETA, ALPHA, value=after, handling="redacted", removed=["/description", "/\u202ex"]
    )
    keep(node, *envelopes(way), batch_id=batch)
    (chain,) = shown(node).chains
    assert "\u202e" not in codec.encode(chain).decode()
    assert "u{202e}" in chain.hops[1].says
