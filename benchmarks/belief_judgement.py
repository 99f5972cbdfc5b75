"""How good the judgement of belief is, in worlds with honest sources, fabricators and copiers.

    python -m benchmarks.belief_judgement [--worlds] [--offset N]

Worlds, ranges and seeds: `belief_worlds`. Methods: `belief_methods`. For each it prints the Brier score (0 is
best, 0.25 is "no idea"), how often what it calls corroborated is wrong, and for how many claims it calls one side so;
for ours also how many copies are found, and how many pairs that are independent are taken for dependent. Figures are
means over worlds, with their standard deviation and range; worlds in which another did better are named.
Ends with 1 when a goal is missed: wrong in at most half as many corroborated claims as counting voices, and a Brier
score no worse than averaging where nobody copies.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backchannel.provenance.origins import Origins
from benchmarks.belief_methods import (
    Known,
    averaging,
    counting,
    counting_uncontested,
    learn,
    misp,
    origins_by_side,
    our_origins_alone,
    ours,
)
from benchmarks.belief_worlds import SEEDS, SEEDS_WITHOUT_COPIERS, Heard, World, draw_world

NAMES = (
    "ours",
    "ours, 1 and 2",
    "our origins alone",
    "counting voices",
    "counting, uncontested",
    "averaging",
    "MISP tags",
)


@dataclass(frozen=True, slots=True)
class Score:
    """How one method did in one world."""

    brier: float
    wrong: int
    corroborated: int
    claims: int

    @property
    def error(self) -> float | None:
        """Return the share of the corroborated that is wrong; None if nothing is."""
        return self.wrong / self.corroborated if self.corroborated else None


@dataclass(frozen=True, slots=True)
class Found:
    """What was recognised of who has it from whom, among reports that disclose their origin."""

    copies: int
    copies_found: int
    pairs: int
    """Of independent reports, by sources of which neither ever copies."""
    false_unions: int
    own_finds: int
    """The same pairs where one is of a copier, who this time looked for itself."""
    own_finds_lost: int


@dataclass(frozen=True, slots=True)
class Result:
    """One world."""

    world: World
    scores: dict[str, Score]
    found: Found


def play(seed: int, *, with_copiers: bool) -> Result:
    """Draw a world, learn from its judged claims, and judge the open ones by each method."""
    world = draw_world(seed, with_copiers=with_copiers)
    known = learn(world)
    methods = (
        ours(known, at_most=1),
        ours(known, at_most=2),
        our_origins_alone(known),
        counting,
        counting_uncontested,
        averaging(known),
        misp(known),
    )
    heard = [(reports, truth) for reports, truth in zip(world.open, world.open_truth, strict=True) if reports]
    scores = {}
    for name, method in zip(NAMES, methods, strict=True):
        judged = [(method(reports), truth) for reports, truth in heard]
        said = [(side, truth) for (_, side), truth in judged if side is not None]
        scores[name] = Score(
            brier=statistics.fmean((p - truth) ** 2 for (p, _), truth in judged),
            wrong=sum(side is not truth for side, truth in said),
            corroborated=len(said),
            claims=len(judged),
        )
    return Result(world, scores, recognised(world, known, [reports for reports, _ in heard]))


def recognised(world: World, known: Known, claims: Iterable[Sequence[Heard]]) -> Found:
    """Count copies that do not count beside what they copy, and independent pairs that do not count as two."""
    copiers = {source.name for source in world.sources if source.copies}
    copies, false, own = [], [], []
    for reports in claims:
        for side, origins in origins_by_side(known, reports).items():
            said = [heard for heard in reports if heard.says_malicious is side]
            for other, one in itertools.combinations(said, 2):
                if not (one.is_disclosed and other.is_disclosed):
                    continue  # what is hidden is one slot by rule: nothing is found out there
                if one.copied_from == other.key:
                    copies.append(are_one(origins, other.key, one.key))
                elif one.root != other.root:
                    of_copier = {one.voice, other.voice} & copiers
                    (own if of_copier else false).append(are_one(origins, other.key, one.key))
    return Found(len(copies), sum(copies), len(false), sum(false), len(own), sum(own))


def are_one(origins: Origins, left: str, right: str) -> bool:
    """Whether two reports do not count as two: of one origin, made of another, or known to depend."""
    at = {key: origin for origin in origins.origins for key in origin.reports}
    one, other = at.get(left), at.get(right)
    if one is None or other is None or one is other:
        return True
    names = {one.name, other.name}
    return any({known.left, known.right} <= names for origin in (one, other) for known in origin.possibly)


def spread(values: Sequence[float]) -> str:
    """Return mean, standard deviation and range."""
    if not values:
        return "-"
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.3f} ±{deviation:.3f} ({min(values):.3f} to {max(values):.3f})"


def show(title: str, results: Sequence[Result]) -> None:
    """Print one table, and where we lose."""
    print(f"\n{title}: {len(results)} worlds, mean ± standard deviation over them (range)")
    print(f"  {'':<22} {'Brier score':<34} {'corroborated and wrong':<34} corroborated, of all claims")
    for name in NAMES:
        scores = [result.scores[name] for result in results]
        errors = [score.error for score in scores if score.error is not None]
        shares = [score.corroborated / score.claims for score in scores]
        brier = spread([score.brier for score in scores])
        print(f"  {name:<22} {brier:<34} {spread(errors):<34} {spread(shares)}")
    found = [result.found for result in results]
    copies = [one.copies_found / one.copies for one in found if one.copies]
    print(f"  copies found                                     {spread(copies)}")
    false = [one.false_unions / one.pairs for one in found if one.pairs]
    print(f"  false unions (of independent pairs)              {spread(false)}")
    lost = [one.own_finds_lost / one.own_finds for one in found if one.own_finds]
    print(f"  a copier's own finds that do not count           {spread(lost)}")
    for name in NAMES[3:]:
        brier = [r.world.seed for r in results if r.scores["ours"].brier > r.scores[name].brier]
        error = [
            r.world.seed
            for r in results
            if (r.scores["ours"].error or 0) > (1 if (e := r.scores[name].error) is None else e)
        ]
        print(
            f"  {name} does better than we do: by Brier in {brier or 'none'}, by error in {error or 'none'}"
        )


def show_worlds(results: Sequence[Result]) -> None:
    """Print each world in a line."""
    print(
        "\n  seed sources copiers copying hidden silent traps judged | Brier ours avg | error ours count | found false"
    )
    for result in results:
        world, ours_, count = result.world, result.scores["ours"], result.scores["counting voices"]
        found = result.found
        print(
            f"  {world.seed:>4} {len(world.sources):>7} {world.n_copiers:>7} {world.copying:>7.2f}"
            f" {world.undisclosed:>6.2f} {world.silent_on_benign:>6.2f} {world.traps:>5.2f} {len(world.judged):>6}"
            f" | {ours_.brier:.3f} {result.scores['averaging'].brier:.3f}"
            f" | {ours_.wrong}/{ours_.corroborated} {count.wrong}/{count.corroborated}"
            f" | {found.copies_found}/{found.copies} {found.false_unions}/{found.pairs}"
        )


def total_error(results: Sequence[Result], name: str) -> float:
    """Return the share of wrong ones among all that a method calls corroborated, in all worlds together."""
    scores = [result.scores[name] for result in results]
    return sum(score.wrong for score in scores) / max(1, sum(score.corroborated for score in scores))


def main() -> int:
    """Play all worlds, print, and say whether the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", action="store_true", help="print each world too")
    parser.add_argument(
        "--offset", type=int, default=0, help="add this to every seed: worlds nothing was tuned on"
    )
    options = parser.parse_args()
    results = [play(seed + options.offset, with_copiers=True) for seed in SEEDS]
    without = [play(seed + options.offset, with_copiers=False) for seed in SEEDS_WITHOUT_COPIERS]
    copied = [result for result in results if result.world.n_copiers]
    show("All worlds", results)
    show("Of these, with 1 to 3 copiers", [result for result in copied if result.world.n_copiers <= 3])
    show("Of these, with 4 to 6 copiers", [result for result in copied if result.world.n_copiers > 3])
    show("Nobody copies", without)
    if options.worlds:
        show_worlds(results)
        show_worlds(without)

    counted = total_error(results, "counting voices")
    ratio, wide = (total_error(results, name) / counted for name in ("ours", "ours, 1 and 2"))
    brier = {
        name: statistics.fmean(result.scores[name].brier for result in without)
        for name in ("ours", "averaging")
    }
    print(
        f"\nWrong among corroborated, ours by counting voices: {ratio:.2f}, with 2s {wide:.2f} (goal at most 0.5)"
    )
    print(
        f"Brier where nobody copies: ours {brier['ours']:.3f}, averaging {brier['averaging']:.3f} (goal: no worse)"
    )
    return 0 if max(ratio, wide) <= 0.5 and brier["ours"] <= brier["averaging"] else 1


if __name__ == "__main__":
    sys.exit(main())
