"""The one-file reader: who signed a drop, what is in it, in an environment that has nothing but Python."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from tests.drop.made import indicators, write
from tests.sim.party import ALPHA, NOW
from tools import make_opener

from backchannel.clock import FixedClock
from backchannel.drop.parts import split
from backchannel.drop.writer import Recipients
from backchannel.ids import PartyId
from backchannel.opener import main
from backchannel.parties.card import card_text, make_card
from backchannel.parties.keyring import new_key
from backchannel.parties.kid import Use
from backchannel.parties.safety import safety_number

ROOT = Path(__file__).resolve().parent.parent
CLOCK = FixedClock(NOW)


class Reader:
    """Somebody without a node: a folder with a key, and the sender's card."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.key = folder / "me.key"
        assert main(["--new-key", str(self.key)]) == 0
        said = capsys.readouterr().out
        self.recipient = re.search(r"age1\w+", said)[0]
        self.kid = re.search(r"key +([a-z2-7]{52})", said)[1]
        self.root = new_key(Use.ROOT, at=NOW)
        age = new_key(Use.AGE, at=NOW)
        self.alpha = make_card(
            party=PartyId(f"identity--{uuid.UUID(int=1)}"),
            name="Alpha CERT",
            origin="alpha.example",
            root=self.root,
            sign=ALPHA.public,
            age=age.public,
            keyset_version=1,
            made_at=NOW,
        )
        self.card = folder / "alpha.card"
        self.card.write_text(card_text(self.alpha))

    def drop(self, name: str = "drop", **how) -> Path:
        path = self.folder / name
        how = {"attachments": [("report.txt", b"read me")], "to": [self.kid]} | how
        to = how.pop("to")
        target = how.pop("recipients", Recipients((self.recipient,)))
        path.write_bytes(written(indicators(60), to, target, **how))
        return path


def written(objects, to, recipients, **how) -> bytes:
    from tests.drop import made  # noqa: PLC0415

    original = made.draft
    try:
        made.draft = lambda **changes: original(**({"to": to} | changes))
        return write(objects, **how, **({} if recipients is None else {"to": recipients}))[0]
    finally:
        made.draft = original


@pytest.fixture
def reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Reader:
    return Reader(tmp_path, capsys)


def opened(reader: Reader, *more: object) -> int:
    return main(["--key", str(reader.key), *map(str, more)], clock=CLOCK)


def test_it_shows_who_signed_and_what_is_in_it(reader: Reader, capsys: pytest.CaptureFixture[str]):
    assert reader.key.stat().st_mode & 0o777 == 0o600
    assert opened(reader, "--card", reader.card, reader.drop()) == 0
    said = capsys.readouterr().out
    assert "Signed by  Alpha CERT" in said
    assert ALPHA.kid in said
    digits = re.search(r"digits +([\d ]+)", said)[1].replace(" ", "")
    other = (new_key(Use.ROOT, at=NOW).kid, "Beta")
    number = safety_number((reader.alpha.root_kid, "Alpha CERT"), other)
    assert len(digits) == 30
    assert digits in {
        number.digits[:30],
        number.digits[30:],
    }  # a half of the number that Alpha compares with anybody
    assert "Objects    60" in said
    assert "host 3 of the loader" in said
    assert "and 10 more" in said
    assert "Attachment report.txt (7 bytes)" in said


def test_it_saves_into_a_new_folder_only(reader: Reader, capsys: pytest.CaptureFixture[str]):
    drop, folder = reader.drop(statements=[b'{"a":1}']), reader.folder / "saved"
    assert opened(reader, "--card", reader.card, drop, "--extract", folder) == 0
    assert json.loads((folder / "objects.json").read_text())["objects"] == indicators(60)
    assert (folder / "report.txt").read_bytes() == b"read me"
    assert (folder / "statement.json").read_bytes() == b'{"a":1}'
    assert json.loads((folder / "manifest.json").read_text())["signatures"]
    assert opened(reader, "--card", reader.card, drop, "--extract", folder) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_without_the_senders_card_it_refuses_or_says_that_anybody_can_have_made_it(
    reader: Reader, capsys: pytest.CaptureFixture[str]
):
    drop = reader.drop()
    assert opened(reader, drop) == 5
    assert "unknown-key" in capsys.readouterr().err
    assert opened(reader, drop, "--unverified") == 0
    said = capsys.readouterr().out
    assert "NOBODY YOU KNOW" in said
    assert "not-verified" in said


def test_it_takes_parts_out_of_texts_and_armour(reader: Reader, capsys: pytest.CaptureFixture[str]):
    texts = []
    for number, part in enumerate(split(reader.drop().read_bytes(), 2000)):
        texts.append(reader.folder / f"mail-{number}.txt")
        texts[-1].write_text(f"Dear all,\n\n{part}\nRegards\n")
    assert len(texts) > 2
    assert opened(reader, "--card", reader.card, *reversed(texts)) == 0
    assert opened(reader, "--card", reader.card, *texts[1:]) == 3
    assert "missing of" in capsys.readouterr().err
    assert opened(reader, "--card", reader.card, reader.drop("armoured", armored=True)) == 0


