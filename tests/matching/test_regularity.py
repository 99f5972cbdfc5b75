"""What comes by the clock is told from what people and chance do, and nothing else about it matters."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel import codec
from backchannel.matching.regularity import MIN_BEATS, in_words, regularity

MINUTE = 60_000
HOUR = 60 * MINUTE


def ticks(count: int, *, every: int = MINUTE, jitter: float = 0.0, seed: int = 7, at: int = 0) -> list[int]:
    """Contacts with intervals drawn evenly from (1 - jitter) to the whole of `every`, as implants draw them."""
    chance = random.Random(seed)
    times = [at]
    while len(times) < count:
        times.append(times[-1] + round(every * (1 - jitter * chance.random())))
    return times


def by_chance(count: int, *, every: int = MINUTE, seed: int = 7) -> list[int]:
    chance = random.Random(seed)
    times = [0]
    while len(times) < count:
        times.append(times[-1] + 1 + round(chance.expovariate(1 / every)))
    return times


def test_a_clock_is_regular():
    found = regularity(ticks(100))
    assert (found.verdict, found.interval_ms, found.spread_ms, found.share) == ("regular", MINUTE, 0, 1.0)
    assert (found.beats, found.missed, found.gaps) == (100, 0, 0)


@pytest.mark.parametrize("jitter", [0.1, 0.2, 0.37, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_jitter_up_to_a_half_is_regular(jitter: float, seed: int):
    found = regularity(ticks(200, jitter=jitter, seed=seed))
    assert found.verdict == "regular"
    assert found.interval_ms == pytest.approx(MINUTE * (1 - jitter / 2), rel=0.08)
    assert found.spread_ms <= MINUTE * jitter / 3


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("every", [3_000, MINUTE, HOUR])
def test_chance_is_not_regular(seed: int, every: int):
    assert regularity(by_chance(300, every=every, seed=seed)).verdict == "irregular"
    assert not regularity(by_chance(MIN_BEATS, every=every, seed=seed)).is_regular


def test_people_who_work_in_spells_are_not_regular():
    chance = random.Random(3)
    times = [
        day * 24 * HOUR + spell + round(chance.expovariate(1 / (2 * MINUTE)))
        for day in range(5)
        for spell in (chance.randrange(9 * HOUR, 17 * HOUR) for _ in range(8))
        for _ in range(chance.randrange(1, 20))
    ]
    assert regularity(times).verdict == "irregular"


def test_a_few_contacts_are_no_beacon():
    found = regularity(ticks(MIN_BEATS - 1))
    assert found.verdict == "too few"
    assert in_words(found) == "9 contacts, too few to say whether they are regular"
    assert regularity([]).verdict == regularity([5]).verdict == "too few"
    assert regularity([5] * 1_000).verdict == "too few"


def test_a_night_off_and_missed_beats_change_neither_interval_nor_verdict():
    times = ticks(200)
    times = [at for n, at in enumerate(times) if n % 20 != 7 and not 80 <= n < 120]
    found = regularity(times)
    assert (found.verdict, found.interval_ms) == ("regular", MINUTE)
    assert (found.missed, found.gaps) == (8, 1)
    assert in_words(found).endswith("8 beats missed; 1 longer gap, in which the host or the log was off")


def test_a_stretch_in_which_one_program_called_alone_is_found():
    first = ticks(30, jitter=0.2)
    both = [
        *first,
        *ticks(200, jitter=0.2, seed=1, at=first[-1]),
        *ticks(200, jitter=0.2, seed=2, at=first[-1]),
    ]
    found = regularity(both)
    assert found.verdict == "regular for a while"
    assert found.interval_ms == pytest.approx(54_000, rel=0.05)
    assert 25 <= found.beats <= 40
    assert in_words(found).endswith("at no regular interval in the rest of its 430 contacts")


def test_bursts_count_once():
    times = [at + more for at in ticks(50, every=10 * MINUTE, jitter=0.2) for more in (0, 300, 900, 4_000)]
    found = regularity(times)
    assert (found.verdict, found.beats, found.contacts) == ("regular", 50, 200)
    assert found.interval_ms == pytest.approx(9 * MINUTE, rel=0.05)


def test_more_holes_than_beats_are_nothing_that_can_be_said():
    times = [block**2 * 5 * HOUR + beat * 10 * MINUTE for block in range(30) for beat in range(2)]
    assert regularity(times).verdict == "irregular"


def test_a_real_implant_among_real_traffic(shared_data: Path):
    """The two-day exercise's implant (192.168.0.4) calls every 5 s; nothing else in the logs comes by the clock."""
    times: dict[tuple[str, str, int], set[int]] = {}
    for path in sorted((shared_data / "telemetry" / "zeek-otrf-apt29-day2").glob("*_conn.log*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for record in map(codec.decode, text.splitlines()):
            pair = (record["id_orig_h"], record["id_resp_h"], record["id_resp_p"])
            times.setdefault(pair, set()).add(int(record["ts"] * 1000))
    regular = {pair: found for pair, one in times.items() if (found := regularity(one)).is_regular}
    assert list(regular) == [("10.0.1.5", "192.168.0.4", 443)]
    assert regular["10.0.1.5", "192.168.0.4", 443].interval_ms == pytest.approx(5_000, abs=200)
    assert len(times) > 30


def test_words():
    assert in_words(regularity(ticks(4_321))) == (
        "every 60 s ± 0 ms over 3 days; 4,321 times, 100% of the intervals within a quarter of that"
    )
    assert in_words(regularity(by_chance(100))).startswith("100 contacts over ")
    assert in_words(regularity([1])) == "1 contact, too few to say whether they are regular"


@given(
    st.lists(st.integers(0, 10**10), max_size=60),
    st.integers(-(10**12), 10**12),
    st.randoms(use_true_random=False),
)
def test_the_answer_depends_neither_on_the_order_nor_on_where_time_begins(
    times: list[int], shift: int, chance: random.Random
):
    one = regularity(times)
    moved = [at + shift for at in times]
    chance.shuffle(moved)
    other = regularity(moved)
    assert (one.verdict, one.interval_ms, one.spread_ms, one.near, one.intervals, one.beats, one.missed) == (
        other.verdict,
        other.interval_ms,
        other.spread_ms,
        other.near,
        other.intervals,
        other.beats,
        other.missed,
    )
    assert in_words(one) == in_words(other)
    if times:
        assert (other.first_ms - one.first_ms, other.last_ms - one.last_ms) == (shift, shift)


@given(st.integers(3, 10_000), st.integers(2, 20), st.integers(MIN_BEATS, 60))
def test_time_that_runs_slower_stretches_the_interval_and_nothing_else(every: int, slower: int, count: int):
    one = regularity(ticks(count, every=every * 1_000))
    other = regularity(ticks(count, every=every * slower * 1_000))
    assert (one.verdict, other.verdict) == ("regular", "regular")
    assert other.interval_ms == one.interval_ms * slower
