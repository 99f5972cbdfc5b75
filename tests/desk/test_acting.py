from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, identity, indicator, made, malware, relationship, take
from tests.desk.seen import a_hit, a_hunt

from backchannel.actions.advice import Advice
from backchannel.clock import FixedClock
from backchannel.desk.acting import Adviser, HitFacts, advice_for
from backchannel.desk.answering import dispute
from backchannel.desk.node import Node
from backchannel.errors import NotFoundError

GREEN = {"labels": ["PAP:GREEN"], "modified": "2026-02-20T00:00:00.000Z"}


def advice(node: Node, value: object, **facts: object) -> Advice:
    found = advice_for(node, CLOCK, str(value["id"]), **facts)  # type: ignore[index, arg-type]
    assert found is not None
    return found


def test_an_indicator_just_received_is_to_be_hunted_for(node: Node, tmp_path: Path):
    one = indicator()
    take(node, a_file(tmp_path, one))
    found = advice(node, one)
    assert found.do == "look"
    assert "evil1.example" in found.text
    assert "`backchannel hunt PATH`" in found.text
    assert "gave no PAP" in found.text


def test_hunted_and_not_seen_is_told_to_the_source_by_name(node: Node, tmp_path: Path):
    one = indicator()
    take(node, a_file(tmp_path, one))
    a_hunt(node)
    found = advice(node, one)
    assert found.do == "tell"
    assert found.text.startswith("Tell CERT Beta that you searched for evil1.example")
    assert f"`backchannel sight {one['id']}`" in found.text


def test_a_hit_is_blocked_where_the_pap_allows_it_and_looked_at_where_not(node: Node, tmp_path: Path):
    allowed, silent = indicator(1, **GREEN), indicator(2)
    take(node, a_file(tmp_path, allowed, silent))
    hunt = a_hunt(node)
    a_hit(node, allowed["id"], hunt, count=3)
    a_hit(node, allowed["id"], hunt, count=2, asset="10.0.0.6")
    a_hit(node, silent["id"], hunt, value="evil2.example")
    assert advice(node, allowed).do == "block"
    assert "10.0.0.5 and 1 more" in advice(node, allowed).text
    assert "5 times" in advice(node, allowed).text
    assert advice(node, silent).do == "look"


def test_one_hit_is_judged_by_its_own_facts(node: Node, tmp_path: Path):
    one = indicator(1, **GREEN)
    take(node, a_file(tmp_path, one))
    facts = {"value": "evil1.example", "field": "query", "asset": "10.0.0.9", "scope": "exact"}
    inside = advice(node, one, hit=HitFacts(**facts, validity="inside"))  # type: ignore[arg-type]
    assert (inside.do, "10.0.0.9" in inside.text) == ("block", True)
    after = advice(node, one, hit=HitFacts(**facts, validity="after"))  # type: ignore[arg-type]
    assert after.do == "ask"
    below = HitFacts("www.evil1.example", "query", "10.0.0.9", "subdomain", "inside")
    assert advice(node, one, hit=below).do == "look"


def test_advice_about_one_hit_does_not_read_what_earlier_hunts_found(node: Node, tmp_path: Path):
    one = indicator(1, **GREEN)
    take(node, a_file(tmp_path, one))
    for _ in range(3):
        a_hit(node, one["id"], a_hunt(node))
    read: list[str] = []
    connection = node.store.database.connection
    connection.set_trace_callback(read.append)
    facts = HitFacts("evil1.example", "query", "10.0.0.9", "exact", "inside")
    assert advice(node, one, hit=facts).do == "block"
    connection.set_trace_callback(None)
    (only,) = [statement for statement in read if "hit AS" in statement]
    assert "ORDER BY h.last_seen DESC" in only
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {only}")]
    assert "SEARCH h USING COVERING INDEX hit_seen (indicator=? AND validity=? AND last_seen>?)" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


