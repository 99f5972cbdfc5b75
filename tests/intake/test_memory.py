"""What is in memory at once is bounded, however long a file or a line of it is: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.intake.reader import UUID

SIZE = 64 * 2**20
MAX_MEMORY = 320 * 2**20
"""A document of `SIZE` held once, a window and one large object beside it: well below what decoding all of it takes."""

# `ru_maxrss` of a child also counts what its parent had in memory before; the kernel's own mark does not.
PEAK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.intake.reading import read
from backchannel.intake.received import Received
from backchannel.stix import split, window

split.MAX_HELD, window.MAX_SKIPPED_MARKS = 300_000, 300_000  # the time of the test, not its memory
taken = refused = 0
what = ""
for item in read(Path(sys.argv[1]), party="CERT Beta", now=datetime(2026, 3, 1, tzinfo=UTC)):
    if isinstance(item, Received):
        taken += 1
    else:
        refused += 1
        what = item.findings[0].what
marks = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(taken, refused, int(marks["VmHWM"].split()[0]) * 1024, what)
"""


def tool(n: int, text: str) -> str:
    value = {"type": "tool", "spec_version": "2.1", "id": f"tool--{UUID[:-6]}{n:06}", "name": text}
    return json.dumps(value, ensure_ascii=False)


def bundle(objects: list[str]) -> str:
    return f'{{"type": "bundle", "id": "bundle--{UUID}", "objects": [{",".join(objects)}]}}'


def many(size: int) -> list[str]:
    text = "x" * 50_000
    return [tool(n, text) for n in range(size // 50_000)]


HOSTILE: dict[str, tuple[Callable[[], str], int, int, str]] = {
    "a bundle that is streamed": (lambda: bundle(many(SIZE + 2**20)), 1363, 0, ""),
    "a bundle that is held": (lambda: bundle(many(SIZE - 2**20)), 1321, 0, ""),
    "a list of numbers": (lambda: "[" + "1," * (SIZE // 2) + "1]", 0, 1, "more than 300,000 objects"),
    "a list of empty objects": (lambda: "[" + "{}," * (SIZE // 3) + "{}]", 0, 1, "more than 300,000"),
    "one text": (lambda: tool(1, "a" * SIZE), 0, 1, "longer than 10 MiB"),
    "one text in wide characters": (lambda: tool(1, "\U0001f600" * (SIZE // 4)), 0, 1, "longer than 10 MiB"),
    "brackets": (lambda: "[" * SIZE, 0, 1, "brackets"),
    "a text among neighbours": (lambda: bundle([tool(1, ""), tool(2, "a" * SIZE), tool(3, "")]), 2, 1, "10 MiB"),
    "text without a line end": (lambda: "a" * SIZE, 0, 1, "no line is an address"),
    "a line among names": (lambda: "evil.example\n" + "a" * SIZE + "\nbad.example\n", 2, 1, "64 KiB"),
    "a line among objects": (lambda: f"{tool(1, '')}\n{tool(2, 'a' * SIZE)}\n{tool(3, '')}\n", 2, 1, "10 MiB"),
    "an object of many empty ones": (
        lambda: bundle([tool(1, ""), '{"x_a": [' + "{}," * 3_000_000 + "{}]}"]), 1, 1, "more than 1,000,000 values",
    ),
    "an object of many texts": (
        lambda: bundle([tool(1, ""), tool(2, "")[:-1] + ', "x_a": [' + '"ab",' * 900_000 + '""]}']), 2, 0, "",
    ),
    "a cell": (lambda: 'value,text\nevil.example,x\nbad.example,"' + "a" * SIZE + '"\n', 1, 1, "64 KiB"),
}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of memory")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_one_line_of_64_mib_is_read_in_bounded_memory(tmp_path: Path, name: str):
    make, taken, refused, word = HOSTILE[name]
    path = tmp_path / "hostile"
    path.write_text(make(), "utf-8")
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=False)
    path.unlink()
    assert done.returncode == 0, done.stderr[-500:]
    found = done.stdout.split(maxsplit=3)
    assert (int(found[0]), int(found[1])) == (taken, refused)
    assert word in "".join(found[3:])
    assert int(found[2]) < MAX_MEMORY
