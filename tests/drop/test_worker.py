"""The process that opens drops: its limits are the system's, and its death is a refusal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
import zstandard
from tests.drop.made import (
    IDENTITY,
    encrypted,
    forged,
    frame,
    indicator,
    indicators,
    lines,
    listed,
    manifest_of,
    open_in_worker,
    plaintext,
    root_of,
    with_objects,
    write,
)

from backchannel import codec
from backchannel.drop import limits
from backchannel.drop.writer import Recipients
from backchannel.errors import StoreError
from backchannel.provenance.reasons import Reason, Rejected

ROOT = Path(__file__).resolve().parents[2]

MEASURE = """
import json, resource, sys, tempfile
from pathlib import Path
from backchannel.drop.opening import open_drop
from backchannel.drop.sealing import Keys
from backchannel.provenance.reasons import Rejected
from tests.drop.made import VERIFY

def used():
    return resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)

def most_held():  # ru_maxrss would count what the process that started this one held
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

identity, passphrase, *paths = sys.argv[1:]
for path in paths:
    before = used()
    verdict, objects = "taken", 0
    with open(path, "rb") as file, tempfile.TemporaryDirectory() as private:
        try:
            with open_drop(file, keys=Keys((identity,), passphrase or None), verify=VERIFY, private=Path(private)) as opened:
                objects = sum(1 for _ in opened.objects())
        except Rejected as refusal:
            verdict = refusal.reason.value
    after = used()
    cpu = sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after))
    print(json.dumps([verdict, objects, cpu, after[0].ru_maxrss / 1024, most_held()]))
"""


def measured(*files: Path, passphrase: str = "") -> list[tuple[str, int, float, float, float]]:
    """Verdict, objects, CPU seconds, and most memory (MiB) of the workers and of whoever asked, for each file."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, IDENTITY, passphrase, *files],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        capture_output=True,
        check=True,
        text=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


LARGE_BUT_RIGHT = {"half a million values", "many strings"}


def hostile() -> dict[str, bytes]:
    one = codec.canonical(indicator(1))
    zeros = zstandard.ZstdCompressor().compress(bytes(8 * limits.MIB))
    near = zstandard.ZstdCompressor().compress(bytes(7 * limits.MIB) + os.urandom(420_000))
    values = b'{"id":"x--1","labels":[' + b",".join([b"1"] * 500_000) + b'],"type":"x"}'
    signed = manifest_of(listed([("O", lines(one))]), n=1, root=root_of(one))
    return {
        "bomb": with_objects(one, packed=lambda _: zeros),
        "near the ratio": with_objects(one, packed=lambda _: near),
        "half a million values": with_objects(values),
        "deep": with_objects(b'{"id":"x--1","n":' + b"[" * 400_000 + b"]" * 400_000 + b',"type":"x"}'),
        "long number": with_objects(b'{"id":"x--1","n":' + b"9" * 900_000 + b',"type":"x"}'),
        "many strings": with_objects(b'{"id":"x--1","n":[' + b'"",' * 300_000 + b'""],"type":"x"}'),
        "empty lines": forged([("O", b"\n" * limits.MAX_CHUNK_BYTES)]),
        "long frame": encrypted(plaintext(frame("M", signed), frame("O", b"", length=2**32 - 1))),
        "deep manifest": encrypted(plaintext(frame("M", b"[" * 2**20))),
        "large manifest": encrypted(plaintext(frame("M", b'{"a":[' + b"{}," * 300_000 + b"{}]}"))),
        "noise": encrypted(os.urandom(20 * limits.MIB)),
        "padding only": encrypted(plaintext(frame("M", signed), *[frame("P", bytes(limits.MIB))] * 60)),
    }


def test_hostile_drops_are_refused_within_200_mib_and_5_seconds(tmp_path: Path):
    files = []
    for number, data in enumerate(hostile().values()):
        files.append(tmp_path / f"{number}")
        files[-1].write_bytes(data)
    for name, (verdict, _, cpu, worker_mib, asking_mib) in zip(hostile(), measured(*files), strict=True):
        assert (verdict == "taken") == (name in LARGE_BUT_RIGHT), (name, verdict)
        assert cpu < 5, name
        assert worker_mib < 200, name
        assert asking_mib < 200, name


def test_t11_work_factor_18_is_opened_within_320_mib_and_5_seconds(tmp_path: Path):
    data, _ = write(indicators(100), to=Recipients(passphrase="pass"))
    path = tmp_path / "drop"
    path.write_bytes(data)
    ((verdict, objects, cpu, worker_mib, asking_mib),) = measured(path, passphrase="pass")
    assert (verdict, objects) == ("taken", 100)
    assert cpu < 5
    assert worker_mib < 320
    assert asking_mib < 200


def test_t15_a_million_tiny_objects_are_read_in_constant_memory(tmp_path: Path):
    data, _ = write({"id": f"x--{number:x}", "type": "x"} for number in range(1_000_000))
    path = tmp_path / "drop"
    path.write_bytes(data)
    ((verdict, objects, _, worker_mib, asking_mib),) = measured(path)
    assert (verdict, objects) == ("taken", 1_000_000)
    assert worker_mib < 100
    assert asking_mib < 100


