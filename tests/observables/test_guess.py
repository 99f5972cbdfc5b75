"""What a bare value of a list is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.observables.guess import guess
from backchannel.observables.kinds import Network


@pytest.mark.parametrize(
    ("raw", "path", "value"),
    [
        ("203.0.113.7", "ipv4-addr:value", "203.0.113.7"),
        ("203.0.113.7:443", "ipv4-addr:value", "203.0.113.7"),
        ("203.0.113.7/32", "ipv4-addr:value", "203.0.113.7"),
        ("203.0.113.0/24", "ipv4-addr:value", "203.0.113.0/24"),
        ("2001:DB8::1", "ipv6-addr:value", "2001:db8::1"),
        ("2001:db8::/32", "ipv6-addr:value", "2001:db8::/32"),
        ("evil[.]example", "domain-name:value", "evil.example"),
        ("EVIL.co.uk", "domain-name:value", "evil.co.uk"),
        ("evil.example/x?y", "url:value", "http://evil.example/x?y"),
        ("evil.example:8080", "url:value", "http://evil.example:8080/"),
        ("hxxps://evil[.]example", "url:value", "https://evil.example/"),
        ("203.0.113.7/gate.php", "url:value", "http://203.0.113.7/gate.php"),
        ("A" * 32, "file:hashes.MD5", "a" * 32),
        ("b" * 40, "file:hashes.'SHA-1'", "b" * 40),
        ("sha256:" + "c" * 64, "file:hashes.'SHA-256'", "c" * 64),
        ("d" * 128, "file:hashes.'SHA-512'", "d" * 128),
        ("bob[at]evil.example", "email-addr:value", "bob@evil.example"),
        ("Bob <bob@evil.example>", "email-addr:value", "bob@evil.example"),
    ],
)
def test_a_bare_value_is_what_it_plainly_is(raw: str, path: str, value: str):
    found = guess(raw)
    assert found is not None
    assert found[0] == path
    assert (found[1].text if isinstance(found[1], Network) else found[1].value) == value


NOTHING = """
# a comment|setup.exe|and/or|12/2026|25/11/2026|1.2|1.2.3/x|co.uk|com|C:\\Windows\\evil.exe|10:20:30
aa:bb:cc:dd:ee:ff|2026-11-25T10:00:00Z|hello world|version 1.2.3.4|foo@bar|http://|HKLM\\Software
"""


@pytest.mark.parametrize("raw", [*NOTHING.replace("\n", "|").split("|"), "  ", "e" * 33, "x" * 100_000])
def test_what_cannot_be_told_is_nothing(raw: str):
    assert guess(raw) is None


@given(st.text(max_size=60) | st.text(alphabet="a1.:/@[]-% \\<>", max_size=30))
def test_any_text_is_something_or_nothing_and_never_an_error(raw: str):
    guess(raw)


def test_lists_as_published_are_recognised(shared_data: Path):
    values = [
        line.strip()
        for part in ("domains", "emails", "ips", "samples")
        for file in sorted((shared_data / "lists" / "amnesty").glob(f"*_{part}.txt"))
        for line in file.read_text("utf-8").splitlines()
    ]
    assert len(values) > 400
    # No registry has the suffix `lab`: that it is a name cannot be told from the value.
    assert {value for value in values if guess(value) is None} == {"amazing.lab"}
