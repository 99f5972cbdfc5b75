"""Whatever others publish: taken or refused as an independent reading says, and no file stops another."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.intake.reader import NOW, findings, patterns, refusals, take, taken, the_refusal, written

from backchannel.clock import FixedClock
from backchannel.desk.inbox import show
from backchannel.desk.node import init_node
from backchannel.desk.receive import receive
from backchannel.intake.received import Received, Refused

# --- STIX -----------------------------------------------------------------------------------------------

ID = re.compile(r"[a-z0-9-]+--[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


def plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def independent(path: Path) -> list[dict[str, object]] | None:
    """The objects of a file as `json` reads them: bundles and single objects; None if it holds no STIX."""
    try:
        value = json.loads(plain(path).decode("utf-8-sig"))
    except ValueError:
        return None
    if isinstance(value, dict) and value.get("type") == "bundle":
        return list(value["objects"])
    if isinstance(value, list) and all("type" in one for one in value):
        return value
    return [value] if isinstance(value, dict) and {"type", "id"} <= value.keys() else None


Reading = Callable[[Path], list[Received | Refused]]


@pytest.fixture(scope="module")
def read_once() -> Iterator[Reading]:
    """What reading a file gives: asked by several tests, done once."""
    reading = cache(take)
    yield reading
    reading.cache_clear()


def stix_files(shared_data: Path) -> list[Path]:
    found = sorted(path for path in (shared_data / "stix").rglob("*") if path.is_file())
    found = [path for path in found if path.name != "test_events_collection_1.json"]  # events of MISP
    assert len(found) >= 70
    return found


def test_every_stix_file_is_taken_by_count_or_refused_as_a_whole(shared_data: Path, read_once: Reading):
    for path in stix_files(shared_data):
        expected, items = independent(path), read_once(path)
        if expected is None:
            the_refusal(items)
            continue
        assert len(items) == len(expected), path.name
        ids = [one["id"] for one in expected if ID.fullmatch(str(one["id"]))]
        assert [item.raw.header.id for item in taken(items)] == ids, path.name


def test_the_bytes_of_every_object_are_those_of_its_file(shared_data: Path, read_once: Reading):
    for path in stix_files(shared_data):
        text = plain(path)
        at = 0
        for item in taken(read_once(path)):
            at = text.index(item.raw.body, at) + 1  # in their order


REFUSED = {
    r"stix11\.xml\Z": ("STIX 1 in XML", "convert it to STIX 2.1"),
    r"misp-stix/.*_1\.json\Z": ("MISP", "whole events"),
    r"invalid_comma": ("broken JSON (line 9", "mend it"),
    r"invalid_braces": ("broken JSON", "take the `<` out"),
    r"LICENSE": ("text in which no line is an address", "import takes STIX 2.1"),
}


def test_what_is_refused_is_named_and_what_would_mend_it(shared_data: Path, read_once: Reading):
    seen = Counter[str]()
    for path in stix_files(shared_data):
        if independent(path) is not None:
            continue
        name = path.relative_to(shared_data).as_posix()
        (expression,) = [one for one in REFUSED if re.search(one, name)]
        what, mend = REFUSED[expression]
        found = the_refusal(read_once(path))
        assert what in found.what
        assert mend in found.what
        assert found.where.startswith(str(path))
        seen[expression] += 1
    assert set(seen) == set(REFUSED)


def test_published_intelligence_is_in_quarantine_only_where_it_contradicts_itself(
    shared_data: Path, read_once: Reading
):
    waiting = {
        (path.name, finding.where.rpartition("#")[2])
        for path in stix_files(shared_data)
        for finding in findings(read_once(path))
        if finding.level == "quarantine"
    }
    assert waiting == {("v21_invalid_timestamp.json", "/modified")}


def test_one_import_of_all_of_them_stops_at_none(shared_data: Path, tmp_path: Path):
    paths = stix_files(shared_data)
    objects = {path: independent(path) for path in paths}
    clock = FixedClock(NOW)
    with init_node(tmp_path / "home", name="CERT Alpha", clock=clock) as node:
        receipt = receive(node, clock, paths, party="CERT Beta")
        assert receipt.objects == sum(1 if held is None else len(held) for held in objects.values())
        assert receipt.refused == sum(held is None for held in objects.values())
        counts = (receipt.stored, receipt.known, receipt.conflict, receipt.quarantined, receipt.refused)
        assert sum(counts) == receipt.objects
        ids = {str(one["id"]) for held in objects.values() for one in held or ()}
        assert {str(one) for one in node.store.objects.ids_like("", at_most=100_000)} == ids
        body = objects[shared_data / "stix" / "oasis-examples" / "apt1.json"]
        assert body is not None
        kept = show(node, clock, str(body[0]["id"]))
        assert json.loads(bytes(kept.received)) == body[0]


# --- MISP and others --------------------------------------------------------------------------------------


MISP_PARTS = {
    "mispevent_testfiles_galaxy.json": "MISP galaxy",
    "mispevent_testfiles_overwrite_file_definition.json": "template of MISP objects",
    "mispevent_testfiles_simple.json": "nothing at all",
    "mispevent_testfiles_event_obj_attr_tag.json": "neither; export the whole event",
    "mispevent_testfiles_event_obj_tag.json": "neither; export the whole event",
}


def test_what_is_a_part_of_misp_and_no_event_is_refused_by_its_name(shared_data: Path):
    for name, what in MISP_PARTS.items():
        assert what in the_refusal(take(shared_data / "misp" / "pymisp" / name)).what
    for path in sorted((shared_data / "misp" / "galaxy").glob("*.json*")):
        assert "MISP galaxy" in the_refusal(take(path)).what


def test_every_warninglist_is_refused_with_the_command_that_takes_it(shared_data: Path):
    for path in sorted((shared_data / "warninglists").glob("*.json*")):
        assert "backchannel warninglist add" in the_refusal(take(path)).what


def test_logs_are_refused_with_the_command_that_searches_them(shared_data: Path):
    paths = sorted((shared_data / "telemetry" / "zeek-otrf-apt29-day2").rglob("*.log*"))[:10]
    paths += sorted((shared_data / "telemetry" / "zeek-wrccdc").rglob("*.log*"))[:10]
    assert len(paths) == 20
    for path in paths:
        assert "backchannel hunt" in the_refusal(take(path)).what, path


# --- CSV and lists ----------------------------------------------------------------------------------------

BARE = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b")


def rows_of(path: Path) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(plain(path).decode("utf-8-sig"))) if row]


def test_every_row_of_published_tables_gives_its_value(shared_data: Path):
    """Each volexity table has a header; the value column changed its place and name over the years."""
    rows, missing = 0, []
    for path in sorted((shared_data / "csv" / "volexity").glob("*.csv")):
        items = take(path)
        told = " ".join([*patterns(items), *(found.what for found in refusals(items))]).lower()
        assert len({item.place for item in items}) == len(rows_of(path)) - 1
        for row in rows_of(path)[1:]:
            rows += 1
            words = {word.lower() for cell in row for word in BARE.findall(cell.lower())}
            missing += [(path.name, word) for word in words if word not in told]
    assert rows > 700
    assert missing == []


def test_a_damaged_hash_among_others_is_left_out_and_told(shared_data: Path):
    (path,) = (shared_data / "csv" / "volexity").glob("2022-12-01*.csv")
    items = take(path)
    assert refusals(items) == []
    (found,) = [finding for finding in findings(items) if "no hash has" in finding.what]
    assert found.level == "note"
    assert found.where.endswith(".csv:6")
    assert "63 digits" in found.what


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("2019-03-06_egypt_oauth_domains.txt", r"\[domain-name:value = '[^']+'\]"),
        ("2019-03-06_egypt_oauth_emails.txt", r"\[email-addr:value = '[^']+@[^']+'\]"),
        ("2020-03-12_uzbekistan_domains.txt", r"\[domain-name:value = '[^']+'\]"),
        ("2020-03-12_uzbekistan_ips.txt", r"\[ipv4-addr:value = '[0-9.]+'\]"),
        ("2020-03-12_uzbekistan_samples.txt", r"\[file:hashes\.'SHA-256' = '[0-9a-f]{64}'\]"),
    ],
)
def test_every_line_of_a_published_list_is_an_indicator(shared_data: Path, name: str, form: str):
    path = shared_data / "lists" / "amnesty" / name
    items = take(path)
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    assert len(taken(items)) == len(items) == len(lines)
    assert all(re.fullmatch(form, pattern) for pattern in patterns(items))
    for line, pattern in zip(lines, patterns(items), strict=True):
        assert line.strip().lower() in pattern


def test_a_line_that_no_name_could_be_costs_only_itself(shared_data: Path):
    path = shared_data / "lists" / "amnesty" / "2021-12-16_cytrox_domains.txt"
    (found,) = refusals(take(path))
    assert "`amazing.lab`" in found.what
    assert found.where == f"{path}:16"


def test_two_columns_of_observables_give_two_indicators_a_row(shared_data: Path):
    path = shared_data / "lists" / "amnesty" / "2018-08-01_nso_indicators.csv"
    expected = Counter(bool(cell.strip()) for row in rows_of(path)[1:] for cell in row)[True]
    assert len(taken(take(path))) == expected


def test_a_table_with_a_type_column_first_is_read_by_its_names(shared_data: Path):
    path = shared_data / "lists" / "stalkerware" / "network.csv"
    items = take(path)
    assert len(taken(items)) == len(items) == len(rows_of(path)) - 1
    assert items[0].raw.value["description"] == "TheTruthSpy"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["ioc.yaml", "watchware.yaml"])
def test_yaml_is_refused_although_its_lines_look_like_a_list(shared_data: Path, name: str):
    """Its SHA-1s are of certificates, which only the keys above them say."""
    assert "YAML" in the_refusal(take(shared_data / "lists" / "stalkerware" / name)).what


@pytest.mark.parametrize(
    "name", ["2021-12-16_cytrox_config_profiles.txt", "2021-12-16_cytrox_file_paths.txt"]
)
def test_a_list_of_what_no_log_is_searched_for_is_refused_as_a_whole(shared_data: Path, name: str):
    assert "no line is an address" in the_refusal(take(shared_data / "lists" / "amnesty" / name)).what


# --- Vectors ----------------------------------------------------------------------------------------------

READ_AS_STATED = "the vector reads the bundle as 2.0 against what it states; read as it states, it is valid"
NOT_CAUGHT = {
    "c3ebc0839d73d998": READ_AS_STATED,
    "d61fdfc5e0cbdf78": READ_AS_STATED,
    "5e46fee9d51fb5d4": READ_AS_STATED,
    "9e2efdacbe52c755": READ_AS_STATED,
}
SECOND_OF_A_LIST = "the vector tells of the first of two objects; the second has an id of another type"
REFUSED_THOUGH_VALID = {"969ffde27e2b9975": SECOND_OF_A_LIST, "16ebc249027b111e": SECOND_OF_A_LIST}


def test_each_vector_that_breaks_a_must_has_a_finding_and_each_valid_one_is_used(
    shared_data: Path, tmp_path: Path
):
    vectors = json.loads((shared_data / "vectors" / "stix_validate.json").read_text("utf-8"))["vectors"]
    assert len(vectors) == 506
    silent, severe = set(), set()
    for vector in vectors:
        content = vector["content"]
        items = take(written(tmp_path, content if vector["is_text"] else json.dumps(content)))
        if vector["must"] == "invalid" and not findings(items):
            silent.add(vector["id"])
        if vector["must"] == "valid" and any(found.level != "note" for found in findings(items)):
            severe.add(vector["id"])
    assert silent == set(NOT_CAUGHT)
    assert severe == set(REFUSED_THOUGH_VALID)


def test_hostile_json_is_refused_in_words_and_never_raises(shared_data: Path):
    paths = sorted((shared_data / "vectors" / "json-hostile" / "test_parsing").iterdir())
    assert len(paths) == 318
    for path in paths:
        items = take(path)
        assert taken(items) == []
        assert items or plain(path).split() == [b"[]"]  # a list without objects holds nothing to refuse
        for found in refusals(items):
            assert found.what.isprintable()
            assert 20 < len(found.what) < 400
            assert found.where.startswith(str(path))


@pytest.mark.parametrize("kind", ["y", "n"])
def test_hostile_json_beside_good_objects_costs_only_itself(shared_data: Path, tmp_path: Path, kind: str):
    """Each as one line of JSON Lines, where it has no line end of its own."""
    good = '{"type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}'
    for path in sorted((shared_data / "vectors" / "json-hostile" / "test_parsing").glob(f"{kind}_*")):
        hostile = path.read_bytes()
        if b"\n" in hostile or b"\0" in hostile or not hostile.strip(b" \t\r\n\xef\xbb\xbf"):
            continue
        items = take(written(tmp_path, good.encode() + b"\n" + hostile + b"\n" + good.encode() + b"\n"))
        assert len(taken(items)) == 2, path.name
        assert len(items) >= 3 or hostile.split() == [b"[]"], path.name