def test_it_reads_standard_input_and_a_passphrase(
    reader: Reader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    drop = reader.drop(recipients=Recipients(passphrase="three little words"))
    secret = reader.folder / "passphrase"
    secret.write_text("three little words\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(drop.read_bytes())))
    command = ["--passphrase-file", str(secret), "--card", str(reader.card), "-"]
    assert main(command, clock=CLOCK) == 0
    monkeypatch.setattr("getpass.getpass", lambda _: "wrong words here")
    assert main(["--passphrase", "--card", str(reader.card), str(drop)], clock=CLOCK) == 5
    assert "not-for-us" in capsys.readouterr().err


def test_what_is_refused_in_a_node_is_refused_here(reader: Reader, capsys: pytest.CaptureFixture[str]):
    drop = reader.drop()
    spoiled = reader.folder / "spoiled"
    spoiled.write_bytes(drop.read_bytes()[:-1] + b"x")
    assert opened(reader, "--card", reader.card, spoiled) == 5
    assert opened(reader, "--card", reader.card, reader.drop("other", to=["q" * 51 + "a"])) == 4
    later = FixedClock(NOW + timedelta(days=60))
    command = ["--key", str(reader.key), "--card", str(reader.card), str(drop)]
    assert main(command, clock=later) == 4
    assert main([*command, "--late"], clock=later) == 0
    assert "expired" in capsys.readouterr().out
    for bad in ([], ["--key", str(drop), str(drop)], ["--key", str(reader.key), "missing"], [str(drop)]):
        assert main(bad, clock=CLOCK) in {2, 3}
        assert "Traceback" not in capsys.readouterr().err
    assert main(["--new-key", str(reader.key)]) == 7


# --- The file itself -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pyz")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "make_opener.py", "-o", folder, "--python", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"its wheels cannot be had here: {done.stderr[-300:]}")
    return folder / "backchannel-open.pyz"


def run_alone(pyz: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it with nothing but Python: no packages (-S), nothing of the environment (-I), no index, no home."""
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    command = [python, "-I", "-S", pyz, *arguments]
    return subprocess.run(
        command, cwd=folder, env={"TMPDIR": str(folder)}, capture_output=True, text=True, check=False
    )


def test_the_file_opens_a_drop_where_nothing_is_installed_and_leaves_nothing(
    pyz: Path, reader: Reader, tmp_path: Path
):
    alone = tmp_path / "alone"
    alone.mkdir()
    # The clock is the machine's here: a drop for now.
    from datetime import UTC, datetime  # noqa: PLC0415

    now = datetime.now(UTC)
    times = {
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires": (now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    drop = reader.drop(**times)
    done = run_alone(
        pyz, alone, "--key", reader.key, "--card", reader.card, drop, "--extract", alone / "saved"
    )
    assert done.returncode == 0, done.stderr
    assert "Signed by  Alpha CERT" in done.stdout
    assert json.loads((alone / "saved" / "objects.json").read_text())["objects"] == indicators(60)
    assert [path.name for path in alone.iterdir()] == ["saved"]
    done = run_alone(pyz, alone, "--key", reader.key, drop)
    assert done.returncode == 5
    assert "unknown-key" in done.stderr
    assert run_alone(pyz, alone, "--new-key", alone / "new.key").stdout.count("age1") == 1


def test_the_file_holds_the_wheels_that_the_lock_pins_and_nothing_of_the_server(pyz: Path):
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
    wheels = {
        name.removeprefix("wheels/").split("-")[0].replace("_", "-")
        for name in names
        if name.endswith(".whl")
    }
    assert wheels == set(make_opener.PACKAGES)
    assert not any(
        name.startswith(("backchannel/web", "backchannel/store", "backchannel/cli")) for name in names
    )


def test_its_list_of_packages_is_what_its_code_imports():
    """Also what is imported only where it is needed, so by all import lines of all modules that are loaded."""
    code = "import sys, backchannel.opener, backchannel.drop.worker; print(*sorted(m.__file__ for n, m in sys.modules.items() if n.startswith('backchannel')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    files = [Path(name) for name in done.stdout.split()]
    assert {path.resolve() for path in files} <= {path.resolve() for path in make_opener.sources()}
    foreign = (
        {top for path in files for top in imported(path)} - set(sys.stdlib_module_names) - {"backchannel"}
    )
    # cffi and typing_extensions are wanted by cryptography.
    assert {name.replace("-", "_") for name in make_opener.PACKAGES} == foreign | {
        "cffi",
        "typing_extensions",
    }


def imported(path: Path) -> set[str]:
    """The first names of what a module imports, but for types only."""
    text = re.sub(r"^if TYPE_CHECKING:\n(?:    .*\n|\n)+", "", path.read_text("utf-8"), flags=re.MULTILINE)
    tops = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            tops.add(node.module.split(".")[0])
    return tops


def test_its_starter_needs_nothing_but_pythons_library():
    assert imported(ROOT / "tools" / "opener_main.py") <= {*sys.stdlib_module_names, "backchannel"}


def test_a_package_that_is_not_in_the_lock_is_an_error():
    with pytest.raises(ValueError, match="nosuch"):
        make_opener.pinned(["nosuch"], "a==1 --hash=x\n")
