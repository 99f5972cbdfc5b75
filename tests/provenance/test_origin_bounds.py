"""Floods, circles and giants cost their sender the count, and nobody else the time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.trust.made import NOW, STORY, a_report, hidden, reworded, straight

from backchannel.provenance.likeness import SKETCH_SIZE, like_pairs, likeness, sketch
from backchannel.provenance.origins import Origins, independent_origins
from backchannel.provenance.reports import Deconflicted, OriginRef, Released, Report
from backchannel.provenance.slots import MAX_TOLD_APART, slots_of
from backchannel.trust.credibility import credibility

MANY = 100_000
MOST_CPU_S = 15.0
"""Three times the five seconds that a case may take: the machine is shared, and traced runs are slower."""


def within_bounds(judge: Callable[[], Origins]) -> Origins:
    before = time.process_time()
    found = judge()
    assert time.process_time() - before < MOST_CPU_S
    return found


def a_flood(**more) -> list[Report]:
    return [
        Report(
            key=f"r{n}",
            voice=f"v{n % 50}",
            origin=OriginRef("key", f"o{n}"),
            arrived_at=NOW,
            **{name: make(n) for name, make in more.items()},
        )
        for n in range(MANY)
    ]


@pytest.mark.parametrize("last", [f"r{MANY}", "r0"], ids=["chain", "circle"])
def test_100_000_reports_that_are_each_made_of_the_next_are_one_undisclosed_origin(last: str):
    reports = a_flood(derived_from=lambda n: (f"r{n + 1}" if n + 1 < MANY else last,))
    found = within_bounds(lambda: independent_origins(reports))
    assert (found.n_reports, found.m_independent, found.k_undisclosed) == (MANY, 0, 1)


def test_100_000_reports_that_each_name_four_others_end():
    chance = random.Random(1)
    names = [tuple(f"r{chance.randrange(MANY)}" for _ in range(4)) for _ in range(997)]
    found = within_bounds(lambda: independent_origins(a_flood(derived_from=lambda n: names[n % 997])))
    assert found.m_independent == 0


def test_100_000_hidden_reports_with_different_marks_are_one_slot():
    reports = [a_report(f"r{n}", voice=f"v{n}", origin=hidden(f"v{n}", f"K{n}")) for n in range(MANY)]
    found = within_bounds(lambda: independent_origins(reports))
    assert (found.k_undisclosed, found.n_eff) == (1, 1.0)


def test_20_000_reports_after_2_000_releases_end():
    texts = [sketch(reworded(STORY, 5 + n % 40) + f" and number {n}") for n in range(500)]
    releases = [
        Released(key=f"x{n}", at=NOW - timedelta(days=3), stix_id=f"indicator--{n}", sketch=texts[n % 500])
        for n in range(2_000)
    ]
    reports = [
        Report(
            key=f"r{n}", voice=f"v{n}", origin=hidden(f"v{n}"), arrived_at=NOW, sketch=texts[(7 * n) % 500]
        )
        for n in range(20_000)
    ]
    found = within_bounds(lambda: independent_origins(reports, releases=releases))
    assert len(found.echoes) == 20_000


def test_a_flood_of_texts_adds_no_origin_and_pushes_no_judged_one_aside():
    chance = random.Random(3)
    flood = [
        a_report(f"flood-{n}", text=" ".join(f"w{chance.randrange(500)}" for _ in range(30)))
        for n in range(2_500)
    ]
    honest = [
        a_report("alpha", text=STORY),
        a_report("bravo", text="entirely other words " * 3 + reworded(STORY, 1)),
    ]
    standings = {"alpha": straight(9), "bravo": straight(9)}
    means = {name: one.mean for name, one in standings.items() if one.mean is not None}
    found = within_bounds(lambda: independent_origins([*flood, *honest], means=means))
    shares = {origin.name: origin.share for origin in found.origins}
    assert (shares["alpha"], shares["bravo"]) == (1.0, 1.0)
    assert sum(share == 0 for share in shares.values()) == 502
    assert "502 were not compared" in found.notes[0]
    assert credibility(found, standings).number == 1


def test_texts_that_share_everything_but_a_word_are_not_compared_each_with_each():
    texts = sorted(
        {sketch(f"{STORY} number {n} of the flood that is sent to us today") for n in range(1_000)}
    )
    before = time.process_time()
    pairs, is_whole = like_pairs(texts)
    assert time.process_time() - before < MOST_CPU_S
    assert is_whole is False
    assert len(pairs) < 100_000
    reports = [
        a_report(f"r{n}", text=f"{STORY} number {n} of the flood that is sent to us today")
        for n in range(1_000)
    ]
    assert independent_origins(reports).m_independent == 1


def test_a_text_of_50_million_characters_is_read_to_its_bound():
    before = time.process_time()
    found = sketch("one two three four five six seven eight nine ten eleven twelve " * 800_000)
    assert time.process_time() - before < MOST_CPU_S
    assert 0 < len(found) <= SKETCH_SIZE


@pytest.mark.parametrize("text", ["", "C2 server", "\0" * 1000, "\ud800 lone " * 20, "é" * 300_000])
def test_texts_that_say_too_little_are_like_nothing(text: str):
    assert likeness(sketch(text), sketch(text)) in {0.0, 1.0}
    assert sketch("C2 server of the loader") == ()


def test_long_texts_are_compared_by_a_fair_sample():
    chance = random.Random(5)
    words = [f"w{chance.randrange(5000)}" for _ in range(3000)]
    half = words[:2000] + [f"v{chance.randrange(5000)}" for _ in range(1000)]
    assert likeness(sketch(" ".join(words)), sketch(" ".join(half))) == pytest.approx(0.5, abs=0.12)


def test_hidden_origins_are_told_apart_up_to_a_bound_even_if_all_differ():
    everybody = set(range(200))
    different = {n: everybody - {n} for n in everybody}
    before = time.process_time()
    assert len(slots_of(sorted(everybody), different)) == MAX_TOLD_APART
    halves = {n: {other for other in everybody if other // 3 != n // 3} for n in everybody}
    assert len(slots_of(sorted(everybody), halves)) >= MAX_TOLD_APART // 3
    assert time.process_time() - before < MOST_CPU_S


def test_statements_about_strangers_say_nothing():
    told = [Deconflicted(left="x", right=f"y{n}", result="different", signers=("z",)) for n in range(1000)]
    assert (
        independent_origins([a_report("r", origin=hidden("relay", "K"))], deconflicted=told).k_undisclosed
        == 1
    )
