"""What the pages show, and that their JSON twins are the desk's documents to the byte."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.web.channels import fetch
from tests.web.visitor import Visitor
from tests.web.world import BIDI, C2, HOSTILE, OBJECTS, REPORT, SCRIPT, many

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.batches import list_batches, show_batch
from backchannel.desk.channels import list_channels, show_channel
from backchannel.desk.hitbook import hits
from backchannel.desk.hubs import hubs
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.node import open_node
from backchannel.desk.parties import list_parties
from backchannel.ids import BatchId


def words(text: str) -> str:
    """Return what a person reads of a page."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))


@pytest.mark.usefixtures("filled")
def test_every_json_twin_is_the_document_that_the_desk_answers_with(
    visitor: Visitor, home: Path, clock: Clock
):
    with open_node(home) as node:
        fetch(node, clock)
        documents = {
            "/inbox.json": inbox(node, clock),
            f"/item/{C2}.json": show(node, clock, C2),
            f"/item/{C2}/why.json": why(node, clock, C2),
            "/hits.json": hits(node),
            "/hub.json": hubs(node, clock, reads=False),
            "/batches.json": list_batches(node),
            "/batches/1.json": show_batch(node, BatchId(1)),
            "/parties.json": list_parties(node),
            "/channels.json": list_channels(node),
            "/channels/beta.json": show_channel(node, "beta"),
        }
    for path, document in documents.items():
        answer = visitor.ask(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json"), path
        assert answer.body == codec.encode(document), path


@pytest.mark.usefixtures("filled")
def test_every_page_names_its_twin(visitor: Visitor):
    for path, twin in {
        "/": "/inbox.json",
        "/?type=report": "/inbox.json?type=report",
        f"/item/{C2}": f"/item/{C2}.json",
        "/hits?by=indicator": "/hits.json?by=indicator",
        "/hub": "/hub.json",
        "/batches": "/batches.json",
        "/batches/1": "/batches/1.json",
        "/parties": "/parties.json",
    }.items():
        text = visitor.ask(path).text
        assert f'<link rel="alternate" type="application/json" href="{html.escape(twin)}">' in text, path
        assert visitor.ask(twin).status == 200


# --- Nothing yet -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/", "backchannel import FILE"),
        ("/hits", "backchannel hunt PATH"),
        ("/hub", "backchannel hub"),
        ("/batches", "backchannel import FILE"),
        ("/parties", "backchannel party add"),
        ("/channels", "backchannel channel add taxii"),
    ],
)
def test_an_empty_page_says_the_next_command(visitor: Visitor, path: str, command: str):
    answer = visitor.ask(path)
    assert answer.status == 200
    assert command in words(answer.text)
    assert "CERT Alpha" in answer.text


# --- Inbox -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
def test_the_inbox_says_of_each_item_who_what_and_how_it_is_marked(visitor: Visitor):
    text = words(visitor.ask("/").text)
    assert "updates[.]slack-tide[.]example" in text
    assert "updates.slack-tide.example" not in text, "nothing to click by mistake"
    for part in ("from CERT Vessland by file", "TLP:AMBER+STRICT", "PAP:GREEN", "Not checked", "just now"):
        assert part in text, part


@pytest.mark.usefixtures("filled")
def test_filters_stand_in_the_address_and_hold_for_the_twin(visitor: Visitor, home: Path, clock: Clock):
    with open_node(home) as node:
        everything = inbox(node, clock).items
    for query, expected in {
        "type=report": [REPORT],
        "type=indicator&concerns=not+checked": [C2],
        "party=CERT+Vessland": [item.id for item in everything],
        "party=Nobody": [],
        "tlp=TLP%3ARED": [],
        "concerns=yes": [],
    }.items():
        found = visitor.ask(f"/inbox.json?{query}").document
        assert [item["id"] for item in found["items"]] == expected, query
        assert all(f"/item/{stix_id}" in visitor.ask(f"/?{query}").text for stix_id in expected)
    assert len(visitor.ask("/inbox.json?everything=1").document["items"]) > len(everything)
    assert "Nothing here is of that kind" in visitor.ask("/?concerns=yes").text


