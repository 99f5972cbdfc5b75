from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.actions.made import GREEN, INDICATOR, NOW, SEEN, VALUES, case, label, target

from backchannel.actions import gates
from backchannel.actions.advise import RULES, Advice, advise, may_block, rule_of
from backchannel.actions.case import Case, Seen, direction_of, is_of_file, role_of, step_of
from backchannel.actions.courses import way_of
from backchannel.observables.kinds import Kind
from backchannel.stix.markings import Pap, Tlp

PAPS = (None, Pap.RED, Pap.AMBER, Pap.GREEN, Pap.CLEAR)
HUNTS: tuple[tuple[str, Seen | None], ...] = (
    ("not hunted", None),
    ("not seen", None),
    ("seen", SEEN),
    ("seen", Seen("10.0.0.5", "in", 40, 1)),
    ("seen", Seen(None, "unknown", 1, 0)),
)
STANDINGS = {
    "good": {},
    "quarantined": {"quarantined": True},
    "revoked": {"revoked": True},
    "disputed": {"disputed": True},
    "contested": {"contested": True},
    "expired": {"valid_until": NOW - timedelta(days=1)},
    "stale": {"said_at": NOW - timedelta(days=400)},
    "red": {"tlp": Tlp.RED},
}
SPOKEN_FOR = {
    "free": {},
    "ours": {"own": "evil.example belongs to our own domain evil.example"},
    "infrastructure": {"labels": (label("infrastructure"),)},
    "popular": {"labels": (label("popular"),)},
    "context": {"labels": (label("context"),)},
}
TYPES = ((), ("malicious-activity",), ("benign",), ("anonymization",), ("compromised",))
PHASES = (
    (),
    ("reconnaissance",),
    ("delivery",),
    ("persistence",),
    ("command-and-control",),
    ("exfiltration",),
)
COURSES = (
    (),
    (("Block it", "Deny the name on the resolver"),),
    (("Watch", "Monitor DNS; do not block yet"),),
)
ROLES = ("any", "source", "destination", "recipient")
VALIDITIES = ("before", "inside", "after")


def cross_product() -> Iterator[Case]:
    """Every combination of standing, PAP, label, hunt, validity and type; kind, phase, course, role and scope in
    turn, so that every pair with those is met many times (the full product would be 17 million)."""
    kinds = itertools.cycle([*Kind, None])
    phases, courses = itertools.cycle(PHASES), itertools.cycle(COURSES)
    roles, scopes = itertools.cycle(ROLES), itertools.cycle(["exact", "exact", "exact", "exact", "subdomain"])
    for turn, (standing, pap, spoken, (hunt, seen), validity, types) in enumerate(
        itertools.product(STANDINGS.values(), PAPS, SPOKEN_FOR.values(), HUNTS, VALIDITIES, TYPES)
    ):
        if turn % 7 == 0:  # so that the wheels do not turn in step
            next(kinds), next(roles)
        if turn % 11 == 0:
            next(phases), next(courses)
        kind = next(kinds)
        yield case(
            standing=replace(GREEN, pap=pap, **standing),
            target=None if kind is None else target(VALUES[kind], kind, **spoken),
            uncompiled=("AND of several comparisons",) if kind is None else (),
            is_whole=kind is None and turn % 2 == 0,
            hunt="not hunted" if kind is None and turn % 2 else hunt,
            seen=None if kind is None and turn % 2 else seen,
            validity=validity,
            indicator_types=types,
            phases=next(phases),
            courses=next(courses),
            role=next(roles),
            scope=next(scopes),
        )


ALL = [(one, advise(one)) for one in cross_product()]


def test_every_combination_gets_one_of_five_verbs_a_text_and_a_reason():
    assert len(ALL) == 8 * 5 * 5 * 5 * 3 * 5
    for one, advice in ALL:
        assert advice.do in {"block", "look", "tell", "nothing", "ask"}
        assert len(advice.text) > 20, one
        assert len(advice.why) > 10, one
        assert not advice.why.startswith(";"), advice
        assert not advice.why.endswith((";", "; ")), advice
        assert ".." not in advice.text, advice
        assert "  " not in advice.text, advice
        assert advice.text.endswith((".", "”.")), advice


def blocks() -> list[tuple[Case, Advice]]:
    return [(one, advice) for one, advice in ALL if advice.do == "block"]


def test_nothing_is_blocked_without_pap_green_or_clear():
    assert {one.standing.pap for one, _ in blocks()} == {Pap.GREEN, Pap.CLEAR}


