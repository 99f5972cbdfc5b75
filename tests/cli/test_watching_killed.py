"""A watch that is killed at any instant, beside a writer that rotates its log, misses and repeats nothing."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.cli.running import command, environment, jsonl, run_in
from tests.desk.made import indicator

WRITER = """
import json, os, sys, time
folder, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
path, number, started, rotated = os.path.join(folder, "dns.log"), 0, time.monotonic(), 0
stream = open(path, "a", encoding="utf-8")
while (since := time.monotonic() - started) < seconds:
    while number < since * rate:
        name = f"n{number}.evil1.example" if number % 50 == 0 else f"n{number}.fine.example"
        line = json.dumps({"ts": 1767225600 + number, "uid": f"C{number}", "id.orig_h": "10.0.0.5",
                           "id.resp_h": "10.0.0.1", "query": name}) + "\\n"
        half = len(line) // 2
        stream.write(line[:half]); stream.flush()
        stream.write(line[half:])
        number += 1
    stream.flush()
    if since // (seconds / 5) > rotated:  # as logrotate does: a new name, and a new file
        rotated += 1
        stream.close()
        os.rename(path, f"{path}.{rotated}")
        stream = open(path, "a", encoding="utf-8")
    time.sleep(0.002)
stream.close()
print(number)
"""
SECONDS, RATE, KILLS = 20.0, 1_000, 10


def test_a_watch_killed_ten_times_misses_and_repeats_nothing(tmp_path: Path):
    home, logs, told = tmp_path / "home", tmp_path / "logs", tmp_path / "hits.jsonl"
    logs.mkdir()
    assert run_in(home, "init", "--name", "CERT Alpha", cwd=tmp_path).code == 0
    jsonl(tmp_path / "x.jsonl", indicator(1))
    assert run_in(home, "import", "x.jsonl", cwd=tmp_path).code == 0
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)

    def watch() -> subprocess.Popen[bytes]:
        words = ("watch", logs, "--from-start", "--to", told, "--max-evidence", "1000000")
        return subprocess.Popen(
            command(home, *words), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(logs), str(SECONDS), str(RATE)], stdout=subprocess.PIPE
    )
    going = watch()
    for _ in range(KILLS):
        time.sleep(SECONDS / KILLS * chance.uniform(0.5, 1.1))
        going.kill()
        going.communicate()
        going = watch()
    written = int(writer.communicate()[0])
    wanted = {f"n{number}.evil1.example" for number in range(0, written, 50)}
    end = time.monotonic() + 60
    while time.monotonic() < end and told_names(told).total() < len(wanted):
        time.sleep(0.2)
    time.sleep(1)  # what is repeated would come now
    going.send_signal(signal.SIGTERM)
    _, said = going.communicate(timeout=30)
    assert b"bug" not in said
    found = told_names(told)
    assert set(found) == wanted
    assert set(found.values()) == {1}
    numbers = [json.loads(line)["number"] for line in told.read_bytes().splitlines()]
    assert numbers == sorted(set(numbers))
    book = run_in(home, "hits", "--json", cwd=tmp_path).document["by_indicator"]
    assert isinstance(book, list)
    assert [one["count"] for one in book] == [len(wanted)]


def told_names(path: Path) -> Counter[str]:
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return Counter(json.loads(line)["hit"]["observable"]["value"] for line in lines)
