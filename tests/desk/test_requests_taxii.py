"""Requests and answers over TAXII: in notes that other tools can store, for their reader alone; and as plain STIX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import RED, indicator, keep
from tests.desk.made import CLOCK
from tests.desk.offers import caller, notes, offering, put, read

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.asking import Question, ask, cancel, request_stix
from backchannel.desk.documents import Receipt
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.desk.replying import Reply, reply
from backchannel.desk.requests import list_requests
from backchannel.errors import UsageError
from backchannel.provenance.predicates import HuntFor

ID = str(indicator(1)["id"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with offering(tmp_path) as found:
        yield found


def poll(node: Node, objects: list[JsonObject], of: Node) -> Receipt:
    path = node.home / "polled.json"
    bundle = {"type": "bundle", "id": f"bundle--{'0' * 8}-0000-4000-8000-{'0' * 12}", "objects": objects}
    path.write_bytes(codec.encode(bundle))
    return receive(node, CLOCK, [path], party=of.party.name, channel="taxii")


def test_a_request_and_its_answer_travel_over_taxii_and_only_their_reader_sees_them(three: list[Node]):
    alpha, beta, gamma = three
    keep(alpha, [indicator(1)])
    ask(alpha, CLOCK, "Beta", Question(text="Who runs this host?", about=(ID,)))
    assert notes(read(alpha, caller(alpha, gamma))) == []
    [note] = notes(found := read(alpha, caller(alpha, beta)))
    assert note["abstract"] == "Request for information"
    assert "Who runs this host?" in note["content"]
    assert note["object_refs"] == [ID]
    poll(beta, found, alpha)
    [asked] = list_requests(beta, CLOCK).to_us
    assert (asked.party, asked.question, asked.about) == ("Alpha", "Who runs this host?", (ID,))
    reply(beta, CLOCK, asked.request, Reply(text="A hoster."))
    # This time it is posted to a collection of Alpha's.
    envelope = notes(read(beta, caller(beta, alpha)))
    assert [one["abstract"] for one in envelope] == ["Answer: answered"]
    put(alpha, caller(alpha, beta), *envelope)
    [mine] = list_requests(alpha, CLOCK).ours
    assert (mine.state, mine.answers[-1].text) == ("answered", "A hoster.")


def test_it_is_taken_back_over_taxii_too(three: list[Node]):
    alpha, beta, _ = three
    made = ask(alpha, CLOCK, "Beta", Question(text="Who?")).request
    poll(beta, read(alpha, caller(alpha, beta)), alpha)
    cancel(alpha, CLOCK, made.request)
    poll(beta, read(alpha, caller(alpha, beta)), alpha)
    assert [one.state for one in list_requests(beta, CLOCK).to_us] == ["cancelled"]


def test_other_tools_read_a_request_as_a_note_and_a_grouping(three: list[Node]):
    alpha, beta, _ = three
    keep(alpha, [indicator(1), indicator(2, marking=RED)])
    hunt = HuntFor(patterns=["[domain-name:value = 'evil.example']"], purpose="phishing")
    made = ask(alpha, CLOCK, "Beta", Question(text="Did you see it?", about=(ID,), hunt=hunt)).request
    bundle = request_stix(alpha, CLOCK, made.request)
    by_type = {one["type"]: one for one in bundle["objects"]}
    assert by_type["grouping"]["context"] == "suspicious-activity"
    assert by_type["grouping"]["object_refs"] == [by_type["note"]["id"], ID]
    assert "evil.example" in by_type["note"]["content"]
    assert by_type["indicator"]["id"] == ID
    # The note carries the signed request: who can read it takes it out of the bundle.
    counts = poll(beta, bundle["objects"], alpha)
    assert (counts.stored, counts.quarantined, counts.refused) == (6, 0, 0)
    assert [one.question for one in list_requests(beta, CLOCK).to_us] == ["Did you see it?"]
    assert find(beta.store, by_type["grouping"]["id"]).type == "grouping"
    with pytest.raises(UsageError, match="not ours"):
        request_stix(beta, CLOCK, made.request)