def test_nothing_of_ours_is_ever_blocked():
    assert all(one.target is not None and one.target.own == "" for one, _ in blocks())


def test_nothing_is_blocked_that_a_list_calls_infrastructure_or_popular():
    classes = {spoken.cls for one, _ in blocks() if one.target for spoken in one.target.labels}
    assert classes == {"context"}


def test_nothing_revoked_expired_disputed_contested_or_quarantined_is_blocked():
    for one, _ in blocks():
        standing = one.standing
        assert not any((standing.revoked, standing.disputed, standing.contested, standing.quarantined))
        assert one.validity != "after"
        assert standing.valid_until is None or standing.valid_until > NOW
        assert gates.expires_at(standing, one.target.kind, "block") > NOW


def test_what_advice_says_to_block_every_gate_lets_through():
    assert blocks()
    for one, _ in blocks():
        assert may_block(one)
        assert gates.refusal(one.standing, one.target, stage="block", at=NOW) is None


def test_a_benign_a_victims_or_an_anonymisers_value_is_not_blocked():
    for one, _ in blocks():
        assert not {"benign", "anonymization", "compromised"} & set(one.indicator_types)
        assert one.role != "recipient"


def test_names_below_the_one_that_was_named_and_courses_that_say_watch_are_not_blocked_on_a_hit():
    for one, _ in blocks():
        assert one.seen is None or one.scope == "exact"
        assert way_of(one.courses) != "look"


def test_every_rule_and_every_verb_is_met():
    assert {rule_of(one) for one, _ in ALL} == {rule.name for rule in RULES}
    assert {advice.do for _, advice in ALL} == {"block", "look", "tell", "nothing", "ask"}


def test_there_is_never_one_sentence_for_all():
    texts: dict[str, set[str]] = defaultdict(set)
    for _, advice in ALL:
        texts[advice.do].add(advice.text)
    assert {verb: len(found) >= 10 for verb, found in texts.items()} == dict.fromkeys(texts, True)
    by_rule: dict[str, set[str]] = defaultdict(set)
    for one, advice in ALL:
        by_rule[rule_of(one)].add(advice.text)
    shared = [
        (one, two, both)
        for (one, a), (two, b) in itertools.combinations(by_rule.items(), 2)
        if (both := a & b)
    ]
    assert shared == []


def test_the_text_names_the_value_or_the_indicator_it_is_about():
    for one, advice in ALL:
        assert one.value in advice.text or one.indicator in advice.text, advice


def test_telling_the_source_names_the_next_command():
    for _, advice in ALL:
        if advice.do == "tell":
            assert f"backchannel sight {INDICATOR}" in advice.text or f"dispute {INDICATOR}" in advice.text


def test_asking_and_doing_nothing_say_whom_and_why():
    for _, advice in ALL:
        if advice.do == "ask":
            assert "CERT Alpha" in advice.text, advice
        if advice.do == "nothing":
            assert advice.text.startswith("Nothing to"), advice


def test_the_same_facts_give_the_same_advice():
    assert [advise(one) for one in itertools.islice(cross_product(), 500)] == [a for _, a in ALL[:500]]


