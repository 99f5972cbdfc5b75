"""A watched folder: every drop that is whole is taken once, whatever its form; nothing in the folder is changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send
from tests.desk.made import CLOCK

from backchannel.channels.opening import open_channel
from backchannel.desk.carriers import carried_drops
from backchannel.desk.channel import Terms
from backchannel.desk.channel_documents import PolledChannel
from backchannel.desk.channels import add_channel, find_channel, show_channel
from backchannel.desk.handing_on import hand_on
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.drop import limits, parts
from backchannel.drop.armor import write_armored
from backchannel.provenance.reasons import Reason


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


def watch(node: Node, folder: Path) -> None:
    add_channel(node, CLOCK, "drop", Terms(url=str(folder)), name="shared")


def look(node: Node, during: Callable[[], object] = lambda: None, **how: bool) -> PolledChannel:
    """Poll the folder; `during` happens while the look waits for what is new to stay as it is."""

    def pause(seconds: float) -> None:
        if seconds:
            during()

    return poll(node, CLOCK, ["shared"], open_channel, pause=pause, **how).channels[0]


def states(polled: PolledChannel) -> list[tuple[str, str, str | None]]:
    return [(file.name, file.state, file.reason) for file in polled.files]


def drops_of(node: Node) -> dict[str, int]:
    return dict(node.store.carried.counts(find_channel(node.store, "shared").channel_row))


def made(alpha: Node, beta: Node, number: int = 1) -> Path:
    return send(alpha, beta, keep(alpha, [indicator(number)])).path


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_drop_in_the_folder_is_taken_once_and_left_there(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    shutil.copy(made(alpha, beta), folder / "for-beta")
    before = tree(folder)
    assert states(look(beta)) == [("for-beta", "taken", None)]
    assert states(look(beta)) == []
    shutil.copy(folder / "for-beta", folder / "again")
    assert states(look(beta)) == []
    assert {name: before[name] for name in before} == {name: tree(folder)[name] for name in before}
    shown = show_channel(beta, "shared")
    assert shown.channel.counts.stored == 1
    assert len(shown.batches) == 1
    assert shown.drops is not None
    assert (shown.drops.counts.taken, shown.drops.counts.refused) == (1, 0)


def test_the_form_is_told_by_the_content(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    armored = BytesIO()
    write_armored(BytesIO(made(alpha, beta, 1).read_bytes()), armored)
    (folder / "letter.txt").write_bytes(armored.getvalue())
    texts = list(parts.split(made(alpha, beta, 2).read_bytes(), 2_000))
    assert len(texts) > 3
    for number, text in reversed(list(enumerate(texts))):
        if number != 1:
            (folder / f"chat-{number}.txt").write_text(f"> here it is\n\n{text}\nregards\n")
    (folder / "holiday.jpg").write_bytes(os.urandom(5_000))
    found = {name: state for name, state, _ in states(look(beta))}
    assert found.pop("letter.txt") == "taken"
    assert found.pop("holiday.jpg") == "other"
    assert set(found.values()) == {"part"}
    waiting = carried_drops(beta.store, find_channel(beta.store, "shared").channel_row).parts
    assert [(one.of, one.missing) for one in waiting] == [(len(texts), (2,))]
    for path in folder.iterdir():
        path.unlink()  # what came is not needed any more
    (folder / "late.txt").write_text(texts[1])
    polled = look(beta)
    assert [state for _, state, _ in states(polled)] == ["part", "taken"]
    assert polled.collections[0].counts.stored == 1
    (folder / "once-more.txt").write_text(f"you asked for it again?\n{texts[1]}")
    assert states(look(beta)) == [("once-more.txt", "known", None)]
    assert beta.store.carried.parts(find_channel(beta.store, "shared").channel_row, at_most=10) == []
    assert beta.store.statements.refused(before=None, rows=10, is_open=True) == []


def test_what_is_still_being_written_waits(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    data = made(alpha, beta).read_bytes()
    path = folder / "slow"
    path.write_bytes(data[:1000])
    (folder / "browser.crdownload").write_bytes(data[:10])
    (folder / ".hidden.part").write_bytes(data[:10])
    polled = look(beta, lambda: path.write_bytes(data[:2000]))
    assert (states(polled), polled.collections[0].notes) == ([], ("1 files are still being written",))
    path.write_bytes(data[:3000])
    assert states(look(beta, lambda: path.write_bytes(data))) == []
    assert states(look(beta)) == [("slow", "taken", None)]


def test_what_was_changed_on_the_way_is_refused_kept_and_shown(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    data = bytearray(made(alpha, beta).read_bytes())
    data[-100] ^= 1
    (folder / "tampered").write_bytes(data)
    assert states(look(beta)) == [("tampered", "refused", "damaged")]
    assert states(look(beta)) == []
    [kept] = beta.store.statements.refused(before=None, rows=10, is_open=True)
    assert (kept.reason, kept.place) == (Reason.DAMAGED, "tampered")
    drops = show_channel(beta, "shared").drops
    assert drops is not None
    assert "changed or damaged on the way" in drops.refused[0].says
    assert beta.store.batches.completed() == 0


def test_a_drop_for_another_is_no_fault_in_a_shared_folder(three: list[Node], folder: Path):
    alpha, beta, gamma = three
    watch(gamma, folder)
    shutil.copy(made(alpha, beta), folder / "for-beta")
    assert states(look(gamma)) == [("for-beta", "other", "not-for-us")]
    assert gamma.store.statements.refused(before=None, rows=10, is_open=True) == []


def test_reading_again_tries_what_was_refused(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    shutil.copy(made(alpha, beta), folder / "one")
    look(beta)
    assert states(look(beta, again=True)) == [("one", "known", None)]
    assert beta.store.batches.completed() == 1


def test_hostile_files_are_named_and_cost_nothing(three: list[Node], folder: Path, tmp_path: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    os.mkfifo(folder / "pipe")
    secret = tmp_path / "secret"
    secret.write_text("outside")
    (folder / "link").symlink_to(secret)
    (folder / "sub").mkdir()
    with (folder / "huge").open("wb") as huge:
        huge.truncate(3 * 2**30)
    (folder / "unreadable").write_bytes(b"x")
    (folder / "unreadable").chmod(0)
    (folder / os.fsdecode(b"\xff\xfe\n")).write_bytes(b"what is this")
    shutil.copy(made(alpha, beta), folder / "good")
    polled = look(beta)
    assert ("good", "taken", None) in states(polled)
    drops = show_channel(beta, "shared").drops
    assert drops is not None
    left = {one.name: one.why for one in drops.left}
    assert left["pipe"] == "it is no plain file"
    assert left["link"] == "it is a link, and links are not followed"
    assert f"a drop at most {limits.MAX_FILE_BYTES:,}" in left["huge"]
    if os.geteuid():
        assert "cannot be read" in left["unreadable"]
    assert "sub" not in left
    note = polled.collections[0].notes
    assert any(one.startswith("pipe: ") for one in note)
    (folder / "pipe").unlink()
    look(beta)
    drops = show_channel(beta, "shared").drops
    assert drops is not None
    assert "pipe" not in {one.name for one in drops.left}


def test_ten_thousand_other_files_are_read_once(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    for number in range(10_000):
        (folder / f"note-{number}").write_text(f"{number}")
    shutil.copy(made(alpha, beta), folder / "good")
    assert len(look(beta).files) == 1_000  # that many are told by name
    assert drops_of(beta) == {"other": 10_000, "taken": 1}
    assert states(look(beta)) == []


def test_what_we_hand_on_gets_a_random_name_and_is_not_read_back(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(alpha, folder)
    watch(beta, folder)
    handed = hand_on(alpha, CLOCK, "shared", made(alpha, beta), open_channel, pause=lambda _: None)
    assert handed.state == "sent"
    [written] = folder.iterdir()
    assert written.name == handed.where
    assert len(written.stem) == 16
    assert states(look(alpha)) == []
    assert drops_of(alpha) == {"sent": 1}
    assert states(look(beta)) == [(written.name, "taken", None)]


def test_what_could_not_be_handed_on_goes_with_the_next_poll(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(alpha, folder)
    drop = made(alpha, beta)
    folder.rmdir()
    handed = hand_on(alpha, CLOCK, "shared", drop, open_channel, pause=lambda _: None)
    assert handed.state == "sending"
    assert "cannot be written" in (handed.error or "")
    folder.mkdir()
    look(alpha)
    assert drops_of(alpha) == {"sent": 1}
    assert [path.read_bytes() for path in folder.iterdir()] == [drop.read_bytes()]


def test_a_statement_by_itself_is_taken(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    [row] = alpha.store.membership.key_sets(alpha.party.party_row)
    assert row.statement is not None
    (folder / "keys.json").write_bytes(row.statement)
    assert states(look(beta)) == [("keys.json", "taken", None)]
    (folder / "damaged.json").write_bytes(row.statement.replace(b'"payload"', b'"pay"'))
    assert states(look(beta)) == [("damaged.json", "refused", "bad-form")]


def test_parts_that_contradict_are_refused(three: list[Node], folder: Path):
    alpha, beta, _ = three
    watch(beta, folder)
    first = next(iter(parts.split(made(alpha, beta).read_bytes(), 2_000)))
    (folder / "first").write_text(first)
    look(beta)
    other = next(iter(parts.split(os.urandom(9_000), 2_000)))
    (folder / "forged").write_text("\n".join([first.splitlines()[0], *other.splitlines()[1:]]) + "\n")
    assert states(look(beta)) == [("forged", "refused", "mixed-parts")]
