"""What runs first in `backchannel-open.pyz`: lay the modules out, then open the drop.

Modules that are not Python cannot be run from an archive, so the wheels are unpacked into a folder that only this
user can read, made anew for each run: what was left from an earlier one could have been changed. It is removed at
the end. Only Python's own library is used here.
"""

import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

OLDEST = (3, 11)


def fits(wheel: str) -> bool:
    """Whether a wheel is for this version of Python (PEP 425); the platform is the archive's."""
    match = re.match(r"[^-]+-[^-]+-([^-]+)-([^-]+)-[^-]+\.whl\Z", wheel)
    if match is None:
        return False
    here = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for python in match[1].split("."):
        if match[2] == here and python == here:
            return True
        if match[2] == "abi3" and python.startswith("cp3") and int(python[3:]) <= sys.version_info[1]:
            return True
        if match[2] == "none" and python in {"py3", here}:
            return True
    return False


def main() -> int:
    """Run it; return the exit code."""
    if sys.version_info < OLDEST:
        sys.stderr.write("This needs Python 3.11 or newer. Next: run it with a newer Python.\n")
        return 2
    folder = tempfile.mkdtemp(prefix="backchannel-open-")
    try:
        with zipfile.ZipFile(sys.argv[0]) as archive:
            names = [
                name for name in archive.namelist() if name.startswith("wheels/") and fits(Path(name).name)
            ]
            for name in names:
                with archive.open(name) as held, zipfile.ZipFile(held) as wheel:
                    wheel.extractall(folder)
            archive.extractall(
                folder, [name for name in archive.namelist() if name.startswith("backchannel/")]
            )
        # Only these and Python's own library: what this machine has installed is neither needed nor trusted.
        sys.path[:] = [folder, *(place for place in sys.path[1:] if not place.endswith("-packages"))]
        sys.dont_write_bytecode = True
        try:
            from backchannel.opener import main as opener  # noqa: PLC0415
        except ImportError as error:
            sys.stderr.write(
                f"It cannot run on this machine: {error}\nNext: take the file for your platform and Python.\n"
            )
            return 2
        return opener()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