def test_when_an_indicator_was_last_seen_costs_the_same_however_often_it_was_hunted(
    node: Node, tmp_path: Path
):
    one, other = indicator(1), indicator(2)
    take(node, a_file(tmp_path, one, other))
    hunt = a_hunt(node)

    def steps() -> int:
        """How often SQLite reports ten steps of its virtual machine."""
        counted: list[None] = []
        connection = node.store.database.connection
        connection.set_progress_handler(lambda: counted.append(None), 10)
        seen = node.store.answers.last_seen([str(one["id"]), str(other["id"]), "none"])
        assert seen == {one["id"]: "2026-02-01T11:00:00.000Z"}
        connection.set_progress_handler(None, 0)
        return len(counted)

    a_hit(node, one["id"], hunt)
    once = steps()
    for n in range(1000):
        a_hit(node, one["id"], hunt, asset=f"10.0.{n // 250}.{n % 250}")
    assert steps() <= once + 1


def test_one_adviser_tells_of_one_hit_and_of_all_so_far(node: Node, tmp_path: Path):
    one = indicator(1, **GREEN)
    take(node, a_file(tmp_path, one))
    hunt = a_hunt(node)
    a_hit(node, one["id"], hunt, count=3)
    a_hit(node, one["id"], hunt, count=2, asset="10.0.0.6")
    adviser = Adviser(node, CLOCK)
    facts = HitFacts("evil1.example", "query", "10.0.0.9", "exact", "inside")
    for _ in range(2):
        told = adviser.advice(str(one["id"]), hit=facts)
        assert told is not None
        assert "10.0.0.9" in told.text
        told = adviser.advice(str(one["id"]))
        assert told is not None
        assert "10.0.0.5 and 1 more" in told.text


def test_of_several_values_advice_is_about_the_one_that_was_seen(node: Node, tmp_path: Path):
    one = indicator(pattern="[domain-name:value IN ('a.example', 'b.example', 'c.example')]", **GREEN)
    take(node, a_file(tmp_path, one))
    a_hit(node, one["id"], a_hunt(node), value="b.example")
    assert "Block b.example and 2 more values" in advice(node, one).text


def test_what_cannot_be_searched_is_asked_about(node: Node, tmp_path: Path):
    one = indicator(pattern="[process:pid = 4 AND process:cwd = '/tmp']")
    other = indicator(2, pattern="rule a { condition: true }", pattern_type="yara")
    take(node, a_file(tmp_path, one, other))
    assert advice(node, one).do == "ask"
    assert "AND of several comparisons" in advice(node, one).why
    assert "written in yara" in advice(node, other).why


def test_courses_of_action_are_found_directly_and_through_what_is_indicated(node: Node, tmp_path: Path):
    near, far, virus = indicator(1, **GREEN), indicator(2, **GREEN), malware()
    block = made("course-of-action", 1, name="Sinkhole it", description="Deny the name")
    watch = made("course-of-action", 2, name="Watch", description="Monitor DNS only")
    take(
        node,
        a_file(
            tmp_path,
            near,
            far,
            virus,
            block,
            watch,
            relationship(block, "mitigates", near, 1),
            relationship(far, "indicates", virus, 2),
            relationship(watch, "mitigates", virus, 3),
        ),
    )
    hunt = a_hunt(node)
    a_hit(node, near["id"], hunt)
    a_hit(node, far["id"], hunt, value="evil2.example")
    assert "recommends “Sinkhole it: Deny the name”" in advice(node, near).text
    assert advice(node, near).do == "block"
    assert "recommends “Watch: Monitor DNS only”" in advice(node, far).text
    assert advice(node, far).do == "look"


def test_our_own_name_is_never_blocked(node: Node, tmp_path: Path):
    one = indicator(pattern="[domain-name:value = 'mail.alpha.example']", **GREEN)
    take(node, a_file(tmp_path, one))
    assert advice(node, one).do == "look"
    assert "it is ours" in advice(node, one).text


def test_a_resolver_of_everybodys_is_a_false_alarm(node: Node, tmp_path: Path):
    one = indicator(pattern="[ipv4-addr:value = '8.8.8.8']", **GREEN)
    take(node, a_file(tmp_path, one))
    found = advice(node, one)
    assert found.do == "tell"
    assert f"`backchannel dispute {one['id']}`" in found.text


def test_after_our_dispute_we_wait_until_the_source_says_something_new(node: Node, tmp_path: Path):
    one = indicator()
    take(node, a_file(tmp_path, one))
    dispute(node, CLOCK, str(one["id"]), text="It is our scanner.")
    assert advice(node, one).do == "nothing"
    assert "our dispute" in advice(node, one).text
    from backchannel.desk.receive import receive  # noqa: PLC0415

    later = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))
    receive(node, later, [a_file(tmp_path, indicator(version=5))], party="CERT Beta")
    assert advice(node, one).do == "look"


