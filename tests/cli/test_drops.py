"""`release`, `receive`, `refused`: two or three homes exchange drops in every form, and what does not fit is told."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zxingcpp
from tests.cli.running import Ran, run_in
from tests.desk.drops import AMBER, GREEN, RED, indicator

from backchannel.clock import SystemClock
from backchannel.desk.box import Box
from backchannel.desk.node import open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.recipients import recipient_of
from backchannel.drop.sealing import encrypt

Home = Callable[..., Ran]
"""Runs a command in the home of one party."""
NAMES = ("Alpha", "Beta", "Gamma")


@pytest.fixture(scope="session")
def met(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three homes, each of which verified the others; nobody changes it."""
    folder = tmp_path_factory.mktemp("met")
    for name in NAMES:
        assert run_in(folder / name, "init", "--name", name, cwd=folder).code == 0
        assert run_in(folder / name, "party", "card", "-o", f"{name}.card", cwd=folder).code == 0
    for name in NAMES:
        for other in NAMES:
            if other != name:
                added = run_in(
                    folder / name, "party", "add", "--card", f"{other}.card", "--handed-over", cwd=folder
                )
                assert added.code == 0, added.err
    bundle(folder / "ours.json", indicator(1), indicator(2))
    assert run_in(folder / "Alpha", "import", "ours.json", "--from", "Alpha", cwd=folder).code == 0
    return folder


@pytest.fixture
def world(met: Path, tmp_path: Path) -> Path:
    """A copy of the three homes, the test's own."""
    folder = tmp_path / "world"
    shutil.copytree(met, folder)
    return folder


def home(world: Path, name: str) -> Home:
    return lambda *words, **more: run_in(world / name, *words, cwd=world, **more)


@pytest.fixture
def alpha(world: Path) -> Home:
    return home(world, "Alpha")


@pytest.fixture
def beta(world: Path) -> Home:
    return home(world, "Beta")


@pytest.fixture
def gamma(world: Path) -> Home:
    return home(world, "Gamma")


def bundle(path: Path, *objects: dict[str, object]) -> Path:
    value = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-4cbf938f4cbf", "objects": objects}
    path.write_text(json.dumps(value))
    return path


def things(ran: Ran) -> list[dict[str, object]]:
    found = ran.document["things"]
    assert isinstance(found, list)
    return found


def taken(ran: Ran) -> list[tuple[object, object]]:
    """State and number of objects of each drop that was received."""
    assert ran.code == 0, ran.err + ran.text
    return [(one["state"], one["drop"]["objects"]) for one in things(ran)]  # type: ignore[index]


SEND = ("release", "send", "--to", "Beta", "--batch", "1")

# --- Forms ---------------------------------------------------------------------------------------------


def test_t03_a_drop_goes_as_a_file_and_comes_once(alpha: Home, beta: Home):
    sent = alpha(*SEND, "-o", "x.bcb", "--json")
    [drop] = sent.document["sent"]  # type: ignore[misc]
    assert (drop["to"], drop["seq"], drop["objects"], drop["paths"]) == ("Beta", 0, 2, ["x.bcb"])
    first = beta("receive", "x.bcb")
    assert first.code == 0
    assert "Drop 0 from Alpha · taken · x.bcb" in first.text
    assert "2: 2 stored" in first.text
    again = beta("receive", "x.bcb", "--json")
    assert (again.code, taken(again)) == (0, [("replay", 0)])
    why = beta("why", str(indicator(1)["id"])).text
    assert "Alpha" in why


def test_a_drop_goes_as_text_with_white_space_around_it(alpha: Home, beta: Home):
    text = alpha(*SEND, "--armor", "-o", "-")
    assert text.out.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert "Drop 0 to Beta" in text.err
    mailed = b"\r\n \n" + text.out.replace(b"\n", b"\r\n") + b"\r\n\r\n"
    assert taken(beta("receive", "-", "--json", stdin=mailed)) == [("taken", 2)]