ROWS = [
    (
        "seen, green, C2",
        {},
        "block",
        "Block evil.example on the resolver: `backchannel export rpz -o DIR`.",
        "command",
    ),
    (
        "seen, no PAP",
        {"standing": replace(GREEN, pap=None)},
        "look",
        "Look at 10.0.0.5 and 1 more",
        "gave no PAP",
    ),
    (
        "seen, amber",
        {"standing": replace(GREEN, pap=Pap.AMBER)},
        "look",
        "nothing that the attacker",
        "PAP:AMBER",
    ),
    (
        "seen, red",
        {"standing": replace(GREEN, pap=Pap.RED)},
        "look",
        "stored logs and the machine",
        "PAP:RED",
    ),
    (
        "not hunted",
        {"hunt": "not hunted", "seen": None},
        "look",
        "`backchannel hunt PATH`",
        "no hunt has looked",
    ),
    (
        "not seen, green",
        {"hunt": "not seen", "seen": None},
        "block",
        "before it is used against you",
        "not seen",
    ),
    (
        "not seen, no PAP",
        {"hunt": "not seen", "seen": None, "standing": replace(GREEN, pap=None)},
        "tell",
        f"`backchannel sight {INDICATOR}`",
        "hunted and not seen",
    ),
    ("revoked", {"standing": replace(GREEN, revoked=True)}, "nothing", "CERT Alpha withdrew it", "revoked"),
    (
        "expired, not seen",
        {
            "standing": replace(GREEN, valid_until=NOW - timedelta(days=3)),
            "hunt": "not seen",
            "seen": None,
            "validity": "after",
        },
        "nothing",
        "it expired on 2026-11-17",
        "valid_until",
    ),
    (
        "seen after its end",
        {"standing": replace(GREEN, valid_until=NOW - timedelta(days=3)), "validity": "after"},
        "ask",
        "after their word ran out",
        "after `valid_until`",
    ),
    (
        "seen before its start",
        {"validity": "before"},
        "block",
        "Block evil.example",
        "older than `valid_from`",
    ),
    (
        "ours and accused",
        {"target": target("evil.example", own="evil.example belongs to our own domain evil.example")},
        "look",
        "it is ours",
        "our own domain",
    ),
    (
        "ours, no accusation",
        {"target": target("evil.example", own="it is ours"), "indicator_types": (), "phases": ()},
        "tell",
        f"`backchannel dispute {INDICATOR}`",
        "it is ours",
    ),
    (
        "infrastructure",
        {"target": target("evil.example", labels=(label("infrastructure", why="it stands on “R”"),))},
        "tell",
        f"`backchannel dispute {INDICATOR}`",
        "it stands on “R”",
    ),
    (
        "popular",
        {"target": target("evil.example", labels=(label("popular"),))},
        "ask",
        "the exact URL",
        "many people",
    ),
    (
        "uncompiled",
        {"target": None, "uncompiled": ("AND of two",), "seen": None},
        "ask",
        "We cannot tell",
        "AND of two",
    ),
    (
        "a whole pattern, seen",
        {"target": None, "is_whole": True},
        "look",
        f"what {INDICATOR} describes was seen",
        "judged as a whole",
    ),
    (
        "a whole pattern, met in part",
        {"target": None, "is_whole": True, "scope": "partial"},
        "look",
        f"a part of what {INDICATOR} describes was seen",
        "judged as a whole",
    ),
    (
        "a whole pattern, not hunted",
        {"target": None, "is_whole": True, "seen": None, "hunt": "not hunted"},
        "look",
        "`backchannel hunt PATH`",
        "judged as a whole",
    ),
    (
        "a whole pattern, not seen",
        {"target": None, "is_whole": True, "seen": None, "hunt": "not seen"},
        "tell",
        "`backchannel sight",
        "hunted and not seen",
    ),
    ("quarantined", {"standing": replace(GREEN, quarantined=True)}, "ask", "`backchannel show", "quarantine"),
    ("contested", {"standing": replace(GREEN, contested=True)}, "look", "`backchannel why", "contradicts"),
    ("benign", {"indicator_types": ("benign",)}, "nothing", "harmless", "benign"),
    ("a recipient", {"role": "recipient"}, "look", "a victim too", "recipient"),
    ("below", {"scope": "subdomain"}, "look", "or a name below it", "names below evil.example"),
    (
        "knocked",
        {
            "target": target("203.0.113.7", Kind.ADDRESS),
            "seen": Seen("192.0.2.1", "in", 40, 1),
            "phases": ("reconnaissance",),
            "standing": replace(GREEN, pap=None),
        },
        "tell",
        "203.0.113.7 knocked 40 times at 192.0.2.1",
        "came to us from outside",
    ),
    (
        "a file",
        {"target": target(VALUES[Kind.HASH], Kind.HASH), "phases": ("installation",)},
        "block",
        "in the endpoint protection",
        "a foothold inside",
    ),
    (
        "course says watch",
        {"courses": (("Monitor", "Monitor DNS for it"),)},
        "look",
        "CERT Alpha recommends “Monitor: Monitor DNS for it”.",
        "PAP:GREEN",
    ),
    (
        "course says block, PAP missing",
        {"courses": (("Block", "Block the name"),), "standing": replace(GREEN, pap=None)},
        "look",
        "CERT Alpha recommends “Block: Block the name”; ask them for PAP:GREEN before you block.",
        "gave no PAP",
    ),
    (
        "too wide",
        {"target": target("198.51.0.0/16", Kind.ADDRESS), "scope": "cidr"},
        "look",
        "Do not block it.",
        "too wide to block",
    ),
    ("a public suffix", {"target": target("co.uk")}, "look", "Do not block it.", "public suffix"),
]