# --- The system's limits -------------------------------------------------------------------------------

LIMITED = """
from backchannel.drop import limits, worker
limits.WORKER_CPU_S = 1
worker._limit({size}, is_passphrase=False)
"""


def limited(body: str, size: int = 0) -> subprocess.CompletedProcess[str]:
    code = LIMITED.format(size=size) + textwrap.dedent(body)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )


def test_the_system_ends_a_worker_that_takes_too_much_time():
    assert limited("while True: pass").returncode == -signal.SIGXCPU


def test_the_system_gives_a_worker_no_more_memory_than_allowed():
    done = limited(f"x = bytearray({limits.WORKER_MEMORY_BYTES})")
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_the_system_lets_a_worker_write_no_more_than_its_file_and_no_core(tmp_path: Path):
    done = limited(
        f"""
        import resource
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
        with open({str(tmp_path / "x")!r}, "wb", buffering=0) as file:
            for _ in range(3):
                file.write(bytes(limits.MIB))
        """,
        size=1000,
    )
    assert "File too large" in done.stderr
    assert (tmp_path / "x").stat().st_size <= limits.MIB + 1000


def test_time_is_allowed_by_the_size_of_the_file_and_by_the_objects_that_were_signed():
    from backchannel.drop.worker import cpu_seconds  # noqa: PLC0415

    assert cpu_seconds(0) == 10
    assert cpu_seconds(2**30) == 30
    done = limited(
        """
        import resource
        worker._allow(50_000)
        assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 6
        worker._allow(10**9)
        assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 501
        """
    )
    assert done.returncode == 0, done.stderr


def workers() -> list[psutil.Process]:
    """The workers of this process: other tests leave children of their own behind."""
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in children if any("backchannel.drop.worker" in part for part in one.cmdline())]


def test_a_worker_that_is_killed_is_a_clear_refusal_and_progress_is_told(tmp_path: Path):
    data, _ = write(attachments=[("noise", os.urandom(30 * limits.MIB))])
    told: list[int] = []
    with open_in_worker(data, tmp_path, progress=told.append):
        assert len(told) >= 4
        assert all(0 < done <= 32 * limits.MIB for done in told)

    def kill(_: int) -> None:
        for worker in workers():
            worker.kill()

    with pytest.raises(Rejected) as caught:
        open_in_worker(data, tmp_path, progress=kill)
    assert caught.value.reason is Reason.TOO_SLOW
    assert "SIGKILL" in caught.value.detail
    assert workers() == []


def lying(folder: Path, manifest: bytes, says: str) -> str:
    """The program of a worker that somebody took over: it writes a manifest, and says what it likes."""
    (folder / "says").write_text(says + "\n")
    plain = plaintext(frame("M", manifest))
    return (
        "import os, sys, json; job = json.loads(sys.stdin.readline()); "
        f"os.write(job['private'], {plain!r}); "
        f"print(open({str(folder / 'says')!r}).read(), flush=True); sys.stdin.read()"
    )


@pytest.mark.parametrize(
    "says",
    [
        "nonsense",
        "[1]",
        '{"opened":"x"}',
        '{"progress":-1}',
        '{"progress":[]}',
        '{"refused":"nosuch"}',
        "x" * 3_000_000,
        '{"opened":1}\n{"checked":[1,2,3,4]}',
        '{"opened":1}\n{"checked":{}}',
        '{"opened":1}\n{"checked":["a"]}',
    ],
)
def test_a_worker_that_was_taken_over_can_only_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
):
    data, manifest = write(indicators(1))
    monkeypatch.setattr("backchannel.drop.opening._START", lying(tmp_path, manifest.frame, says))
    with pytest.raises((Rejected, StoreError)):
        open_in_worker(data, tmp_path)


def test_a_place_that_a_worker_made_up_gives_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, manifest = write(indicators(1))
    program = lying(tmp_path, manifest.frame, '{"opened":1}\n{"checked":[7]}')
    monkeypatch.setattr("backchannel.drop.opening._START", program)
    with open_in_worker(data, tmp_path) as opened, pytest.raises(Rejected) as caught:
        list(opened.objects())
    assert caught.value.reason is Reason.CHUNK_MISMATCH


def test_a_worker_that_says_nothing_is_ended_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, _ = write(indicators(1))
    monkeypatch.setattr("backchannel.drop.opening._START", "import sys; sys.stdin.read()")
    monkeypatch.setattr(limits, "WORKER_WALL_S", 0.5)
    with pytest.raises(Rejected) as caught:
        open_in_worker(data, tmp_path)
    assert caught.value.reason is Reason.TOO_SLOW


def test_t70_no_key_stands_in_the_arguments_or_the_environment_of_the_worker(tmp_path: Path):
    data, _ = write(attachments=[("noise", os.urandom(9 * limits.MIB))])
    seen: list[str] = []

    def look(_: int) -> None:
        seen.extend(f"{worker.cmdline()} {worker.environ()}" for worker in workers())

    open_in_worker(data, tmp_path, progress=look).close()
    assert seen
    assert not any("AGE-SECRET-KEY" in text for text in seen)