def test_t09_parts_come_in_any_order_doubled_quoted_and_of_two_drops_at_once(
    alpha: Home, beta: Home, world: Path
):
    for folder in ("one/", "two/"):
        assert alpha(*SEND, "--split", "2k", "-o", folder).code == 0
    parts = [*(world / "one").iterdir(), *(world / "two").iterdir()]
    assert all(len(part.read_text()) <= 2_000 for part in parts)
    random.Random(3).shuffle(parts)
    quoted = world / "mail.txt"
    quoted.write_text(
        "Hello,\n\n" + "".join(f"> {line}\n" for line in parts[0].read_text().splitlines()) + "\nGreetings\n"
    )
    given = [quoted, *parts[1:], parts[1]]
    assert sorted(taken(beta("receive", *given, "--json"))) == [("taken", 2), ("taken", 2)]


def test_t09_the_numbers_of_missing_parts_are_told_and_nothing_is_kept(alpha: Home, beta: Home, world: Path):
    assert alpha(*SEND, "--split", "2k", "-o", "parts/").code == 0
    parts = sorted((world / "parts").iterdir())
    ran = beta("receive", *parts[:2], *parts[3:-1], "--json")
    assert ran.code == 3
    [one] = things(ran)
    assert (one["state"], one["missing"]) == ("incomplete", [3, len(parts)])
    assert beta("refused", "list", "--json").document["open"] == 0
    assert beta("receive", *parts).code == 0


def test_t09_a_damaged_part_is_told_by_its_number_and_kept(alpha: Home, beta: Home, world: Path):
    assert alpha(*SEND, "--split", "2k", "-o", "parts/").code == 0
    parts = sorted((world / "parts").iterdir())
    lines = parts[1].read_text().splitlines()
    lines[3] = lines[3].swapcase()
    parts[1].write_text("\n".join(lines))
    ran = beta("receive", *parts, "--json")
    assert ran.code == 5
    refused, rest = things(ran)
    assert refused["refusal"]["code"] == "damaged"  # type: ignore[index]
    assert "part 2 of" in refused["refusal"]["detail"]  # type: ignore[index]
    assert rest["missing"] == [2]
    saved = beta("refused", "save", str(refused["refused_as"]))
    assert saved.out == parts[1].read_bytes()


