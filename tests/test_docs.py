"""The documentation says what is there: its links, its tables of fields and its limits are held against the code."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from backchannel import intake
from backchannel.desk import hit_taking
from backchannel.logs import cells, opening
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.matching.hunt import MAX_NOTES
from backchannel.stix import limits

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def links(path: Path) -> list[tuple[Path, str]]:
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            found.append(((path.parent / file).resolve() if file else path, anchor))
    return found


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head.lower())).strip("-") for head in heads}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path):
    for other, anchor in links(page):
        assert other.is_file(), other
        assert not anchor or anchor in anchors(other), f"{other}#{anchor}"


def test_every_page_can_be_reached_and_the_navigation_names_pages():
    named = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2])
    reached = [DOCS / name for name in named]
    assert [page for page in reached if not page.is_file()] == []
    for page in reached:
        reached += [other for other, _ in links(page) if other.suffix == ".md" and other not in reached]
    assert [page for page in PAGES if page not in reached] == []


@pytest.mark.parametrize(("family", "heading"), [("zeek", "### Zeek"), ("suricata", "### Suricata")])
def test_hunting_names_every_field_that_is_read_and_no_other(family: str, heading: str):
    section = (DOCS / "hunting.md").read_text("utf-8").partition(f"{heading}\n")[2].partition("\n### ")[0]
    rows = dict(re.findall(r"^\| ([a-zA-Z0-9 -]+) \| (`.*) \|$", section, re.MULTILINE))
    table = tomllib.loads((ROOT / f"src/backchannel/logs/formats/json/{family}.toml").read_text("utf-8"))
    expected: dict[str, set[str]] = {}
    for field in table["field"]:
        expected.setdefault(READINGS[field["reading"]], set()).update(field["names"])
    for url in table["url"]:
        expected["URLs"] |= {url["target"], url["host"], url["port"]}
    assert {kind: set(re.findall(r"`([^`]+)`", names)) for kind, names in rows.items()} == expected


READINGS = {
    "address": "addresses",
    "host": "addresses or names",
    "domain": "names",
    "url": "URLs",
    "hash": "hashes",
    "email": "e-mail addresses",
    "holder": "certificate names",
    "certificate": "certificates",
    "serial": "serial numbers of certificates",
    "ja3": "JA3 and JA4",
    "ja4": "JA3 and JA4",
    "hassh": "HASSH and SSH keys",
    "ssh_key": "HASSH and SSH keys",
    "file": "names of files",
    "agent": "user agents",
    "mac": "MAC addresses",
    "account": "accounts",
    "caller": "SIP addresses and phone numbers",
}


def limit(page: str, what: str) -> str:
    text = (DOCS / page).read_text("utf-8").partition("## Limits\n")[2]
    return re.search(rf"^\| {re.escape(what)} \| (.*) \|$", text, re.MULTILINE)[1]  # type: ignore[index]


def of_intake(name: str) -> int:
    """A constant of the room `intake`, whichever module holds it."""
    modules = [import_module(f"{intake.__name__}.{one.name}") for one in iter_modules(intake.__path__)]
    (value,) = {getattr(module, name) for module in modules if hasattr(module, name)}
    return int(value)


def test_the_limits_of_reading_are_the_codes():
    assert (
        limit("reading.md", "one object") == f"{limits.MAX_OBJECT_BYTES >> 20} MiB, {limits.MAX_DEPTH} deep"
    )
    assert limit("reading.md", "a line of a list or table") == f"{of_intake('MAX_LINE_BYTES') >> 10} KiB"
    cell = f"{of_intake('MAX_CELL_CHARS') >> 10} KiB a cell"
    assert limit("reading.md", "a table") == f"{of_intake('MAX_COLUMNS')} columns, {cell}"
    unpacked = f"{of_intake('MAX_UNPACKED_BYTES') >> 30} GiB, {of_intake('MAX_RATIO')} times its size"
    assert limit("reading.md", "what one file unpacks to") == unpacked
    assert limit("reading.md", "a zip") == f"{of_intake('MAX_MEMBERS'):,} members"
    assert limit("reading.md", "containers inside each other") == str(of_intake("MAX_NESTING"))


def test_the_limits_of_hunting_are_the_codes():
    assert limit("hunting.md", "a line").startswith(f"{MAX_LINE_BYTES >> 20} MiB;")
    unpacked = f"{opening.MAX_UNPACKED_BYTES >> 30} GiB, {opening.MAX_RATIO} times its size"
    assert unpacked in limit("hunting.md", "a packed log")
    assert limit("hunting.md", "broken lines named").startswith(f"{MAX_NOTES} ")
    values = f"{cells.MAX_VALUES:,}, each up to {cells.MAX_VALUE_CHARS:,} characters"
    assert limit("hunting.md", "values of one cell") == values
    assert limit("hunting.md", "patterns named as not searched in full") == f"{hit_taking.MAX_UNCOMPILED:,}"
    assert f"the first {hit_taking.KEPT_LINES} for each" in (DOCS / "hunting.md").read_text("utf-8")