def test_revoked_and_expired_ask_for_nothing(node: Node, tmp_path: Path):
    gone = indicator(1, revoked=True)
    old = indicator(2, valid_until="2026-02-01T00:00:00Z")
    take(node, a_file(tmp_path, gone, old))
    assert {advice(node, one).do for one in (gone, old)} == {"nothing"}


def test_somebodys_disagreement_makes_it_contested(node: Node, tmp_path: Path):
    one = indicator(1, **GREEN)
    no = made("opinion", 1, opinion="strongly-disagree", object_refs=[one["id"]])
    take(node, a_file(tmp_path, one, no))
    a_hit(node, one["id"], a_hunt(node))
    assert advice(node, one).do == "look"
    assert "contradicts itself" in advice(node, one).why


def test_an_unknown_marking_is_red_and_a_statement_is_none(node: Node, tmp_path: Path):
    statement = made(
        "marking-definition",
        1,
        modified=None,
        definition_type="statement",
        definition={"statement": "Copyright CERT Beta"},
    )
    marked = indicator(1, object_marking_refs=[statement["id"]], **GREEN)
    unknown = indicator(
        2, object_marking_refs=["marking-definition--6a1b2c3d-0000-4000-8000-000000000001"], **GREEN
    )
    take(node, a_file(tmp_path, statement, marked, unknown))
    hunt = a_hunt(node)
    a_hit(node, marked["id"], hunt)
    a_hit(node, unknown["id"], hunt, value="evil2.example")
    assert advice(node, marked).do == "block"
    assert "TLP:RED" in advice(node, unknown).why


def test_background_is_read_looked_into_or_left(node: Node, tmp_path: Path):
    one, virus = indicator(), malware(1)
    report = made(
        "report", 1, name="Campaign", published="2026-01-01T00:00:00Z", object_refs=[one["id"], virus["id"]]
    )
    bare = made("report", 2, name="Empty", published="2026-01-01T00:00:00Z", object_refs=[virus["id"]])
    actor = made("threat-actor", 1, name="Bear")
    hole = made("vulnerability", 1, name="CVE-2026-0001")
    take(
        node,
        a_file(
            tmp_path, one, virus, report, bare, actor, hole, relationship(one, "indicates", virus), identity()
        ),
    )
    assert advice(node, report).do == "look"
    assert "“Campaign”" in advice(node, report).text
    assert advice(node, virus).do == "look"
    assert advice(node, bare).do == "ask"
    assert advice(node, actor).do == "nothing"
    assert "inventory" in advice(node, hole).why
    assert advice_for(node, CLOCK, str(identity()["id"])) is None
    hunt = a_hunt(node)
    assert advice(node, report).do == "tell"
    a_hit(node, one["id"], hunt, count=7)
    assert "in 7 log lines on 1 of our hosts" in advice(node, report).text


def test_a_stix_2_0_indicator_is_judged_by_its_labels(node: Node, tmp_path: Path):
    old = indicator(
        1,
        spec_version=None,
        indicator_types=None,
        pattern_type=None,
        valid_from="2026-01-01T00:00:00.000Z",
        labels=["benign", "PAP:GREEN"],
    )
    take(node, a_file(tmp_path, old))
    assert advice(node, old).do == "nothing"
    assert "harmless" in advice(node, old).text


def test_an_object_nobody_sent_is_not_found(node: Node):
    with pytest.raises(NotFoundError, match="there is no object"):
        advice_for(node, CLOCK, "indicator--6a1b2c3d-0000-4000-8000-000000000001")


def test_an_adviser_of_many_hits_says_the_same_as_one_of_each(node: Node, tmp_path: Path):
    several = [indicator(n, **GREEN) for n in range(1, 4)]
    take(node, a_file(tmp_path, *several))
    adviser = Adviser(node, CLOCK)
    for n, one in enumerate(several, 1):
        hit = HitFacts(f"evil{n}.example", "query", f"10.0.0.{n}", "exact", "inside")
        assert adviser.advice(str(one["id"]), hit=hit) == advice(node, one, hit=hit)
