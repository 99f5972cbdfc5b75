"""What is held goes no further than the relays allow that bring it later, by whichever way it goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import GREEN, indicator, keep, nodes, take
from tests.desk.hostile import Parts, draft, made_of, signing_key
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk.access import Caller, caller_by_secret
from backchannel.desk.batches import undo_batch
from backchannel.desk.choosing import Choice
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.paging import Query
from backchannel.desk.planning import plan
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch, put_objects
from backchannel.desk.recipients import recipient_of
from backchannel.desk.taxii import objects_page
from backchannel.desk.why import why
from backchannel.drop.links import Group
from backchannel.ids import BatchId, sha256
from backchannel.provenance.leaves import grow
from backchannel.provenance.predicates import Origin
from backchannel.provenance.statement import digest_text, make, open_envelope
from backchannel.stix.markings import Tlp

ID = str(indicator(0)["id"])
BASE = "http://127.0.0.1:8017"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    """Alpha, and Beta, who offers what it has to whoever may have TLP:GREEN."""
    with nodes(tmp_path, "Alpha", "Beta") as found:
        beta = found[1]
        add_root(beta, CLOCK, "sharing", base_url=BASE)
        for alias in ("gathered", "chosen"):
            new = NewOffer(title=alias, root_id="sharing", alias=alias, gather=alias == "gathered")
            add_collection(beta, CLOCK, new, base_url=BASE)
        yield found


def allowing(marking: Tlp, sender: Node, to: Node, *objects: dict[str, object], seq: int = 0) -> bytes:
    """A drop of objects of which their originator says how far they may go."""
    salts = [bytes([number]) * 16 for number, _ in enumerate(objects)]
    values = [codec.decode(codec.canonical(one)) for one in objects]
    tree = grow(salts, [sha256(codec.canonical(one)) for one in values])
    said = Origin(collection="first-hand", otag="0a" * 32, marking=marking)
    origin = make(said, subject=tree.subject, aud=["*"], key=signing_key(sender), iat=CLOCK.now())
    links = [Group(chain=(digest_text(open_envelope(origin).digest),), first=0, n=len(objects))]
    release = draft(sender, to, seq=seq, bundle=f"{seq + 1:032x}")
    return made_of(Parts(values, salts, [origin], links, release), sender, to)


def tlp(node: Node, stix_id: str = ID) -> Tlp:
    kept = node.store.objects.current(stix_id)
    assert kept is not None
    return Reader(node, CLOCK).tlp(kept, node.store.objects.firsts([kept.object_row])[kept.object_row])


def reader(node: Node, party: str, collection: str) -> Caller:
    found = add_token(node, CLOCK, NewCredential(party=party, read=(collection,)))
    assert found.token is not None
    caller = caller_by_secret(node.store, found.token, account=party.lower(), now=CLOCK.now())
    assert caller is not None
    return caller


def classes(node: Node) -> list[tuple[str, str]]:
    """Label of its own, and of what comes unmarked, of each object in each collection."""
    ask = "SELECT k.tlp, k.default_tlp FROM collected AS c JOIN class AS k USING (class_row) ORDER BY c.added"
    return node.store.database.execute(ask).fetchall()


@pytest.mark.parametrize("marking", [GREEN, None], ids=["marked", "unmarked"])
def test_t21_what_is_held_goes_no_further_than_a_later_chain_allows(two: list[Node], marking: str | None):
    alpha, beta = two
    value = indicator(0, marking)
    take(beta, allowing(Tlp.GREEN, alpha, beta, value))
    put_objects(beta, CLOCK, "chosen", [ID])
    assert tlp(beta) is Tlp.GREEN if marking else Tlp.AMBER
    batch = take(beta, allowing(Tlp.RED, alpha, beta, value, seq=2)).batch
    assert beta.store.objects.current(ID) is not None, "it stays in use"
    assert tlp(beta) is Tlp.RED
    assert "lets it go as TLP:RED at most" in why(beta, CLOCK, ID).tlp_why
    column = 0 if marking else 1
    assert {row[column] for row in classes(beta)} == {"red"}
    assert len(classes(beta)) == 2
    undo_batch(beta, CLOCK, BatchId(batch or 0))
    assert tlp(beta) is not Tlp.RED


def test_t21_the_pages_of_collections_and_plans_read_the_floor(two: list[Node]):
    alpha, beta = two
    take(beta, allowing(Tlp.GREEN, alpha, beta, indicator(0), indicator(1)))
    put_objects(beta, CLOCK, "chosen", [ID, str(indicator(1)["id"])])
    gamma = reader(beta, "Gamma", "chosen")

    def seen() -> list[str]:
        page = objects_page(beta, CLOCK, gamma, "sharing", "chosen", Query())
        return [codec.decode(body)["id"] for body in page.bodies]

    assert len(seen()) == 2
    take(beta, allowing(Tlp.RED, alpha, beta, indicator(0), seq=2))
    assert seen() == [str(indicator(1)["id"])]
    keep(beta, [indicator(0)], by="somebody")
    assert seen() == [str(indicator(1)["id"])], "another way allows no more"


def test_what_is_put_in_a_collection_later_reads_the_floor_too(two: list[Node]):
    alpha, beta = two
    batch = take(beta, allowing(Tlp.GREEN, alpha, beta, indicator(0))).batch
    take(beta, allowing(Tlp.RED, alpha, beta, indicator(0), seq=2))
    put_batch(beta, CLOCK, "chosen", batch or 0)
    assert {row[0] for row in classes(beta)} == {"red"}


def test_the_originator_is_not_kept_from_what_it_gave(two: list[Node]):
    alpha, beta = two
    take(beta, allowing(Tlp.GREEN, alpha, beta, indicator(0)))
    take(beta, allowing(Tlp.AMBER, alpha, beta, indicator(0), seq=2))
    planned = plan(beta, CLOCK, recipient_of(beta, "Alpha"), Choice((ID,)))
    assert [(one.goes, one.tlp) for one in planned.objects] == [(True, "TLP:AMBER")]
