""" "Searched and not seen" is said of what the hunted logs could have shown, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.desk.made import CLOCK, NOW, Made, a_file, an_id, indicator, made, relationship, take
from tests.desk.seen import a_hunt
from tests.desk.test_hunting import JANUARY, a_log, conn, dns, hunted

from backchannel.clock import FixedClock
from backchannel.desk.acting import advice_for
from backchannel.desk.answering import acknowledge, sight
from backchannel.desk.batches import undo_batch
from backchannel.desk.documents import Concerns
from backchannel.desk.hit_taking import HuntOptions
from backchannel.desk.hitting import SwitchedOff
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.node import Node
from backchannel.errors import UsageError
from backchannel.ids import BatchId
from backchannel.matching import compiled
from backchannel.matching.needs import needs_of
from backchannel.settings import checked

ONE = an_id("indicator", 1)
MD5, SHA256 = (
    "9e107d9d372bb6826bd81d3542a419d6",
    "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
)
CONN = conn("10.0.0.5", "198.51.100.1")
DNS = dns("good.example")
HTTP = conn("10.0.0.5", "198.51.100.1") | {"host": "good.example", "uri": "/", "id.resp_p": 80}
FILES = conn("10.0.0.5", "198.51.100.1") | {"fuid": "F1", "md5": MD5[::-1]}
MAIL = conn("10.0.0.5", "198.51.100.1") | {"trans_depth": 1, "mailfrom": "a@good.example"}


def concerns(node: Node, stix_id: str = ONE) -> Concerns:
    """As the inbox, `show` and `why` have it, which is the same."""
    (item,) = (item for item in inbox(node, CLOCK).items if item.id == stix_id)
    assert item.concerns == show(node, CLOCK, stix_id).item.concerns == why(node, CLOCK, stix_id).concerns
    return item.concerns


@pytest.mark.parametrize(
    ("pattern", "record", "state", "lacking"),
    [
        ("[ipv4-addr:value = '203.0.113.7']", CONN, "no", ()),
        ("[ipv6-addr:value ISSUBSET '2001:db8::/32']", CONN, "no", ()),
        ("[domain-name:value = 'evil.example']", CONN, "not checked", ("domain-name",)),
        ("[domain-name:value = '203.0.113.7']", CONN, "no", ()),  # an address, whatever its path says
        ("[domain-name:value = 'evil.example']", DNS, "no", ()),
        ("[domain-name:value = 'evil.example']", HTTP, "no", ()),
        ("[url:value = 'http://evil.example/a']", DNS, "not checked", ("url",)),
        ("[url:value = 'http://evil.example/a']", HTTP, "no", ()),
        (f"[file:hashes.MD5 = '{MD5}']", HTTP, "not checked", ("file:hashes.MD5",)),
        (f"[file:hashes.MD5 = '{MD5}']", FILES, "no", ()),
        (f"[file:hashes.'SHA-256' = '{SHA256}']", FILES, "not checked", ("file:hashes.SHA-256",)),
        (f"[file:hashes.MD5 = '{MD5}']", CONN | {"ja3": MD5[::-1]}, "not checked", ("file:hashes.MD5",)),
        (
            f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-256' = '{SHA256}']",
            FILES,
            "in part",
            ("file:hashes.SHA-256",),
        ),
        ("[ipv4-addr:value = '203.0.113.7' OR domain-name:value = 'evil.example']", CONN, "in part", ("domain-name",)),
        ("[email-addr:value = 'x@evil.example']", CONN, "not checked", ("email-addr",)),
        ("[email-addr:value = 'x@evil.example']", MAIL, "no", ()),
        ("[email-message:from_ref.value = 'x@evil.example']", MAIL, "no", ()),
        ("[email-message:to_refs[*].value = 'x@evil.example']", MAIL, "not checked", ("email-addr recipient",)),
        ("[network-traffic:src_ref.value = '203.0.113.7']", CONN, "no", ()),
        # Of a whole pattern its anchors are asked for: where they are not, it does not hold.
        ("[ipv4-addr:value = '203.0.113.7' AND network-traffic:dst_port = 443]", CONN, "no", ()),
        (f"[file:name = 'x' AND file:hashes.MD5 = '{MD5}']", CONN, "not checked", ("file:hashes.MD5",)),
        (f"[file:name = 'x' AND file:hashes.MD5 = '{MD5}']", FILES, "no", ()),
        ("[ipv4-addr:value = '203.0.113.7'] AND [domain-name:value = 'evil.example']", CONN, "in part", ("domain-name",)),
        ("[domain-name:value = 'evil.example']", CONN | {"seen.indicator": "other.example"}, "not checked", ("domain-name",)),
    ],
)  # fmt: skip
def test_not_seen_is_said_only_where_the_logs_show_such_things(
    node: Node, tmp_path: Path, pattern: str, record: Made, state: str, lacking: tuple[str, ...]
):
    take(node, a_file(tmp_path, indicator(1, pattern=pattern)))
    hunted(with_mail(node, tmp_path), a_log(tmp_path, record))
    found = concerns(node)
    assert (found.state, found.unsearched) == (state, lacking)
    assert bool(found.searched) is (state != "not checked")
    if state == "no":
        assert sight(node, CLOCK, ONE).says.startswith(f"Reported {ONE} as not seen")
    else:
        with pytest.raises(UsageError, match="shows") as refused:
            sight(node, CLOCK, ONE)
        assert "Hunt logs that show" in refused.value.hint
        assert "Searched for in our own logs" not in acknowledge(node, CLOCK, ONE).says


def with_mail(node: Node, logs: Path) -> Node:
    """The node, which lets mail addresses be looked for in a folder of logs."""
    section = {"logs": str(logs), "kinds": "email", "purpose": "phishing"}
    switches = checked(name="A", personal=[section]).personal
    return replace(node, settings=msgspec.structs.replace(node.settings, personal=switches))


def test_what_is_switched_off_is_told_as_that_and_never_as_unseen(node: Node, tmp_path: Path):
    pattern = f"[email-message:from_ref.value = 'x@evil.example' OR file:hashes.MD5 = '{MD5}']"
    take(
        node,
        a_file(
            tmp_path, indicator(1, pattern=pattern), indicator(2, pattern="[ipv4-addr:value = '203.0.113.7']")
        ),
    )
    hits, end = hunted(node, a_log(tmp_path, MAIL | {"mailfrom": "x@evil.example"}))
    assert (hits, end.switched_off) == ([], (SwitchedOff("email-addr", 1),))
    found = concerns(node)
    assert found.state == "not checked"
    assert found.switched_off == ("email-addr sender",)
    assert found.unsearched == ("email-addr sender", "file:hashes.MD5")
    assert found.why == (
        "It was not searched for: no log that we hunted since shows MD5 hashes of files or e-mail addresses of senders "
        "(switched off for these logs: settings.toml, [[personal]])."
    )
    with pytest.raises(UsageError, match="switched off"):
        sight(node, CLOCK, ONE)
    hits, _ = hunted(with_mail(node, tmp_path), tmp_path / "dns.log")
    assert [hit.observable.value for hit in hits] == ["x@evil.example"]
    assert concerns(node).state == "yes"


def test_what_lacks_is_named_in_words_with_the_next_step(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern=f"[file:hashes.MD5 = '{MD5}']")))
    hunted(node, a_log(tmp_path, CONN))
    assert concerns(node).why == (
        "It was not searched for: no log that we hunted since shows MD5 hashes of files."
    )
    advice = advice_for(node, CLOCK, ONE)
    assert advice is not None
    assert advice.do == "look"
    assert f"Look for {MD5} in logs that show MD5 hashes of files first" in advice.text
    hunted(node, a_log(tmp_path, FILES, name="files.log"))
    assert concerns(node).state == "no"


def test_several_hunts_together_show_what_none_shows_alone(node: Node, tmp_path: Path):
    pattern = "[domain-name:value = 'evil.example' OR url:value = 'http://evil.example/a']"
    take(node, a_file(tmp_path, indicator(1, pattern=pattern)))
    hunted(node, a_log(tmp_path, DNS))
    assert concerns(node).unsearched == ("url",)
    hunted(node, a_log(tmp_path, CONN | {"host": None, "uri": None}, name="conn.log"))
    assert concerns(node).state == "in part"
    hunted(node, a_log(tmp_path, HTTP, name="http.log"))
    assert concerns(node).state == "no"


def test_a_column_that_is_never_filled_in_shows_nothing(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern=f"[file:hashes.MD5 = '{MD5}']")))
    log = tmp_path / "files.log"
    head = "#fields\tts\tuid\tid.orig_h\tid.resp_h\tmd5\n"
    log.write_text(head + "1767225600.0\tC1\t10.0.0.5\t198.51.100.1\t-\n")
    hunted(node, log)
    assert concerns(node).unsearched == ("file:hashes.MD5",)
    log.write_text(log.read_text() + f"1767225600.0\tC1\t10.0.0.5\t198.51.100.1\t{MD5[::-1]}\n")
    hunted(node, log)
    assert concerns(node).state == "no"


def test_a_report_is_searched_for_as_far_as_all_its_indicators_are(node: Node, tmp_path: Path):
    names, files = indicator(1), indicator(2, pattern=f"[file:hashes.MD5 = '{MD5}']")
    report = made(
        "report", 1, name="Campaign", published="2026-01-01T00:00:00Z", object_refs=[names["id"], files["id"]]
    )
    virus = made("malware", 1, name="Virus", is_family=False)
    take(node, a_file(tmp_path, names, files, report, virus, relationship(files, "indicates", virus)))
    hunted(node, a_log(tmp_path, DNS))
    assert concerns(node, str(report["id"])).state == "in part"
    assert "MD5 hashes of files" in concerns(node, str(report["id"])).why
    assert concerns(node, str(virus["id"])).state == "not checked"
    advice = advice_for(node, CLOCK, str(report["id"]))
    assert advice is not None
    assert "logs that show MD5 hashes of files" in advice.text


@pytest.mark.parametrize(
    ("since", "until", "state"), [(None, None, "no"), (1, None, "no"), (2, None, "not checked"), (None, 1, "not checked")]
)  # fmt: skip
def test_a_log_outside_the_window_shows_nothing(
    node: Node, tmp_path: Path, since: int | None, until: int | None, state: str
):
    take(node, a_file(tmp_path, indicator(1)))
    window = [None if day is None else datetime(2026, 1, day, tzinfo=UTC) for day in (since, until)]
    hunted(node, a_log(tmp_path, DNS), options=HuntOptions(since=window[0], until=window[1]))
    assert concerns(node).state == state


@pytest.mark.parametrize(
    ("valid", "said"),
    [
        ({}, "in 2 log records from 2026-01-01 to 2026-01-02, and saw nothing."),
        (
            {"valid_from": "2026-02-01T00:00:00Z"},
            "to 2026-01-02, all from before it was valid, and saw nothing.",
        ),
        (
            {"valid_from": "2025-01-01T00:00:00Z", "valid_until": "2025-02-01T00:00:00Z"},
            "to 2026-01-02, all from after it had expired, and saw nothing.",
        ),
    ],
)
def test_the_days_of_the_logs_are_told_and_how_they_lie_to_the_validity(
    node: Node, tmp_path: Path, valid: Made, said: str
):
    take(node, a_file(tmp_path, indicator(1, **valid)))
    _, end = hunted(node, a_log(tmp_path, DNS, dns("b.example", at=JANUARY + 86_400)))
    shown = {one.kind: (one.records, one.first_at, one.last_at) for one in end.shown}
    assert shown["domain-name"] == (2, "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
    assert concerns(node).why.endswith(said)
    bundle = sight(node, CLOCK, ONE).bundle
    assert said.removesuffix(", and saw nothing.").encode() in bytes(bundle)


def test_hunts_from_before_that_was_noted_claim_nothing(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    a_hunt(node)
    node.store.database.execute("DELETE FROM hunt_shown")  # as a store is after the migration
    assert concerns(node).state == "not checked"
    assert "hunt again" in concerns(node).why
    with pytest.raises(UsageError, match="did not note what their logs show"):
        sight(node, CLOCK, ONE)
    hunted(node, a_log(tmp_path, DNS))
    assert concerns(node).state == "no"


def test_patterns_that_are_too_many_to_be_tried_are_not_called_unseen(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(compiled, "MAX_PLAIN", 1)
    patterns = [f"[domain-name:value LIKE '%evil{n}.example']" for n in range(2)]
    take(
        node,
        a_file(tmp_path, *(indicator(n, pattern=text) for n, text in enumerate(patterns, 1)), indicator(3)),
    )
    hunted(node, a_log(tmp_path, DNS))
    assert concerns(node).state == "in part"
    assert "too many patterns with LIKE" in concerns(node).why
    assert concerns(node, an_id("indicator", 3)).state == "no"
    with pytest.raises(UsageError, match="too many patterns with LIKE"):
        sight(node, CLOCK, ONE)
    assert advised(node, ONE) == "ack"
    assert advised(node, an_id("indicator", 3)) == "sight"


def advised(node: Node, stix_id: str) -> str:
    """The answer that advice names for what was not seen; it is one that we can give."""
    advice = advice_for(node, CLOCK, stix_id)
    assert advice is not None
    assert advice.do == "tell"
    (answer,) = (one for one in ("ack", "sight") if f"`backchannel {one} {stix_id}`" in advice.text)
    assert ("that you searched for" in advice.text) is (answer == "sight")
    return answer


def test_of_a_pattern_that_can_be_searched_in_part_advice_says_no_more_than_an_answer_would(
    node: Node, tmp_path: Path
):
    half = indicator(
        1, pattern="[domain-name:value = 'evil.example'] OR [process:cwd = 'x' AND process:pid = 4]"
    )
    report = made("report", 1, name="Campaign", published="2026-01-01T00:00:00Z", object_refs=[half["id"]])
    take(node, a_file(tmp_path, half, indicator(2), report))
    hunted(node, a_log(tmp_path, DNS))
    with pytest.raises(UsageError, match="a part of the pattern"):
        sight(node, CLOCK, ONE)
    assert advised(node, ONE) == "ack"
    assert advised(node, an_id("indicator", 2)) == "sight"
    assert b"in part" in bytes(acknowledge(node, CLOCK, ONE).bundle)
    of_all = advice_for(node, CLOCK, str(report["id"]))
    assert of_all is not None
    assert "you could search for a part of what belongs to" in of_all.text


def test_an_indicator_that_comes_after_the_hunt_is_not_searched_for_by_it(node: Node, tmp_path: Path):
    a_hunt(node, at="2026-02-01T00:00:00.000Z")
    take(node, a_file(tmp_path, indicator(1)))
    assert concerns(node).why == "No log was hunted since it came."


def test_a_revoked_indicator_is_not_searched_for(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern="[ipv4-addr:value = '203.0.113.7']", revoked=True)))
    hunted(node, a_log(tmp_path, CONN))
    found = concerns(node)
    assert (found.state, found.why) == ("not checked", "It is not in force, so no hunt looks for it.")
    with pytest.raises(UsageError, match="revoked or in quarantine"):
        sight(node, CLOCK, ONE)


def test_what_came_back_into_force_was_not_searched_for_while_a_newer_version_lay_over_it(
    node: Node, tmp_path: Path
):
    older = indicator(1, pattern="[ipv4-addr:value = '203.0.113.7']")
    newer = older | {"modified": "2026-02-01T00:00:00.000Z", "pattern": "[ipv4-addr:value = '203.0.113.8']"}
    take(node, a_file(tmp_path, older))
    over = take(node, a_file(tmp_path, newer, name="newer.json"))
    hunted(node, a_log(tmp_path, CONN))
    assert concerns(node).state == "no"
    undo_batch(node, FixedClock(NOW + timedelta(hours=1)), BatchId(over.batch))
    assert (concerns(node).state, concerns(node).why) == ("not checked", "No log was hunted since it came.")
    with pytest.raises(UsageError, match="no hunt has looked for"):
        sight(node, CLOCK, ONE)


def test_a_pattern_needs_each_kind_that_it_names():
    pattern = "[ipv4-addr:value = '203.0.113.7' OR ipv6-addr:value = '2001:db8::1' OR url:value = 'http://a.example/']"
    assert needs_of(pattern, stix_version="2.1") == {"ipv4-addr", "ipv6-addr", "url"}
    assert needs_of("[process:pid = 5]", stix_version="2.1") == set()


def test_what_is_not_valid_yet_is_searched_for_as_advice_says(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, valid_from="2027-01-01T00:00:00Z")))
    advice = advice_for(node, CLOCK, ONE)
    assert advice is not None
    assert advice.do == "nothing"
    assert "exports take it from then on; hunts search for it now already" in advice.why
    hits, _ = hunted(node, a_log(tmp_path, dns("evil1.example")))
    assert [hit.validity for hit in hits] == ["before"]
