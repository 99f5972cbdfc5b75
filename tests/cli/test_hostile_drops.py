"""Hostile drops through the command: the exact code, the original kept, and no more memory and time than may be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.cli.running import command, environment
from tests.desk.drops import indicator, keep, nodes, send
from tests.desk.hostile import MAX_CPU_S, draft, forged, signing_key, with_objects
from tests.drop.made import encrypted, frame, lines, listed, plaintext, root_of
from tests.drop.test_hostile import T13

from backchannel import codec
from backchannel.clock import SystemClock
from backchannel.desk.node import Node
from backchannel.desk.recipients import recipient_of
from backchannel.drop.manifest import signer
from backchannel.provenance.predicates import Chunk
from backchannel.provenance.statement import format_seconds

MAX_MEMORY_BYTES = 200 * 2**20
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, done.stdout.decode()]))
"""
ONE = codec.canonical(indicator(1))


def today() -> dict[str, object]:
    """The times of a drop that the command takes for one of today."""
    now = SystemClock().now()
    return {"created": format_seconds(now), "expires": format_seconds(now + timedelta(days=1))}


def deep(alpha: Node, beta: Node) -> bytes:
    return with_objects(alpha, beta, T13["deep lists"][0], **today())


def duplicate(alpha: Node, beta: Node) -> bytes:
    return with_objects(alpha, beta, T13["duplicate keys"][0], **today())


def labels(alpha: Node, beta: Node) -> bytes:
    return with_objects(
        alpha,
        beta,
        b'{"id":"x--1","labels":[' + b",".join([b'"a"'] * 3_900_000) + b'],"type":"x"}',
        **today(),
    )


def gigabyte(alpha: Node, beta: Node) -> bytes:
    listing = [Chunk(i=0, type="O", len=2**30, sha256="0" * 64)]
    return forged(alpha, beta, [("O", b"x")], listing=listing, n=1, **today())


def endless_frame(alpha: Node, beta: Node) -> bytes:

    signed = signer(signing_key(alpha))(draft(alpha, beta, **today())).frame
    plain = plaintext(frame("M", signed), frame("O", b"x", length=2**32 - 1))
    return encrypted(plain, recipient_of(alpha, "Beta").age_recipient)


def bad_name(alpha: Node, beta: Node) -> bytes:
    [chunk] = listed([("A", b"evil")])
    listing = [msgspec.structs.replace(chunk, name="../../evil")]
    return forged(alpha, beta, [("A", b"evil")], listing=listing, **today())


def flipped(alpha: Node, beta: Node) -> bytes:
    data = bytearray(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


CASES: dict[str, tuple[Callable[[Node, Node], bytes], str, int]] = {
    "t01 a flipped byte": (flipped, "damaged", 5),
    "t13 lists 100,000 deep": (deep, "too-deep", 4),
    "t13 a key twice": (duplicate, "duplicate-key", 4),
    "t15 millions of labels": (labels, "too-large", 4),
    "t15 an object of 1 GiB": (gigabyte, "too-large", 4),
    "t16 a frame of 4 GiB": (endless_frame, "too-large", 4),
    "t17 a name that leads out": (bad_name, "bad-name", 4),
}


@pytest.mark.parametrize("name", CASES)
def test_t01_t13_t15_t16_t17_a_hostile_drop_is_refused_within_bounds(name: str, tmp_path: Path):
    make, code, exit_code = CASES[name]
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        data = make(alpha, beta)
        home = beta.home
    path = tmp_path / "hostile.bcb"
    path.write_bytes(data)
    words = command(home, "receive", path, "--files", tmp_path / "saved", "--json")
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *words],
        stdout=subprocess.PIPE,
        check=True,
        cwd=tmp_path,
        env=environment(),
    )
    ended, memory, cpu_s, said = json.loads(done.stdout)
    [one] = json.loads(said)["things"]
    assert (one["state"], one["refusal"]["code"], ended) == ("refused", code, exit_code)
    assert memory < MAX_MEMORY_BYTES
    assert cpu_s < MAX_CPU_S
    kept = subprocess.run(
        command(home, "refused", "save", str(one["refused_as"])),
        stdout=subprocess.PIPE,
        check=True,
        env=environment(),
    )
    assert kept.stdout == data
    assert not (tmp_path / "saved").exists()
    assert list(tmp_path.rglob("*evil*")) == []


@pytest.mark.parametrize("count", [5_000])
def test_t15_many_tiny_objects_are_taken_within_the_memory_of_any_import(tmp_path: Path, count: int):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        objects = [b'{"id":"x--%d","type":"x"}' % number for number in range(count)]
        data = forged(alpha, beta, [("O", lines(*objects))], n=count, root=root_of(*objects), **today())
        home = beta.home
    path = tmp_path / "many.bcb"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *command(home, "receive", path, "--json")],
        stdout=subprocess.PIPE,
        check=True,
        env=environment(),
    )
    ended, memory, _, said = json.loads(done.stdout)
    [one] = json.loads(said)["things"]
    assert one["refusal"] is None
    assert (ended, one["state"], one["drop"]["refused"]) == (1, "taken", count)
    assert memory < MAX_MEMORY_BYTES