def test_the_inbox_is_read_page_by_page(visitor: Visitor, bring: Callable[..., None]):
    bring(many(7))
    seen: list[str] = []
    path = "/?limit=3"
    for _ in range(3):
        text = visitor.ask(path).text
        seen += re.findall(r'class="says"><a href="/item/([^"]+)"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        path = html.unescape(following[1])
    assert len(seen) == 7
    assert len(set(seen)) == 7
    assert 'href="/?limit=3"' in visitor.ask(path).text, "and back to the newest"


@pytest.mark.parametrize("path", ["/?before=nowhere", "/batches?before=x", "/inbox.json?before=%27"])
def test_a_page_number_that_nobody_gave_is_refused_plainly(visitor: Visitor, path: str):
    assert visitor.ask(path).status == 400


@pytest.mark.parametrize("rows", ["0", "-1", "x", "1" * 30, "999999", "¹"])
def test_any_number_of_rows_gives_a_page(visitor: Visitor, rows: str):
    assert visitor.ask(f"/?limit={quote(rows)}").status == 200


# --- Item ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
def test_the_item_says_first_what_to_do(visitor: Visitor):
    text = words(visitor.ask(f"/item/{C2}").text)
    order = [
        "What do I do now?",
        "Does it concern us?",
        "Who really says so?",
        "What is it worth?",
        "How it came",
        "Related",
        "What validation found",
        "Exactly as it came",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "backchannel hunt PATH" in text


@pytest.mark.usefixtures("filled")
def test_the_item_shows_its_bytes_and_both_digests(visitor: Visitor, home: Path, clock: Clock):
    with open_node(home) as node:
        detail = show(node, clock, C2)
    text = words(visitor.ask(f"/item/{C2}").text)
    assert detail.digest in text
    assert detail.body_digest in text
    assert bytes(detail.received).decode() in text


@pytest.mark.usefixtures("filled")
def test_what_an_item_is_tied_to_is_one_click_away(visitor: Visitor):
    text = visitor.ask(f"/item/{C2}").text
    assert f'href="/item/{HOSTILE}"' in text
    assert 'href="/batches/1"' in text


def test_two_contents_of_one_version_are_both_shown(visitor: Visitor, bring: Callable[..., None]):
    bring(OBJECTS, name="a.json")
    other = [{**value, "name": "Another name"} if value["id"] == C2 else value for value in OBJECTS]
    bring(other, party="Northpier Telecom", name="b.json")
    text = words(visitor.ask(f"/item/{C2}").text)
    assert "Another content came under the same id and version" in text
    assert '"Another name"' in text
    assert "Northpier Telecom" in text
    assert "Two contents, one version" in words(visitor.ask("/").text)


@pytest.mark.parametrize(
    "stix_id",
    [
        "indicator--00000000-0000-4000-8000-000000000000",
        "x",
        "..",
        "%3Cscript%3E",
        "%E2%80%AE",
        "a" * 3_000,
        "%00",
    ],
)
def test_an_item_that_is_not_here_is_a_plain_page(visitor: Visitor, stix_id: str):
    answer = visitor.ask(f"/item/{stix_id}")
    assert answer.status == 404
    assert "<script>" not in answer.text
    assert "\u202e" not in answer.text
    assert visitor.ask(f"/item/{stix_id}.json").status == 404


# --- Hostile text ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "path", ["/", "/?everything=1", f"/item/{HOSTILE}", f"/item/{REPORT}", f"/item/{BIDI}", f"/item/{C2}"]
)
def test_text_from_outside_stays_text(visitor: Visitor, path: str):
    text = visitor.ask(path).text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert not re.search(r"<[^>]*\bonerror", text)
    for invisible in "\u202e\u200b\u0007":
        assert invisible not in text


@pytest.mark.usefixtures("filled")
def test_invisible_characters_are_shown(visitor: Visitor):
    assert "\\u{202e}gnp" in visitor.ask(f"/item/{BIDI}").text


@pytest.mark.parametrize(
    "query", ["q=%22%3E%3Cscript%3E", "q=%E2%80%AE", "by=%3Cscript%3E", "said=%3Cscript%3E", "start=zz"]
)
def test_what_stands_in_the_address_stays_text(visitor: Visitor, query: str):
    for path in ("/hits", "/", "/batches"):
        answer = visitor.ask(f"{path}?{query}")
        assert answer.status == 200
        assert "<script>" not in answer.text
        assert "\u202e" not in answer.text


def test_a_party_and_a_file_with_hostile_names_stay_text(visitor: Visitor, bring: Callable[..., None]):
    bring(OBJECTS, party="<b>Bold</b> 'CERT'", name="a<img src=x>.json")
    for path in ("/batches", "/batches/1", "/parties", "/"):
        text = visitor.ask(path).text
        assert "<b>Bold" not in text
        assert "<img" not in text


# --- Batches ---------------------------------------------------------------------------------------------


def test_a_batch_says_what_it_brought_and_what_was_wrong_with_it(
    visitor: Visitor, bring: Callable[..., None]
):
    bring([*OBJECTS, {"type": "indicator", "spec_version": "2.1", "id": "nonsense"}])
    listed = words(visitor.ask("/batches").text)
    assert "6 new" in listed
    assert "1 refused" in listed
    one = words(visitor.ask("/batches/1").text)
    assert "7 objects" in one
    assert "Refused" in one
    assert "a.json" in one


def test_batches_are_read_page_by_page(visitor: Visitor, bring: Callable[..., None]):
    for n in range(3):
        bring(many(1), name=f"{n}.json")
    first = visitor.ask("/batches?limit=2").text
    assert re.findall(r'id="batch-(\d+)"', first) == ["3", "2"]
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])  # type: ignore[index]
    assert re.findall(r'id="batch-(\d+)"', visitor.ask(following).text) == ["1"]


# --- Channels --------------------------------------------------------------------------------------------


def test_the_channels_are_shown_with_what_is_wrong_and_nothing_that_is_secret(
    visitor: Visitor, home: Path, clock: Clock
):
    with open_node(home) as node:
        fetch(node, clock)
    listed = visitor.ask("/channels")
    for said in ("beta", "Failing", "is not asked: it is this machine itself", "Never polled", "by hand"):
        assert said in words(listed.text), said
    one = visitor.ask("/channels/beta")
    for said in ("In quarantine", "Refused", "calls its answers text/plain", "CERT Vessland", "TLP:GREEN"):
        assert said in words(one.text), said
    assert "3 accepted" in words(one.text)
    assert "Last push:" in words(listed.text)
    assert "Sent by us" in words(visitor.ask("/channels/gone").text)
    new = visitor.ask("/channels/new")
    assert "backchannel channel poll new" in words(new.text)
    for answer in (listed, one, new):
        assert SCRIPT not in answer.text
        assert "key=hidden" not in answer.text
    assert visitor.ask("/channels/nowhere").status == 404