def seen(png: bytes) -> memoryview:
    """The grey values of a picture of one bit a pixel, whose rows are plain or the difference to the one above."""
    width, height, depth, colours = struct.unpack_from(">IIBB", png, 16)
    assert (depth, colours) == (1, 0)
    at, packed = 8, b""
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        packed += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    rows, pixels, step = zlib.decompress(packed), bytearray(), 1 + -(-width // 8)
    above = bytes(step - 1)
    for row in range(height):
        kind, *line = rows[row * step : (row + 1) * step]
        assert kind in {0, 2}
        above = bytes((one + (up if kind else 0)) % 256 for one, up in zip(line, above, strict=True))
        bits = "".join(f"{byte:08b}" for byte in above)[:width]
        pixels += bytes(255 if bit == "1" else 0 for bit in bits)
    return memoryview(bytes(pixels)).cast("B", shape=[height, width])


def test_t09_pictures_are_read_by_a_reader_and_a_tenth_may_be_lost(alpha: Home, beta: Home, world: Path):
    assert alpha(*SEND, "--qr", "qr/").code == 0
    pictures = sorted((world / "qr").glob("*.png"))
    sheet = next((world / "qr").glob("*.html")).read_text()
    assert sheet.count("<img") == len(pictures)
    assert "<script" not in sheet
    lost = len(pictures) // 10
    frames = []
    for path in pictures[lost:]:
        [found] = zxingcpp.read_barcodes(seen(path.read_bytes()))
        frames.append(found.bytes)
    (world / "scanned").write_bytes(b"".join(frames))
    assert taken(beta("receive", "scanned", "--json")) == [("taken", 2)]


def test_a_drop_under_a_passphrase_asks_for_it(alpha: Home, beta: Home, world: Path):
    (world / "words").write_text("correct horse battery\n")
    assert alpha(*SEND, "--drop-passphrase-file", "words", "-o", "x.bcb").code == 0
    without = beta("receive", "x.bcb")
    assert without.code == 4
    assert "under a passphrase, and none was given" in without.text
    assert taken(beta("receive", "x.bcb", "--drop-passphrase-file", "words", "--json")) == [("taken", 2)]


def test_attachments_come_under_their_names_and_overwrite_nothing(alpha: Home, beta: Home, world: Path):
    (world / "report.pdf").write_bytes(b"%PDF a report")
    send = ("release", "send", "--to", "Beta", "--attach", "report.pdf", "-o", "x.bcb")
    assert alpha(*send).code == 0
    (world / "in").mkdir()
    (world / "in" / "report.pdf").write_text("mine")
    ran = beta("receive", "x.bcb", "--files", "in", "--json")
    assert ran.code == 0
    assert things(ran)[0]["drop"]["files"] == ["in/report-2.pdf"]  # type: ignore[index]
    assert (world / "in" / "report.pdf").read_text() == "mine"
    assert (world / "in" / "report-2.pdf").read_bytes() == b"%PDF a report"


def test_a_deniable_drop_says_who_can_know_it(alpha: Home, beta: Home):
    assert alpha(*SEND, "--deniable", "-o", "x.bcb").code == 0
    ran = beta("receive", "x.bcb")
    assert ran.code == 0
    assert "only you can know that it is theirs" in ran.text
    assert "only you can know this" in beta("why", str(indicator(1)["id"]), COLUMNS="160").text


# --- Sending -------------------------------------------------------------------------------------------


def test_several_parties_get_a_drop_each_that_no_other_opens(
    alpha: Home, beta: Home, gamma: Home, world: Path
):
    sent = alpha(*SEND, "--to", "Gamma", "-o", "out/", "--json").document["sent"]
    paths = {one["to"]: one["paths"][0] for one in sent}  # type: ignore[union-attr,index,call-overload]
    assert all(re.fullmatch(r"out/[0-9a-f]{16}\.bcb", path) for path in paths.values())
    content = b"".join((world / path).read_bytes() for path in paths.values())
    assert not any(name.encode() in content for name in NAMES)
    assert taken(beta("receive", paths["Beta"], "--json")) == [("taken", 2)]
    ran = gamma("receive", paths["Beta"], "--json")
    assert ran.code == 5
    assert things(ran)[0]["refusal"]["code"] == "not-for-us"  # type: ignore[index]
    assert taken(gamma("receive", paths["Gamma"], "--json")) == [("taken", 2)]


def test_what_is_withheld_is_shown_with_the_plan_and_nothing_is_sent(alpha: Home, beta: Home, world: Path):
    bundle(world / "mixed.json", indicator(3), indicator(4, RED), indicator(5, AMBER))
    assert alpha("import", "mixed.json", "--from", "Alpha").code == 0
    words = ("--to", "Beta", "--batch", "2")
    planned = alpha("release", "plan", *words)
    assert planned.code == 1
    assert re.search(rf"withheld +{indicator(4)['id']} +TLP:RED +tlp", planned.text)
    stopped = alpha("release", "send", *words, "-o", "x.bcb")
    assert stopped.code == 4
    assert not (world / "x.bcb").exists()
    [named] = set(re.findall(r"--plan ([0-9a-f]{64})", stopped.err))
    assert named in planned.text
    assert alpha("release", "list", "--json").document["sent"] == []
    assert alpha("release", "send", *words, "--plan", named, "-o", "x.bcb").code == 0
    assert taken(beta("receive", "x.bcb", "--json")) == [("taken", 2)]


def test_a_plan_by_which_nothing_goes_names_no_command_that_sends_it(alpha: Home, world: Path):
    bundle(world / "red.json", indicator(4, RED))
    assert alpha("import", "red.json", "--from", "Alpha").code == 0
    planned = alpha("release", "plan", "--to", "Beta", "--batch", "2")
    assert planned.code == 1
    assert "Nothing of it may go." in planned.err
    assert "release send" not in planned.err


def test_one_party_that_may_not_have_it_stops_the_drops_to_all(alpha: Home, world: Path):
    assert alpha("party", "suspend", "Gamma", "--why", "asked").code == 0
    stopped = alpha(*SEND, "--to", "Gamma", "-o", "out/", "--json")
    assert stopped.code == 4
    assert [plan["withheld"] for plan in stopped.document["plans"]] == [0, 2]  # type: ignore[union-attr,index]
    assert not (world / "out").exists()


def test_a_plan_that_is_another_by_now_is_refused(alpha: Home, world: Path):
    stopped = alpha(*SEND, "--plan", "0" * 64, "-o", "x.bcb")
    assert stopped.code == 4
    assert "no longer the one" in stopped.err
    assert not (world / "x.bcb").exists()


def test_objects_are_chosen_by_id_party_collection_and_on_standard_input(alpha: Home):
    ids = [str(indicator(number)["id"]) for number in (1, 2)]

    def goes(*words: str, stdin: bytes = b"") -> object:
        return alpha("release", "plan", "--to", "Beta", *words, "--json", stdin=stdin).document["goes"]

    assert goes(*ids) == 2
    assert goes(ids[0][:-2] + "01") == 1
    assert goes("-", stdin="\n".join(ids).encode()) == 2
    assert goes("--from", "Alpha") == 2
    made = alpha("taxii", "root", "add", "x")
    assert made.code == 0, made.err
    assert alpha("taxii", "collection", "add", "Shared", "--root", "x", "--alias", "shared").code == 0
    assert alpha("import", "ours.json", "--from", "Alpha", "--collection", "shared").code == 0
    assert goes("--collection", "shared") == 2
    both = alpha("release", "plan", "--to", "Beta", ids[0], "--from", "Alpha")
    assert both.code == 2
    assert "several ways" in both.err


def test_the_kept_copy_is_handed_on_again_byte_for_byte(alpha: Home, world: Path):
    sent = alpha(*SEND, "-o", "x.bcb", "--json").document["sent"]
    drop = sent[0]["drop"].removeprefix("sha256:")  # type: ignore[index]
    assert alpha("release", "again", drop[:10], "-o", "y.bcb").code == 0
    assert (world / "y.bcb").read_bytes() == (world / "x.bcb").read_bytes()
    assert (
        alpha("release", "again", "--to", "Beta", "--seq", "0", "-o", "-").out
        == (world / "x.bcb").read_bytes()
    )
    missing = alpha("release", "again", "--to", "Beta", "--seq", "7", "-o", "z.bcb")
    assert missing.code == 2
    listed = alpha("release", "list")
    assert drop[:12] in listed.text


def test_a_drop_that_cannot_be_written_is_made_and_how_to_get_it_is_said(alpha: Home, world: Path):
    big = world / "big.bin"
    big.write_bytes(bytes(60_000))
    ran = alpha("release", "send", "--to", "Beta", "--attach", "big.bin", "--qr", "qr/")
    assert ran.code == 3
    again = re.search(r"release again ([0-9a-f]{12})", ran.err)
    assert again is not None
    assert alpha("release", "again", again[1], "-o", "x.bcb").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("release", "send", "--to", "Beta", "--batch", "1"),
        (*SEND, "-o", "-", "--json"),
        (*SEND, "--to", "Gamma", "--armor", "-o", "-"),
        (*SEND, "--armor", "--split", "2k", "-o", "x/"),
        (*SEND, "--split", "many", "-o", "x/"),
        (*SEND, "--expires", "500d", "-o", "x"),
        ("release", "send", "--to", "Beta", "-o", "x"),
        ("release", "plan", "--to", "Beta"),
        ("release", "send", "--to", "Nobody", "--batch", "1", "-o", "x"),
        ("receive", "-", "-"),
    ],
)
def test_words_that_do_not_fit_end_with_2_and_send_nothing(alpha: Home, words: tuple[str, ...]):
    assert alpha(*words).code == 2
    assert alpha("release", "list", "--json").document["sent"] == []


