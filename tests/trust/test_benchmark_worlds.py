"""The worlds of `benchmarks.belief`: what is judged there sees no label, and the same seed is the same world."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.belief_methods import averaging, counting, learn, misp, our_origins_alone, ours
from benchmarks.belief_worlds import Heard, World, draw_world


def blind(reports: list[Heard]) -> list[Heard]:
    return [replace(heard, is_copy=False, root="", copied_from="") for heard in reports]


def verdicts(world: World) -> list[object]:
    known = learn(world)
    methods = (ours(known, at_most=2), our_origins_alone(known), counting, averaging(known), misp(known))
    return [method(reports) for reports in world.open[:60] if reports for method in methods]


def test_no_method_sees_who_copied_whom():
    world = draw_world(24)
    assert any(heard.is_copy for reports in world.open for heard in reports)
    blinded = replace(
        world,
        sources=[],
        judged=[blind(reports) for reports in world.judged],
        open=[blind(reports) for reports in world.open],
        open_truth=[],
    )
    assert verdicts(blinded) == verdicts(world)


def test_a_seed_is_one_world_and_its_names_tell_nothing():
    world, again = draw_world(7), draw_world(7)
    assert world == again
    assert draw_world(8) != world
    assert all(source.name.startswith("party-") for source in world.sources)
    copiers = [source for source in world.sources if source.copies]
    assert copiers
    assert {source.copies for source in copiers} <= {source.name for source in world.sources}


def test_where_nobody_copies_nobody_copies():
    world = draw_world(101, with_copiers=False)
    assert not any(heard.is_copy for reports in (*world.judged, *world.open) for heard in reports)