@pytest.mark.parametrize(
    ("facts", "do", "text", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_table(facts: dict[str, object], do: str, text: str, why: str):
    advice = advise(case(**facts))
    assert advice.do == do, advice
    assert text in advice.text
    assert why in advice.why


def test_an_address_is_blocked_for_a_week_after_it_was_reported_or_seen():
    old = replace(GREEN, said_at=NOW - timedelta(days=10), valid_from=None)
    address = target("203.0.113.7", Kind.ADDRESS)
    assert "blocked for 7 days" in advise(case(standing=old, target=address)).why
    renewed = replace(old, seen_at=NOW - timedelta(days=1))
    assert advise(case(standing=renewed, target=address)).do == "block"


def test_the_phase_changes_what_to_look_for():
    texts = {advise(case(phases=phases)).text for phases in PHASES}
    assert len(texts) == len(PHASES)
    assert "keep its memory" in advise(case(phases=("Command and Control",))).text


def test_the_furthest_phase_counts():
    assert step_of(("reconnaissance", "exfiltration", "unheard-of")).name == "LOSS"
    assert step_of(("unheard-of",)).name == "UNKNOWN"


def test_text_from_outside_cannot_move_the_cursor_or_turn_the_line():
    advice = advise(case(courses=(("Bl\x1b[2Jock\u202e", "x" * 5000),)))
    assert "\x1b" not in advice.text
    assert "\u202e" not in advice.text
    assert len(advice.text) < 1000


def test_words_of_courses_are_read_whole():
    assert way_of((("Login hygiene", "Change the catalogue"),)) == "other"
    assert way_of((("Blocklist", ""),)) == "block"
    assert way_of((("Block", "never block the parent"),)) == "look"
    assert way_of((("Bloquer", "Interdire le nom"),)) == "other"


@pytest.mark.parametrize(
    "words",
    [
        "You should not block this address yet.",
        "Do not, under any circumstances, block it.",
        "Don\u2019t block it",
        "Please refrain from blocking.",
        "Hold off on blocking until 1 December.",
        "Blocking is not recommended.",
        "Blocking it would be wrong.",
        "Tell us before blocking it.",
        "Watch it rather than block it.",
        "Do not sinkhole it.",
        "No blocking, please.",
        "Block port 445; do not block port 443.",
    ],
)
def test_whatever_way_a_course_says_not_to_block_it_is_heeded(words: str):
    assert way_of((("Course", words),)) == "look"


@pytest.mark.parametrize(
    "words",
    [
        "Block it without delay.",
        "Do not open the mail. Block its sender.",
        "Without switching the machine off, block it.",
        "Block it; it is not used by anybody.",
    ],
)
def test_a_negation_of_something_else_leaves_a_block_a_block(words: str):
    assert way_of((("Course", words),)) == "block"


@pytest.mark.parametrize(
    "piece", ["not ", "not a a a a a a ", "not'", "n'", "block a a a is ", "not" + " " * 30]
)
def test_hostile_words_of_courses_are_read_in_bounded_time(piece: str):
    begun = time.process_time()
    way_of((("", piece * 20_000),))
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("field", "direction"),
    [
        ("id.orig_h", "in"),
        ("id.resp_h", "out"),
        ("query", "out"),
        ("dns.queries[].rrname", "out"),
        ("src_ip", "in"),
        ("tls.sni", "out"),
        ("md5", "unknown"),
        ("mailfrom", "in"),
    ],
)
def test_the_field_of_the_log_tells_who_began(field: str, direction: str):
    assert direction_of(field) == direction


@pytest.mark.parametrize(
    "field", ["fingerprint", "ja3", "tls.ja3s.hash", "cert_chain_fps", "ssh.server.hassh.hash"]
)
def test_a_hash_of_a_handshake_is_not_called_a_file(field: str):
    assert not is_of_file(field)
    assert is_of_file("md5")
    assert is_of_file("files[].sha256")
    seen = Seen("10.0.0.5", "unknown", 2, 1, is_of_file(field))
    advice = advise(case(target=target(VALUES[Kind.HASH], Kind.HASH), seen=seen))
    assert "a file" not in advice.text
    assert "certificate, key or handshake" in advice.text


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("network-traffic:dst_ref.value", "destination"),
        ("network-traffic:src_ref.value", "source"),
        ("email-message:to_refs[*].value", "recipient"),
        ("email-message:from_ref.value", "sender"),
        ("domain-name:value", "any"),
    ],
)
def test_the_path_of_the_pattern_tells_the_part(path: str, role: str):
    assert role_of(path) == role
