"""Make `backchannel-open.pyz`: one file that opens drops, for people who have no node.

    .venv/bin/python tools/make_opener.py -o dist [--platform manylinux2014_x86_64 ...] [--python 3.11 --python 3.12]

It holds our own code as it is in src/, and wheels of the packages that the code needs, in the versions and with the
hashes of requirements/runtime.txt; pip checks them. Wheels are for one platform, so there is one file for each. It
needs Python there, and no network and no package: modules that are not Python are unpacked into a private folder
for the time of the run.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "runtime.txt"
STARTER = Path(__file__).resolve().parent / "opener_main.py"
PACKAGES = (
    "cffi",
    "cryptography",
    "mnemonic",
    "msgspec",
    "pyrage",
    "rfc8785",
    "typing-extensions",
    "zstandard",
)
"""What `backchannel.opener` imports, by the names of requirements/runtime.txt (a test compares them)."""
ROOMS = ("drop", "parties", "provenance", "stix")
FILES = ("__init__.py", "clock.py", "codec.py", "errors.py", "ids.py", "opener.py")
PYTHONS = ("3.11", "3.12", "3.13")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Times in the archive, so that the same input gives the same bytes."""


def pinned(names: Iterable[str], lock: str) -> str:
    """Return the blocks of a lock file that pin `names`, with their hashes.

    Raises:
        ValueError: one is not in it.
    """
    blocks = {re.split(r"[=\[ ]", block)[0]: block for block in re.split(r"\n(?=\S)", lock.strip())}
    missing = [name for name in names if name not in blocks]
    if missing:
        raise ValueError(f"not in the lock file: {', '.join(missing)}")
    return "\n".join(blocks[name] for name in names) + "\n"


def fetch(folder: Path, python: str, platforms: Sequence[str]) -> None:
    """Put the wheels for one version of Python into `folder`; pip compares each with its hash."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(pinned(PACKAGES, LOCK.read_text("utf-8")))
        wanted.flush()
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
            "download",
        ]
        command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", wanted.name]
        command += ["--python-version", python, "--implementation", "cp", "--dest", str(folder)]
        command += ["--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
        for each in platforms:
            command += ["--platform", each]
        subprocess.run(command, check=True)


def own_platforms() -> list[str]:
    """Return the platforms whose wheels this machine takes, best first, as pip lists them."""
    code = "from pip._vendor.packaging.tags import sys_tags; print(*dict.fromkeys(tag.platform for tag in sys_tags()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


def sources() -> Iterator[Path]:
    """Yield the files of our own that it needs."""
    package = ROOT / "src" / "backchannel"
    for name in FILES:
        yield package / name
    for room in ROOMS:
        yield from sorted(
            path for path in (package / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )


def write(target: Path, wheels: Sequence[Path]) -> None:
    """Write the archive; whoever has Python runs it."""
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", STARTER.read_bytes())
            for path in sources():
                _add(archive, str(path.relative_to(ROOT / "src")), path.read_bytes())
            _add(archive, "LICENSE", (ROOT / "LICENSE").read_bytes())
            for wheel in wheels:
                _add(archive, f"wheels/{wheel.name}", wheel.read_bytes(), zipfile.ZIP_STORED)
    target.chmod(0o755)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data, how)


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description="Make backchannel-open.pyz.")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist", help="the folder (default: dist)")
    parser.add_argument(
        "--platform", action="append", help="of the wheels, as pip calls it (default: this machine's)"
    )
    parser.add_argument(
        "--python", action="append", help=f"version of Python (default: {', '.join(PYTHONS)})"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for python in options.python or PYTHONS:
            fetch(Path(folder), python, options.platform or own_platforms())
        target = options.output / "backchannel-open.pyz"
        write(target, sorted(Path(folder).glob("*.whl")))
    sys.stdout.write(f"{target} ({target.stat().st_size:,} bytes)\n")


if __name__ == "__main__":
    main()