# --- Receiving -----------------------------------------------------------------------------------------


def test_a_file_that_is_something_else_is_named_and_stops_no_other(alpha: Home, beta: Home, world: Path):
    assert alpha(*SEND, "-o", "x.bcb").code == 0
    (world / "words.txt").write_text("nothing to see\n")
    (world / "around.txt").write_text(
        "Dear all,\n" + alpha("release", "again", "--to", "Beta", "--armor", "-o", "-").text
    )
    (world / "empty").write_bytes(b"")
    (world / "packed.zip").write_bytes(b"PK\x03\x04rest")
    with open_node(world / "Alpha") as node, (world / "other.age").open("wb") as target:
        encrypt(io.BytesIO(b"a letter"), target, [recipient_of(node, "Beta").age_recipient])
    names = [
        "ours.json",
        "Alpha.card",
        "words.txt",
        "around.txt",
        "empty",
        "packed.zip",
        "other.age",
        "x.bcb",
    ]
    ran = beta("receive", *names, "--json")
    assert ran.code == 3  # what is refused stands first: it is no drop
    found = {one["places"][0]: one for one in things(ran)}  # type: ignore[index]
    for name, said in (
        ("ours.json", "backchannel import"),
        ("Alpha.card", "party add --card"),
        ("words.txt", "no drop"),
        ("around.txt", "BEGIN line"),
        ("empty", "empty"),
        ("packed.zip", "unpack"),
    ):
        assert found[name]["state"] == "not for here", name
        assert said in str(found[name]["says"]), name
    assert found["other.age"]["refusal"]["code"] == "not-a-drop"  # type: ignore[index]
    assert found["x.bcb"]["state"] == "taken"


