"""What clients read over a socket is in the server's own ledger: checked, proved to others, and looked through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.channels.taxii.server.asking import Asking
from tests.channels.taxii.server.place import OBJECTS, SHARED, Place
from tests.desk.made import an_id

from backchannel import codec
from backchannel.channels.opening import open_channel
from backchannel.desk.auditing import To, prove, verify_own, verify_proof
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.entering import append_entered
from backchannel.desk.node import init_node, open_node
from backchannel.desk.polling import poll
from backchannel.desk.what_left import what_left
from backchannel.errors import NotFoundError
from backchannel.provenance.ledger.notes import parse_vkey

READ = [an_id("indicator", n) for n in range(1, 6)]


def test_a_client_that_reads_page_by_page_is_in_the_senders_ledger(
    filled: Asking, url: str, place: Place, tmp_path: Path
):
    with open_node(place.home) as node:
        append_entered(node, place.clock)
        before = verify_own(node)
    following = ""
    while (answer := filled.ask(f"{OBJECTS}?limit=3{following}").document)["more"]:
        following = f"&next={answer['next']}"
    secret = tmp_path / "token"
    secret.write_text(place.vessland + "\n")
    secret.chmod(0o600)
    with init_node(tmp_path / "vessland", name="CERT Vessland", clock=place.clock) as reader:
        terms = Terms(url=f"{url}/taxii2/", collections=(SHARED,), token_file=str(secret), allow_private=True)
        add_channel(reader, place.clock, "taxii", terms, name="alpha", party="CERT Alpha")
        (polled,) = poll(reader, place.clock, ["alpha"], open_channel, pause=lambda _: None).channels
        assert polled.state == "done"
        got = {one for one in READ if reader.store.objects.current(one) is not None}
    assert got == set(READ)
    with open_node(place.home) as node:
        pages = node.store.statuses.pages(at_most=100)
        assert len(pages) > 2
        assert append_entered(node, place.clock) == 1, "all pages in one leaf"
        verdict = verify_own(node)
        assert (verdict.good, verdict.size, verdict.unopened) == (True, before.size + 1, 0)
        made = [prove(node, place.clock, one, to=To("CERT Vessland", SHARED)) for one in READ]
        for one in (READ[0], an_id("indicator", 99)):
            with pytest.raises(NotFoundError):
                prove(node, place.clock, one, to=To("CERT Sorrel"))
        left = what_left(node, place.clock)
        assert (left.pages, left.served) == (len(pages), sum(page.objects for page in pages))
        digests = {f"sha256:{kept.digest.hex()}" for one in READ if (kept := node.store.objects.current(one))}
    shown = set()
    for n, one in enumerate(made):
        path = tmp_path / f"{n}.tlog-proof"
        path.write_text(one.proof)
        verdict = verify_proof(path, (parse_vkey(one.vkey),))
        assert verdict.object is not None
        shown.add(verdict.object)
        record = codec.decode(verdict.record or "")
        assert (record["party"], record["collection"], record["what"]) == ("CERT Vessland", SHARED, "objects")
    assert shown == digests


def test_serving_writes_no_leaf_and_a_page_that_is_empty_none_either(filled: Asking, place: Place):
    with open_node(place.home) as node:
        append_entered(node, place.clock)
        assert filled.ask(OBJECTS).status == 200
        assert filled.ask(f"{OBJECTS}?added_after=2030-01-01T00:00:00Z").status == 200
        waiting = node.store.served.waiting()
        assert (waiting.rows, node.store.leaves.waiting().leaves) == (1, 0)
        place.clock.at += timedelta(minutes=1)
        assert append_entered(node, place.clock) == 1
