from __future__ import annotations

import ipaddress
import re
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from benchmarks.taxii_servers import free_port
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.made import GREEN, NOW, entry, label

from backchannel.actions.exports import rpz
from backchannel.actions.exports.entry import ExportEntry
from backchannel.observables.kinds import Kind
from backchannel.stix.markings import Pap

NXDOMAIN, NOERROR = 3, 0


def zone(*entries: ExportEntry, serial: int = 2026112001) -> list[str]:
    return rpz.write(entries, at=NOW, serial=serial).files[rpz.FILE].decode("ascii").splitlines()


def owners(*entries: ExportEntry) -> list[str]:
    return [line.split()[0] for line in zone(*entries)[3:]]


ENTRIES = (
    entry("evil.example", number=1),
    entry("under.example", number=2, scope="subdomain"),
    entry("203.0.113.7", Kind.ADDRESS, number=3),
    entry("203.0.113.128/25", Kind.ADDRESS, number=4),
    entry("2001:db8::7", Kind.ADDRESS, number=5),
    entry("2001:db8:0:1::/64", Kind.ADDRESS, number=6),
    entry("xn--bcher-kva.example", number=7),
    entry("_dmarc.evil.example", number=8),
)


def check(folder: Path, lines: list[str], name: str = rpz.ORIGIN) -> str:
    path = folder / "zone"
    path.write_text("\n".join(lines) + "\n", "ascii")
    done = subprocess.run(
        ["named-checkzone", "-k", "ignore", name, path], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.tool("named-checkzone")
def test_named_checkzone_takes_the_zone(tmp_path: Path):
    assert check(tmp_path, zone(*ENTRIES)) == f"zone {rpz.ORIGIN}/IN: loaded serial 2026112001\nOK\n"


@pytest.mark.tool("named-checkzone")
@pytest.mark.parametrize("name", ["rpz", "rpz.local", "backchannel.rpz.example"])
def test_the_zone_loads_under_any_name(name: str, tmp_path: Path):
    assert check(tmp_path, zone(*ENTRIES), name) == f"zone {name}/IN: loaded serial 2026112001\nOK\n"


@pytest.mark.tool("named-checkzone")
def test_an_empty_export_is_a_valid_zone(tmp_path: Path):
    assert check(tmp_path, zone()).endswith("OK\n")
    assert len(zone()) == 3


@pytest.mark.tool("named-checkzone")
@pytest.mark.parametrize("length", [180, 218, 224, 225, 226, 240, 253])
def test_a_name_is_taken_exactly_as_long_as_the_zone_can_hold_it(length: int, tmp_path: Path):
    label_count, rest = divmod(length - 8, 50)
    name = ".".join(["a" * 49] * label_count + (["b" * (rest - 1)] if rest > 1 else [])) + ".example"
    for scope in ("exact", "subdomain"):
        made = rpz.write([entry(name, scope=scope)], at=NOW, serial=1)  # type: ignore[arg-type]
        owner = f"*.{name}" if scope == "subdomain" else name
        fits = len(owner) + 1 + len(rpz.ORIGIN) + 2 <= 255
        assert bool(made.manifest) == fits
        assert fits or "too long for a name" in made.skipped[0].why
        assert check(tmp_path, made.files[rpz.FILE].decode().splitlines()).endswith("OK\n")
        forced = [*zone(), f"{owner} IN CNAME ."]
        assert check(tmp_path, forced).endswith("OK\n") == fits  # BIND draws the line where we do


def test_a_name_a_name_below_and_an_address_have_their_own_owners():
    assert sorted(owners(*ENTRIES)) == [
        "*.under.example",
        "128.7.zz.db8.2001.rpz-ip",
        "25.128.113.0.203.rpz-ip",
        "32.7.113.0.203.rpz-ip",
        "64.zz.1.0.db8.2001.rpz-ip",
        "_dmarc.evil.example",
        "evil.example",
        "xn--bcher-kva.example",
    ]


def test_each_line_names_the_indicators_and_the_end():
    line = zone(entry("evil.example", number=1), entry("evil.example", number=2))[3]
    assert line == (
        "evil.example IN CNAME . ; indicator--6a1b2c3d-0000-4000-8000-000000000001 "
        "indicator--6a1b2c3d-0000-4000-8000-000000000002 until 2026-12-18T12:00:00.000Z"
    )


@pytest.mark.parametrize("pap", [None, Pap.RED, Pap.AMBER])
def test_nothing_is_blocked_without_leave(pap: Pap | None):
    made = rpz.write([entry("evil.example", standing=replace(GREEN, pap=pap))], at=NOW, serial=1)
    assert made.manifest == ()
    assert made.skipped[0].gate == "pap"


def test_google_is_never_blocked():
    popular = entry("google.com", labels=(label("popular", why="google.com stands on the list “Top 10K”"),))
    made = rpz.write([popular], at=NOW, serial=1)
    assert made.manifest == ()
    assert made.skipped[0].why == "google.com stands on the list “Top 10K” (popular): held for a person"


@pytest.mark.parametrize(
    ("one", "gate"),
    [
        (entry("evil.example", standing=replace(GREEN, revoked=True)), "revoked"),
        (entry("evil.example", standing=replace(GREEN, valid_until=NOW)), "validity"),
        (entry("evil.example", standing=replace(GREEN, valid_from=NOW + timedelta(days=1))), "validity"),
        (entry("evil.example", own="evil.example belongs to our own domain"), "own"),
        (entry("198.51.0.0/16", Kind.ADDRESS), "width"),
        (entry("2001:db8::/32", Kind.ADDRESS), "width"),
        (entry("github.io"), "public suffix"),
        (entry("example"), "public suffix"),
        (entry("10.1.2.3", Kind.ADDRESS, labels=(label("infrastructure"),)), "infrastructure"),
        (entry("http://evil.example/a", Kind.URL), "format"),
        (entry("0" * 64, Kind.HASH), "format"),
        (entry("a@evil.example", Kind.EMAIL), "format"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.value,
)
def test_every_gate_keeps_a_line_out_and_says_so(one: ExportEntry, gate: str):
    made = rpz.write([one], at=NOW, serial=1)
    assert (made.manifest, [skip.gate for skip in made.skipped]) == ((), [gate])
    assert len(made.skipped[0].why) > 10


def test_a_line_disappears_when_its_indicator_is_revoked_and_the_others_stay():
    before, after = (
        zone(*ENTRIES),
        zone(replace(ENTRIES[0], standing=replace(GREEN, revoked=True)), *ENTRIES[1:]),
    )
    assert [line for line in before if line not in after] == [
        line for line in before if line.startswith("evil.example ")
    ]


def test_order_does_not_matter_and_a_serial_must_be_one():
    assert zone(*ENTRIES) == zone(*reversed(ENTRIES))
    with pytest.raises(ValueError, match="SOA serial"):
        zone(serial=0)
    with pytest.raises(ValueError, match="SOA serial"):
        zone(serial=2**32)


@given(st.ip_addresses())
def test_an_address_can_be_read_back_from_its_owner(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    one = entry(str(address), Kind.ADDRESS)
    bits, *words = rpz.rpz_ip(one).removesuffix(".rpz-ip").split(".")
    if len(words) == 4 and bits == "32":
        back = ipaddress.ip_address(".".join(reversed(words)))
        assert back == (getattr(address, "ipv4_mapped", None) or address)
        return
    text = ":".join(reversed(words))
    at = text.find("zz")
    if at >= 0:
        text = (
            text.replace("zz", "")
            if 0 < at < len(text) - 2
            else text.replace("zz", ":" if len(words) > 1 else "::")
        )
    assert bits == "128"
    assert ipaddress.ip_address(text) == address


@given(st.text(max_size=80))
def test_no_name_breaks_out_of_its_line(name: str):
    try:
        one = entry(name)
    except ValueError:
        return
    lines = zone(one)
    assert len(lines) in {3, 4}
    for line in lines[3:]:
        assert re.fullmatch(r"[a-z0-9_.-]+ IN CNAME \. ; indicator--\S+ until \S+", line)


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """BIND on the loopback with our zone, and a toy zone with every name that the test asks for."""
    folder = tmp_path_factory.mktemp("named")
    port = free_port()
    (folder / rpz.FILE).write_text("\n".join(zone(*ENTRIES)) + "\n", "ascii")
    (folder / "example").write_text(TOY, "ascii")
    (folder / "named.conf").write_text(
        NAMED.format(folder=folder, port=port, origin=rpz.ORIGIN, file=rpz.FILE)
    )
    log = folder / "log"
    with log.open("wb") as out:
        named = subprocess.Popen(
            ["named", "-g", "-n", "1", "-c", folder / "named.conf"], stdout=out, stderr=out, cwd=folder
        )
        try:
            for _ in range(100):
                told = log.read_bytes()  # the policy is loaded beside the zones, and may come last
                if (b"running" in told and b"reload done" in told) or named.poll() is not None:
                    break
                time.sleep(0.1)
            assert named.poll() is None, log.read_text()
            yield port, log
        finally:
            named.terminate()
            named.wait(timeout=20)


TOY = """\
$TTL 60
@ IN SOA localhost. h.localhost. 1 3600 600 86400 60
@ IN NS localhost.
* IN A 192.0.2.1
evil IN A 192.0.2.1
*.evil IN A 192.0.2.1
under IN A 192.0.2.1
*.under IN A 192.0.2.1
leads IN A 203.0.113.7
inside IN A 203.0.113.200
beside IN A 203.0.113.8
six IN AAAA 2001:db8::7
sixnet IN AAAA 2001:db8:0:1::99
sixother IN AAAA 2001:db8:0:2::99
"""

NAMED = """\
options {{
  directory "{folder}"; pid-file none; session-keyfile "{folder}/k"; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion yes; dnssec-validation no; allow-query {{ any; }};
  response-policy {{ zone "{origin}"; }} qname-wait-recurse no recursive-only no;
}};
controls {{ }};
zone "{origin}" {{ type primary; file "{file}"; allow-query {{ none; }}; check-names ignore; }};
zone "example" {{ type primary; file "example"; check-names ignore; }};
"""


def ask(port: int, name: str, kind: int = 1) -> int:
    """The RCODE of BIND's answer."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(("127.0.0.1", port))
        sock.send(question)
        return sock.recv(4096)[3] & 15


@pytest.mark.tool("named")
@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("evil.example", 1, NXDOMAIN),
        ("EVIL.example", 1, NXDOMAIN),
        ("www.evil.example", 1, NOERROR),  # named exactly: what lies below stays
        ("notevil.example", 1, NOERROR),
        ("under.example", 1, NOERROR),
        ("a.under.example", 1, NXDOMAIN),
        ("a.b.under.example", 1, NXDOMAIN),
        ("leads.example", 1, NXDOMAIN),
        ("inside.example", 1, NXDOMAIN),
        ("beside.example", 1, NOERROR),
        ("six.example", 28, NXDOMAIN),
        ("sixnet.example", 28, NXDOMAIN),
        ("sixother.example", 28, NOERROR),
    ],
)
def test_bind_answers_as_the_zone_says(resolver: tuple[int, Path], name: str, kind: int, rcode: int):
    port, log = resolver
    assert ask(port, name, kind) == rcode
    assert "invalid rpz" not in log.read_text()