def test_an_introduction_and_bare_statements_are_taken(alpha: Home, beta: Home, gamma: Home, world: Path):
    new = home(world, "Delta")
    assert new("init", "--name", "Delta").code == 0
    for name in NAMES[:1]:
        assert new("party", "add", "--card", f"{name}.card", "--handed-over").code == 0
    assert new("party", "card", "-o", "Delta.card").code == 0
    assert alpha("party", "add", "--card", "Delta.card", "--handed-over").code == 0
    assert alpha("party", "introduce", "Delta", "--to", "Beta", "-o", "delta.txt").code == 0
    introduced = beta("receive", "delta.txt")
    assert introduced.code == 0
    assert "introduced" in beta("party", "show", "Delta").text
    assert alpha("key", "rotate", "--use", "sign").code == 0
    with open_node(world / "Alpha") as node:
        said = node.store.membership.key_sets(node.party.party_row)[-1].statement
    assert said is not None
    (world / "keys.json").write_bytes(said)
    ran = beta("receive", "keys.json", "--json")
    assert (ran.code, things(ran)[0]["what"], things(ran)[0]["state"]) == (0, "statements", "taken")
    assert alpha(*SEND, "-o", "x.bcb").code == 0
    assert taken(beta("receive", "x.bcb", "--json")) == [("taken", 2)]
    forged = json.loads(said)
    forged["signatures"][0]["sig"] = "A" * 86 + "=="
    (world / "forged.json").write_text(json.dumps(forged))
    refused = gamma("receive", "forged.json", "--json")
    assert refused.code == 5
    number = str(things(refused)[0]["refused_as"])
    assert json.loads(gamma("refused", "save", number).out) == forged


