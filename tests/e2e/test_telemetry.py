"""The main promise on other people's logs: a hunt finds the lines that a plain text search finds, and no others.

The search here shares no code with the program. It unpacks each file, takes the cells of each line, leaves
out the columns named in `FREE_TEXT` and `NO_OBSERVABLE`, and looks for each value in what is left. A value
that is only a part of a longer one (`a.example` in `x@a.example`, `10.1.2.3` in `10.1.2.30`) is no match.

Values are chosen twice: by hand, so that every kind and scope is there, and drawn from the text of the
logs by a rule that looks at nothing else.
"""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
import re
import string
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from uuid import UUID, uuid5

import pytest

FREE_TEXT = {
    "message": "what syslog carried, and what Zeek reports about itself",
    "msg": "a notice's sentence",
    "sub": "a notice's second sentence",
    "last_reply": "an SMTP server's words",
    "unparsed_version": "the same, in software.log",
    "first_received": "a mail's Received header",
    "second_received": "a mail's Received header",
    "diagnostic_message": "an LDAP server's words",
    "sip.request_line": "the first line of a SIP request; SIP's addresses are not read yet",
    "sip.uri": "a SIP address",
    "password": "what an anonymous FTP client gives instead of one",
    "client": "a Kerberos principal, an SSH banner",
}
NO_OBSERVABLE = {
    "certificate.serial": "a number that has as many digits as an MD5 has",
    "serial": "the same, in known_certs.log",
    "serialNumber": "the same, in ocsp.log",
    "msg_id": "the name of a mail",
    "cipher_alg": "the name of an algorithm",
    "mac_alg": "the name of an algorithm",
    "kex_alg": "the name of an algorithm",
}
LEFT_OUT = FREE_TEXT | NO_OBSERVABLE

KINDS = ("ipv4", "ipv6", "network", "domain", "url", "hash", "mail")


