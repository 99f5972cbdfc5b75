"""What a marking means that is no label of TLP's own is said by who gave the object, or by us: everywhere it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, an_id, indicator, made

from backchannel.desk.access import Caller, caller_by_secret
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.defining import stricter
from backchannel.desk.judging import Judge
from backchannel.desk.node import Node
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.receive import receive
from backchannel.desk.shelves import Shelves
from backchannel.ids import BatchId
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept

BASE = "http://127.0.0.1:8017"
MARK = an_id("marking-definition", 7)


def defined(label: str) -> dict[str, object]:
    """A marking of a party's own that says how far something may go."""
    one = made("marking-definition", 7, definition_type="tlp", definition={"tlp": label}, name="Ours")
    return {name: held for name, held in one.items() if name not in {"modified", "object_marking_refs"}}


def brought(node: Node, folder: Path, party: str, *objects: dict[str, object]) -> BatchId:
    found = receive(node, CLOCK, [a_file(folder, *objects, name=f"{party}.json")], party=party)
    assert (found.refused, found.quarantined) == (0, 0)
    return found.batch


def held(node: Node, n: int) -> Kept:
    kept = node.store.objects.current(an_id("indicator", n))
    assert kept is not None
    return kept


def judged(node: Node, n: int) -> Tlp:
    return Judge(node, CLOCK).indicators([held(node, n)])[0].standing.tlp


def test_judging_believes_who_gave_an_object_and_nobody_else(node: Node, tmp_path: Path):
    brought(node, tmp_path, "Beta", indicator(1, object_marking_refs=[MARK]))
    assert judged(node, 1) is Tlp.RED, "nobody who may says what it means"
    brought(node, tmp_path, "Mallory", defined("white"), indicator(2, object_marking_refs=[MARK]))
    assert judged(node, 1) is Tlp.RED, "another's word opens nothing"
    assert judged(node, 2) is Tlp.CLEAR, "what is its own it may open"
    brought(node, tmp_path, "Beta", defined("amber"))
    assert (judged(node, 1), judged(node, 2)) == (Tlp.AMBER, Tlp.CLEAR)
    brought(node, tmp_path, node.party.name, defined("green"))
    assert (judged(node, 1), judged(node, 2)) == (Tlp.AMBER, Tlp.GREEN), "the strictest of those who may"


@pytest.fixture
def gamma(node: Node, tmp_path: Path) -> Caller:
    """Who reads a collection with an object of Beta's, of a marking that Beta defines."""
    add_root(node, CLOCK, "sharing", base_url=BASE)
    add_collection(node, CLOCK, NewOffer(title="Shared", root_id="sharing", alias="shared"), base_url=BASE)
    batch = brought(node, tmp_path, "Beta", defined("green"), indicator(1, object_marking_refs=[MARK]))
    put_batch(node, CLOCK, "shared", batch)
    found = add_token(node, CLOCK, NewCredential(party="Gamma", read=("shared",)))
    who = caller_by_secret(node.store, found.token or "", now=CLOCK.now())
    assert who is not None
    return who


def tags(node: Node, shelves: Shelves, who: Caller) -> dict[str, set[str]]:
    """The TLP tags of what a reader gets as MISP events, by value."""
    found: dict[str, set[str]] = {}
    for event in shelves.shelf(node, CLOCK, who, "shared").events:
        for one in event.attributes:
            found.setdefault(one.value, set()).update(
                tag for tag in (*event.tags, *one.tags) if tag.startswith("tlp:")
            )
    return found


def test_misp_events_bear_the_label_that_who_gave_the_object_says(node: Node, tmp_path: Path, gamma: Caller):
    shelves = Shelves()
    [(beta, before)] = tags(node, shelves, gamma).items()
    assert before == {"tlp:green"}
    other = indicator(2, object_marking_refs=[MARK], pattern="[domain-name:value = 'mallory.example']")
    put_batch(node, CLOCK, "shared", brought(node, tmp_path, "Mallory", defined("white"), other))
    assert tags(node, shelves, gamma) == {beta: {"tlp:green"}, "mallory.example": {"tlp:clear"}}
    brought(node, tmp_path, "Beta", defined("amber"))
    assert tags(node, shelves, gamma) == {beta: {"tlp:amber"}, "mallory.example": {"tlp:clear"}}, "made anew"


def test_the_stricter_word_of_two_counts():
    one = {"a": Tlp.GREEN, "b": None, "c": Tlp.RED}
    other = {"a": Tlp.AMBER, "b": Tlp.GREEN, "c": None, "d": None}
    assert stricter(one, other) == {"a": Tlp.AMBER, "b": Tlp.GREEN, "c": Tlp.RED, "d": None}