def test_t01_t02_a_drop_that_changed_on_the_way_is_refused_kept_and_decided(
    alpha: Home, beta: Home, world: Path
):
    assert alpha(*SEND, "-o", "x.bcb").code == 0
    data = (world / "x.bcb").read_bytes()
    chance = random.Random(1)
    flips = [60, len(data) - 1, *chance.sample(range(len(data)), 3)]
    spoiled = [bytes([*data[:at], data[at] ^ 4, *data[at + 1 :]]) for at in flips]
    spoiled += [data[:at] for at in (10, 200, len(data) // 2, len(data) - 1)]
    for number, bad in enumerate(spoiled, 1):
        (world / "bad.bcb").write_bytes(bad)
        ran = beta("receive", "bad.bcb", "--json")
        [one] = things(ran)
        assert ran.code in {3, 4, 5}
        assert (one["state"], one["refused_as"], ran.code) == ("refused", number, one["exit_code"])
        assert beta("refused", "save", str(number)).out == bad
    assert beta("receive", "bad.bcb", "--json").document["things"][0]["refused_as"] == len(spoiled)  # type: ignore[index]
    status = beta("status", "--json").document
    assert (status["objects"], status["refused"]) == (0, len(spoiled))
    assert "refused list" in beta("doctor").text
    assert beta("refused", "list", "--rows", "2", "--json").document["next"] == len(spoiled) - 1
    assert beta("refused", "discard", "1", "--why", "sent again").code == 0
    assert beta("refused", "save", "1").code == 2
    assert beta("refused", "discard", "1", "--why", "twice").code == 2
    assert "discarded: sent again" in beta("refused", "list", "--all").text
    assert taken(beta("receive", "x.bcb", "--json")) == [("taken", 2)]


def test_t04_a_restored_node_that_uses_a_number_again_is_suspended(alpha: Home, beta: Home, world: Path):
    shutil.copytree(world / "Alpha", world / "backup")
    other = home(world, "backup")
    assert alpha(*SEND, "-o", "first.bcb").code == 0
    assert other("release", "send", "--to", "Beta", str(indicator(1)["id"]), "-o", "second.bcb").code == 0
    assert beta("receive", "first.bcb").code == 0
    ran = beta("receive", "second.bcb", "--json")
    assert ran.code == 5
    assert things(ran)[0]["refusal"]["code"] == "equivocation"  # type: ignore[index]
    assert "suspended" in beta("party", "show", "Alpha").text
    assert alpha(*SEND, "-o", "third.bcb").code == 0
    after = beta("receive", "third.bcb", "--json")
    assert (after.code, things(after)[0]["refusal"]["code"]) == (4, "party-suspended")  # type: ignore[index]


def test_a_gap_names_the_number_that_release_again_hands_on(alpha: Home, beta: Home):
    for name in ("0", "1", "2"):
        assert alpha(*SEND, "-o", name).code == 0
    assert beta("receive", "0").code == 0
    gap = beta("receive", "2")
    assert gap.code == 0
    assert "gap" in gap.text
    assert "number 1" in gap.text
    assert alpha("release", "again", "--to", "Beta", "--seq", "1", "-o", "once-more").code == 0
    assert taken(beta("receive", "once-more", "--json")) == [("taken", 2)]


def test_drops_given_in_one_go_in_any_order_leave_no_gap(alpha: Home, beta: Home):
    for name in ("0", "1", "2", "3", "4"):
        assert alpha(*SEND, "-o", name).code == 0
    assert beta("receive", "0").code == 0
    ran = beta("receive", "4", "1", "2", "--json")
    found = [one["drop"] for one in things(ran)]
    assert [[note["code"] for note in one["notes"]] for one in found] == [["gap"], [], []]  # type: ignore[index]
    assert [one["missing"] for one in found] == [[3], [], []]  # type: ignore[index]
    assert found[0]["notes"][0]["detail"] == "number 3"  # type: ignore[index]
    late = beta("receive", "3", "--json")
    assert [note["code"] for note in things(late)[0]["drop"]["notes"]] == ["out-of-order"]  # type: ignore[index]


def test_t70_no_key_stands_in_what_is_said(alpha: Home, beta: Home, world: Path):
    ran = [alpha(*SEND, "-o", "x.bcb"), beta("receive", "x.bcb"), beta("receive", "ours.json")]
    with open_node(world / "Beta") as node:
        secrets = [key.secret.hex() for key in own_keys(node, SystemClock()).keyring.openers()]
    for one in ran:
        said = one.text + one.err
        assert "AGE-SECRET-KEY" not in said
        assert not any(secret in said for secret in secrets)
    assert GREEN not in ran[0].text


# --- The drop box, without a server --------------------------------------------------------------------


def test_what_waits_in_the_drop_box_is_taken_by_hand(alpha: Home, beta: Home, world: Path):
    assert "Nothing waits in the drop box." in beta("channel", "box").err
    assert alpha(*SEND, "-o", "x.bcb").code == 0
    whole = (world / "x.bcb").read_bytes()
    for data in (whole, whole[:2_000]):
        leaving = Box(world / "Beta").begin()
        leaving.write(data)
        leaving.finish()
    ran = beta("channel", "box")
    assert (ran.code, "backchannel refused list" in ran.err) == (1, True)
    assert [line.split()[5] for line in ran.text.splitlines()[1:]] == ["taken", "refused"]
    assert beta("channel", "box", "--json").document == {
        "schema": "backchannel.box/1",
        "files": [],
        "again": 0,
    }


# --- Permits -------------------------------------------------------------------------------------------


def test_t62_a_permit_lets_a_relay_pass_on_what_it_could_not(
    alpha: Home, beta: Home, gamma: Home, world: Path
):
    one = str(indicator(7)["id"])
    bundle(world / "amber.json", indicator(7, AMBER))
    assert alpha("import", "amber.json", "--from", "Alpha").code == 0
    assert alpha("release", "send", "--to", "Beta", one, "-o", "for-beta.bcb").code == 0
    assert beta("receive", "for-beta.bcb").code == 0
    # Whoever comes out of suspension is introduced, and gets TLP:GREEN at most.
    assert beta("party", "suspend", "Gamma", "--why", "a test").code == 0
    assert beta("party", "resume", "Gamma", "--why", "a test").code == 0
    to_gamma = ("release", "send", "--to", "Gamma", one, "-o", "for-gamma.bcb")
    refused = beta(*to_gamma)
    assert (refused.code, "may not go" in refused.err) == (4, True)

    not_ours = beta("release", "permit", one, "--to", "Gamma", "--tlp", "green", "--until", "90d")
    assert (not_ours.code, "not the originator" in not_ours.err) == (4, True)
    assert "Ask Alpha for a permit" in not_ours.err
    given = alpha("release", "permit", one, "--to", "Beta", "--tlp", "green", "--until", "90d")
    assert given.code == 0, given.err
    assert "Permit for Beta · as TLP:GREEN · until " in given.text
    assert "release send --receipts --to 'Beta' -o FILE" in given.err
    assert alpha("release", "send", "--receipts", "--to", "Beta", "-o", "permit.bcb").code == 0
    assert beta("receive", "permit.bcb").code == 0
    assert "Alpha lets Beta pass it on as TLP:GREEN until " in beta("why", one).text

    planned = beta("release", "plan", "--to", "Gamma", one)
    assert (planned.code, "its originator permits us to pass it on as TLP:GREEN" in planned.text) == (0, True)
    assert beta(*to_gamma).code == 0
    came = gamma("receive", "for-gamma.bcb", "--json")
    assert taken(came) == [("taken", 1)]
    assert "Beta passed it on unchanged, TLP:AMBER to TLP:GREEN as the originator" in gamma("why", one).text
    assert alpha("ledger", "verify").code == 0


def test_what_a_permit_lacks_is_said(alpha: Home):
    one = str(indicator(1)["id"])
    for words, says in [
        (("--tlp", "clear", "--until", "90d"), "Give either --to PARTY or --to-everybody."),
        (("--to-everybody", "--tlp", "green", "--until", "90d"), "it may go as TLP:GREEN without"),
        (("--to-everybody", "--tlp", "clear", "--until", "soon"), "'soon' is no time"),
        (("--to-everybody", "--tlp", "blue", "--until", "90d"), "is no TLP label"),
    ]:
        ran = alpha("release", "permit", one, *words)
        assert ran.code == 2
        assert says in ran.err
    given = alpha("release", "permit", one, "--to-everybody", "--tlp", "clear", "--until", "90d", "--json")
    assert given.document["schema"] == "backchannel.permit/1"
    assert (given.document["to"], given.document["waits_for"]) == ([], [])


def test_a_tear_line_is_named_in_the_plan_and_arrives_without_its_object(
    alpha: Home, beta: Home, world: Path
):
    whole, torn = str(indicator(7)["id"]), str(indicator(8)["id"])
    tie = {
        "type": "relationship", "spec_version": "2.1", "id": "relationship--8e2e2d2b-17d4-4cbf-938f-000000000009",
        "created": "2026-01-02T03:04:05.000Z", "modified": "2026-01-02T03:04:05.000Z", "source_ref": torn,
        "target_ref": whole, "relationship_type": "derived-from", "object_marking_refs": [RED],
    }  # fmt: skip
    bundle(world / "torn.json", indicator(7, RED), indicator(8, GREEN), tie)
    assert alpha("import", "torn.json", "--from", "Alpha").code == 0
    (world / "Alpha" / "policy.toml").write_text(
        'version = 1\ndefault = "deny"\n[[rule]]\nid = "torn"\nwhen = { tlp = "RED" }\nto = ["Beta"]\n'
        'transform = ["tear-line"]\n[[rule]]\nid = "green"\nwhen = { tlp = "GREEN" }\nto = ["Beta"]\nallow = true\n'
    )
    assert alpha("policy", "check").code == 0
    named = alpha("release", "plan", "--to", "Beta", whole)
    assert named.code == 1
    assert "goes as its tear-line" in named.text
    words = ("release", "send", "--to", "Beta", whole, "-o", "torn.bcb")
    refused = alpha(*words)
    assert refused.code == 4
    plan = str(alpha("release", "plan", "--to", "Beta", whole, "--json").document["plan_sha256"])
    assert plan in refused.text + refused.err
    assert alpha(*words, "--plan", plan).code == 0
    assert beta("receive", "torn.bcb").code == 0
    assert beta("show", torn).code == 0
    assert "no object" in beta("show", whole).err