@dataclass(frozen=True, slots=True)
class Value:
    """Something to look for."""

    kind: str
    text: str

    @property
    def pattern(self) -> str:
        match self.kind:
            case "ipv4" | "ipv6":
                return f"[{self.kind}-addr:value = '{self.text}']"
            case "network":
                return f"[ipv{ipaddress.ip_network(self.text).version}-addr:value ISSUBSET '{self.text}']"
            case "domain":
                return f"[domain-name:value = '{self.text}']"
            case "url":
                return f"[url:value = '{self.text}']"
            case "mail":
                return f"[email-addr:value = '{self.text}']"
        name = {32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'"}[len(self.text)]
        return f"[file:hashes.{name} = '{self.text}']"

    @property
    def id(self) -> str:
        return f"indicator--{uuid5(UUID(int=2), self.text)}"


CHOSEN = [
    Value("ipv4", "205.167.25.101"),  # an FTP server: in id.resp_h and in data_channel.resp_h
    Value("ipv4", "81.174.128.183"),  # in ntp.log as ref_id
    Value("ipv4", "34.245.178.108"),  # in Suricata's http.hostname
    Value("ipv6", "2620:df:8000:1601:0:1:3:16"),
    Value("network", "198.189.255.192/26"),
    Value("network", "172.217.0.0/16"),
    Value("network", "2a03:2880:f000::/36"),
    Value("domain", "wikipedia.org"),  # names below it only
    Value("domain", "ise.wrccdc.org"),  # 50,000 lines, in TSV and in JSON
    Value("domain", "docs.live.net"),
    Value("domain", "www.osnews.com"),  # asked of a SOCKS proxy
    Value(
        "url", "http://www.wikipedia.org/"
    ),  # in three columns of http.log, and whole in another line's referrer
    Value("url", "http://www.mozilla.org/style/screen.css"),
    Value("url", "https://www.mozilla.org/style/screen.css"),  # http.log says no scheme: none is compared
    Value("url", "http://kaazing.org"),  # in origin
    Value("hash", "a3819badccae799ec8533a917dbd5a8bd7f14bfb"),  # a SHA-1 in files.log; a certificate's, too
    Value("hash", "4e7c7ef0984119447e743e3ec77e1de52713e345cde03fe7df753a35849bed18"),
    Value("hash", "c12f54a3f91dc7bafd92cb59fe009a35"),  # a JA3
    Value("hash", "2d376b1143f89608fe604220989f75af"),  # an SSH host key, written with colons
    Value("hash", "2f24fa5efe1c62447b32aa41af38c4176d03a62ca9c3c8d491946ed283b86cca"),  # in cert_chain_fps
    Value("mail", "sender@example.com"),
    Value("mail", "linux-kernel@vger.kernel.org"),  # in a header with names and other addresses
    Value("mail", "jan.grashoefer@cern.ch"),  # in intel.log
]
NEAR_MISSES = [
    Value("ipv4", "205.167.25.10"),
    Value("ipv4", "105.167.25.101"),
    Value("ipv6", "2620:df:8000:1601:0:1:3:161"),
    Value("network", "205.167.24.0/24"),
    Value("network", "2a03:2880:1000::/36"),
    Value("domain", "se.wrccdc.org"),
    Value("domain", "ise.wrccdc.or"),
    Value("domain", "osnews.com.example.org"),
    Value("domain", "wrccdc.org.uk"),
    Value("url", "http://www.wikipedia.org/w"),
    Value("url", "http://www.mozilla.org/style/SCREEN.css"),
    Value("url", "http://mozilla.org/style/screen.css"),
    Value("url", "http://www.mozilla.org:8080/style/screen.css"),
    Value("hash", "a3819badccae799ec8533a917dbd5a8bd7f14bfc"),
    Value("hash", "a3819badccae799ec8533a917dbd5a8b"),  # its first 32 digits
    Value("mail", "ender@example.com"),
    Value("mail", "sender@example.co"),
    Value("mail", "xsender@example.com"),
]

# --- Reading, as a person would with zcat and grep ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without the columns left out."""

    number: int
    text: str
    """Its cells, with tabs between them."""
    url: str = ""
    """`host`, `port` and `uri` of http.log put together; "" in other logs."""
    left_out: tuple[tuple[str, str], ...] = ()
    """The columns left out, with what they hold."""


LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Log:
    """One file that says what its columns are."""

    def __init__(self, path: Path, lines: list[Line]) -> None:
        self.path = str(path)
        self.lines = lines
        self._text = "\n".join(line.text for line in lines).translate(LOWER)
        self._begins = list(accumulate((len(line.text) + 1 for line in lines[:-1]), initial=0))

    def __repr__(self) -> str:
        return self.path

    def with_text(self, text: str) -> Iterator[Line]:
        """Yield the lines that have `text` anywhere, in capitals or not."""
        at = self._text.find(text)
        while at >= 0:
            index = bisect_right(self._begins, at) - 1
            yield self.lines[index]
            end = self._begins[index] + len(self.lines[index].text)
            at = self._text.find(text, end)


def read_log(path: Path) -> Log | None:
    """Read a log that says what its columns are; None: it says nothing of the kind."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    lines = text.split("\n")
    said = next((line for line in lines if not line.startswith("#") and line), "")
    if any(line.startswith("#fields\t") for line in lines) or said.startswith("ts\t"):
        return Log(path, list(_table(lines)))
    if said.startswith("{") and ("event_type" in said or '"ts"' in said):
        return Log(
            path, [_line(n, list(_flat(json.loads(line), ""))) for n, line in enumerate(lines, 1) if line]
        )
    return None


def _table(lines: list[str]) -> Iterator[Line]:
    names: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(("#fields\t", "ts\t")):
            names = line.removeprefix("#fields\t").split("\t")
        elif line and not line.startswith("#"):
            yield _line(number, list(zip(names, line.split("\t"), strict=False)))


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, name)
    else:
        yield name, str(value)


def _line(number: int, cells: list[tuple[str, str]]) -> Line:
    text = "\t".join(text for name, text in cells if name not in LEFT_OUT)
    left_out = tuple((name, text) for name, text in cells if name in LEFT_OUT)
    by_name = dict(cells)
    host, target = by_name.get("host", ""), by_name.get("uri", "")
    if not host or not target:
        return Line(number, text, left_out=left_out)
    port = by_name.get("id.resp_p", by_name.get("id_resp_p", "80"))
    url = f"http://{host}{'' if port in {'80', '443'} else ':' + port}{target}"
    return Line(number, text, url, left_out)


# --- Searching ----------------------------------------------------------------------------------------


def finder(value: Value) -> re.Pattern[str]:
    """Return what to search for in the text of a line."""
    text = re.escape(value.text)
    match value.kind:
        case "ipv4":
            return re.compile(rf"(?<![\w.:-]){text}(?![\w-]|\.\w)")
        case "ipv6":
            return re.compile(rf"(?<![\w:.]){text}(?![\w:.])", re.IGNORECASE)
        case "domain":
            name = rf"(?:[\w-]+\.)*{text}\.?(?![\w@-]|\.\w)"
            alone = rf"(?<![\w@./-])(?:\*\.)?{name}(?!/)"
            in_url = rf"(?<![^\s\",])[a-z]+://(?:[^\s/@]*@)?{name}"
            return re.compile(rf"{alone}|{in_url}|(?<=@){name}", re.IGNORECASE)
        case "url":
            return re.compile(
                rf"(?<![^\s\",])https?://{re.escape(value.text.partition('://')[2])}/?(?![^\s\",])"
            )
        case "mail":
            return re.compile(rf"(?<![\w.+=-]){text}(?![\w-]|\.\w)", re.IGNORECASE)
        case "hash":
            return re.compile(rf"(?<![\w:]){':?'.join(re.findall('..', text))}(?![\w:])", re.IGNORECASE)
    return IPV4 if ipaddress.ip_network(value.text).version == 4 else IPV6


IPV4 = re.compile(r"(?<![\w.:-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.\w)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{1,4}::?){1,7}(?:[0-9a-f]{1,4})?(?![\w:.])", re.IGNORECASE)


def is_in(value: Value, find: re.Pattern[str], text: str, url: str = "") -> bool:
    """Whether a line's text has the value."""
    if value.kind == "url" and url and find.fullmatch(url):
        return True
    if value.kind != "network":
        return find.search(text) is not None
    network = ipaddress.ip_network(value.text)
    return any(_address_in(found, network) for found in find.findall(text))


def _address_in(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False


def hints_of(value: Value) -> list[str]:
    """Return texts of which every line with the value has one, in lower case: only such lines are looked at."""
    text = value.text.lower()
    if value.kind == "network":
        network = ipaddress.ip_network(text)
        dot, bits = (".", 8) if network.version == 4 else (":", 16)
        parts = str(network.network_address).split(dot)[: network.prefixlen // bits]
        return [dot.join(parts) + dot]
    if value.kind == "hash":
        return [text, ":".join(re.findall("..", text))]
    if value.kind == "url":
        rest = text.partition("://")[2]
        return [rest, "/" + rest.partition("/")[2]]  # whole, or its path in a column of its own
    return [text]


DRAWN = {
    "ipv4": (8, IPV4),
    "ipv6": (
        5,
        re.compile(
            r"(?<![\w:.])2[0-9a-f]{3}:(?:[0-9a-f]{1,4}::?){1,6}[0-9a-f]{1,4}(?![\w:.])", re.IGNORECASE
        ),
    ),
    "domain": (
        12,
        re.compile(r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|de)(?![\w.@/-])", re.IGNORECASE),
    ),
    "url": (4, re.compile(r"(?<![^\s\",])http://[a-z0-9.-]+/[^\s\",]+(?![^\s\",])")),
    "hash": (
        8,
        re.compile(r"(?<![\w:-])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![\w:.-])", re.IGNORECASE),
    ),
    "mail": (6, re.compile(r"(?<![\w.+=-])[a-z][\w.+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+(?!\w)", re.IGNORECASE)),
}
"""For each kind, how many values are drawn and how one looks in text."""


def drawn(logs: list[Log]) -> Iterator[Value]:
    """Draw values from the text: those whose SHA-256 is lowest."""
    cells = {cell for log in logs for line in log.lines for cell in line.text.split("\t")}
    for kind, (count, looks) in DRAWN.items():
        found = {text if kind == "url" else text.lower() for cell in cells for text in looks.findall(cell)}
        if kind == "ipv4":
            found = {text for text in found if _is_public(text)}
        yield from (Value(kind, text) for text in sorted(found, key=_digest)[:count])


def _is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Searched:
    """What the plain reading found."""

    logs: list[Log]
    unread: set[str]
    """Files that say nothing of their columns."""
    expected: dict[Value, set[Place]]


@pytest.fixture(scope="module")
def folders(shared_data: Path) -> list[Path]:
    telemetry = shared_data / "telemetry"
    return [*sorted(telemetry.glob("zeek-*")), telemetry / "logs-crowdsec" / "suricata-eve-detect"]


@pytest.fixture(scope="module")
def searched(folders: list[Path]) -> Searched:
    read = {
        str(path): read_log(path)
        for folder in folders
        for path in sorted(path for path in folder.rglob("*") if path.is_file())
    }
    logs = [log for log in read.values() if log is not None]
    values = dict.fromkeys([*CHOSEN, *drawn(logs), *NEAR_MISSES])
    return Searched(
        logs,
        {path for path, log in read.items() if log is None},
        {value: set(_search(value, logs)) for value in values},
    )


def _search(value: Value, logs: list[Log]) -> Iterator[Place]:
    find, hints = finder(value), hints_of(value)
    for log in logs:
        for hint in hints:
            for line in log.with_text(hint):
                if is_in(value, find, line.text, line.url):
                    yield log.path, line.number


# --- The program --------------------------------------------------------------------------------------


def backchannel(*args: str, home: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "backchannel", "--home", str(home), *args], capture_output=True, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def home(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node that was told of every value."""
    folder = tmp_path_factory.mktemp("telemetry")
    objects = [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": value.id,
            "created": "2000-01-01T00:00:00.000Z",
            "modified": "2000-01-01T00:00:00.000Z",
            "pattern": value.pattern,
            "pattern_type": "stix",
            "valid_from": "2000-01-01T00:00:00Z",
        }
        for value in searched.expected
    ]
    bundle = {"type": "bundle", "id": f"bundle--{UUID(int=3, version=4)}", "objects": objects}
    (folder / "values.json").write_text(json.dumps(bundle), "utf-8")
    home = folder / "home"
    assert backchannel("init", "--name", "A", home=home)[0] == 0
    with (home / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('[[personal]]\nlogs = "/**"\nkinds = "email"\npurpose = "phishing"\n')
    code, out, story = backchannel("import", str(folder / "values.json"), "--from", "B", "--json", home=home)
    said = json.loads(out)
    assert (code, said["stored"], said["findings"]) == (0, len(objects), []), story
    return home


@pytest.fixture(scope="module")
def hunted(home: Path, folders: list[Path]) -> list[dict]:
    code, out, story = backchannel("hunt", *map(str, folders), "--jsonl", home=home)
    assert code == 1, story
    return [json.loads(line) for line in out.splitlines()]


# --- The tests ------------------------------------------------------------------------------------------


def test_the_hunt_finds_exactly_the_lines_that_the_search_finds(searched: Searched, hunted: list[dict]):
    found: dict[str, set[Place]] = defaultdict(set)
    for hit in hunted[:-1]:
        place = (hit["log"]["path"], hit["log"]["line"])
        assert place not in found[hit["indicator"]], "one hit for one indicator and line"
        found[hit["indicator"]].add(place)
    wrong = []
    for value in searched.expected:
        expected, got = searched.expected[value], found.pop(value.id, set())
        wrong += [f"missed: {value.text}: {place}" for place in sorted(expected - got)[:3]]
        wrong += [f"too much: {value.text}: {place}" for place in sorted(got - expected)[:3]]
    assert not wrong, "\n".join(wrong)
    assert dict(found) == {}


def test_every_file_is_read_or_named(searched: Searched, hunted: list[dict]):
    end = hunted[-1]
    assert {one["path"] for one in end["skipped"]} == searched.unread
    assert all(one["why"] for one in end["skipped"])
    assert end["files"] == len(searched.logs)
    assert end["records"] == sum(len(log.lines) for log in searched.logs)
    assert end["uncompiled"] == []


def test_the_values_are_in_the_logs_and_the_near_misses_are_not(searched: Searched):
    near = set(NEAR_MISSES)
    assert [value.text for value in searched.expected if value in near and searched.expected[value]] == []
    assert [
        value.text for value in searched.expected if value not in near and not searched.expected[value]
    ] == []
    assert {value.kind for value in searched.expected if value not in near} == set(KINDS)
    assert len(searched.expected) - len(near) >= 60


def test_no_column_is_left_out_without_need(searched: Searched):
    """A column that holds no value and looks like none has no place in the lists above."""
    looks = [looks for _, looks in DRAWN.values()]
    needed = {
        name
        for log in searched.logs
        for line in log.lines
        for name, text in line.left_out
        if any(look.search(text) for look in looks)
    }
    assert needed == set(LEFT_OUT)
