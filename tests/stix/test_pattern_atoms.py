"""What a hunt can search of a pattern, and that the rest is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.observables.kinds import Kind
from backchannel.stix.pattern.atoms import MAX_NAMED, SEARCHABLE, Atom, Atoms, atoms
from backchannel.stix.pattern.parse import PatternError

SHA256 = "file:hashes.'SHA-256'"
DIGITS = "a" * 64
VALUES = {
    "address": "203.0.113.7",
    "domain": "evil.example",
    "url": "http://evil.example/x",
    "hash": "",
    "email": "bob@evil.example",
    "phone": "+49 30 123456",
    "account": "ann",
    "certificate": "",
    "serial": "0abc001122",
    "ja3": "a" * 32,
    "ja4": "t13d1516h2_8daaf6152771_b186095e22b6",
    "hassh": "a" * 32,
    "ssh_key": "a" * 32,
    "agent": "curl/8",
    "file": "evil.exe",
    "command": "evil /x",
    "registry": "HKLM/Software/Evil",
    "mutex": "evil",
    "mac": "00:1a:2b:3c:4d:5e",
}
HASHES = {"MD5": "a" * 32, "'SHA-1'": "a" * 40, "'SHA-256'": DIGITS, "'SHA-512'": "a" * 128}


def value_for(path: str) -> str:
    return VALUES[SEARCHABLE[path][0]] or HASHES[path.partition("hashes.")[2]]


def test_the_kinds_of_paths_are_the_kinds_of_observables():
    assert {kind.upper() for kinds in SEARCHABLE.values() for kind in kinds} == set(Kind.__members__)


@pytest.mark.parametrize("path", SEARCHABLE)
def test_an_equality_on_each_searchable_path_is_one_atom(path: str):
    value = value_for(path)
    assert atoms(f"[{path} = '{value}']") == Atoms((Atom(path, "=", value),), ())
    assert atoms(f"([({path} IN ('{value}'))])") == Atoms((Atom(path, "=", value),), ())


@pytest.mark.parametrize("key", ["'SHA-256'", "sha256", "SHA256", "'sha-256'", "sha_256", "'SHA 256'"])
def test_a_hash_is_found_however_its_algorithm_is_spelled(key: str):
    assert atoms(f"[file:hashes.{key} = '{DIGITS}']") == Atoms((Atom(SHA256, "=", DIGITS),), ())


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (
            "[ipv4-addr:value = '203.0.113.7' OR domain-name:value IN ('a.example', 'b.example')]",
            [
                ("ipv4-addr:value", "=", "203.0.113.7"),
                ("domain-name:value", "=", "a.example"),
                ("domain-name:value", "=", "b.example"),
            ],
        ),
        (
            "[domain-name:value = 'a.example'] OR ([url:value LIKE 'http://b.example/%'] OR [domain-name:value = 'a.example'])",
            [("domain-name:value", "=", "a.example"), ("url:value", "LIKE", "http://b.example/%")],
        ),
        ("[domain-name:value LIKE '%.evil.example']", [("domain-name:value", "LIKE", "%.evil.example")]),
        ("[domain-name:value LIKE 'evil.example']", [("domain-name:value", "=", "evil.example")]),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", [("ipv4-addr:value", "ISSUBSET", "203.0.113.0/24")]),
        ("[ipv4-addr:value = '203.0.113.0/24']", [("ipv4-addr:value", "ISSUBSET", "203.0.113.0/24")]),
        ("[ipv6-addr:value IN ('2001:db8::/32')]", [("ipv6-addr:value", "ISSUBSET", "2001:db8::/32")]),
        ("[ipv4-addr:value LIKE '203.0.113.%']", [("ipv4-addr:value", "ISSUBSET", "203.0.113.0/24")]),
        ("[ipv4-addr:value LIKE '10.%']", [("ipv4-addr:value", "ISSUBSET", "10.0.0.0/8")]),
        ("[url:value = 'http://evil.example/it\\'s']", [("url:value", "=", "http://evil.example/it's")]),
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7']",
            [("network-traffic:dst_ref.value", "=", "203.0.113.7")],
        ),
        (
            "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'evil.example']",
            [("network-traffic:dst_ref.value", "=", "evil.example")],
        ),
    ],
)
def test_what_an_or_joins_is_found_once_each_in_order(pattern: str, found: list[tuple[str, str, str]]):
    result = atoms(pattern)
    assert [(atom.path, atom.operator, atom.value) for atom in result.found] == found
    assert result.uncompiled == ()


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("[file:mime_type = 'x/y']", "file:mime_type is not searched yet"),
        (
            "[file:name = 'x' AND file:size = 3]",
            "AND of several comparisons is not searched yet: file:name, file:size",
        ),
        ("[url:value MATCHES '^http']", "MATCHES on url:value is not searched yet"),
        ("[url:value != 'x']", "a negated comparison of url:value is not searched yet"),
        ("[url:value NOT = 'x']", "a negated comparison of url:value is not searched yet"),
        (
            "[url:value LIKE 'http://%/gate.php']",
            "LIKE with a wildcard inside on url:value is not searched yet",
        ),
        ("[url:value LIKE '%/gate%']", "LIKE with a wildcard inside on url:value is not searched yet"),
        (
            "[domain-name:value LIKE 'evil_.%']",
            "LIKE with a wildcard inside on domain-name:value is not searched yet",
        ),
        ("[domain-name:value LIKE '%']", "LIKE '%' on domain-name:value would match everything"),
        ("[ipv4-addr:value LIKE '203.0.1%']", "LIKE on ipv4-addr:value is not searched yet"),
        ("[ipv4-addr:value LIKE '999.0.1.%']", "LIKE on ipv4-addr:value is not searched yet"),
        (f"[{SHA256} LIKE 'aa%']", f"LIKE on {SHA256} is not searched yet"),
        ("[ipv4-addr:value ISSUPERSET '203.0.113.7']", "ISSUPERSET on ipv4-addr:value is not searched yet"),
        (
            "[domain-name:value ISSUBSET '203.0.113.0/24']",
            "ISSUBSET on domain-name:value is not searched yet",
        ),
        (
            "[ipv4-addr:value = 5]",
            "ipv4-addr:value compared with something other than a string can never match",
        ),
        ("[ipv4-addr:value IN ()]", "ipv4-addr:value IN an empty set can never match"),
        ("[EXISTS url:value]", "EXISTS url:value is not searched yet"),
        ("[url:value = 'x'] WITHIN 5 SECONDS", "WITHIN after an observation is not searched yet"),
        (
            "([url:value = 'x'] OR [url:value = 'y']) REPEATS 5 TIMES",
            "REPEATS after an observation is not searched yet",
        ),
        ("[url:value = 'x'] AND [url:value = 'y']", "AND of several observations is not searched yet"),
        (
            "[url:value = 'x'] FOLLOWEDBY [url:value = 'y']",
            "FOLLOWEDBY of several observations is not searched yet",
        ),
        (
            "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '203.0.113.7']",
            "AND of several comparisons is not searched yet: network-traffic:dst_ref.type, network-traffic:dst_ref.value",
        ),
    ],
)
def test_what_is_not_searched_is_named_and_an_or_beside_it_is_found(pattern: str, named: str):
    assert atoms(pattern) == Atoms((), (named,))
    both = atoms(f"({pattern}) OR [domain-name:value = 'evil.example']")
    assert both == Atoms((Atom("domain-name:value", "=", "evil.example"),), (named,))


def test_thousands_of_things_not_searched_are_named_in_a_few_lines():
    result = atoms("[" + " OR ".join(f"x-foo:a{number} = 1" for number in range(3000)) + "]")
    assert len(result.uncompiled) == MAX_NAMED + 1
    assert result.uncompiled[-1] == "and 2980 more"


def test_a_broken_pattern_has_no_atoms():
    with pytest.raises(PatternError):
        atoms("[domain-name:value = 'evil.example'")


@given(st.lists(st.sampled_from(sorted(SEARCHABLE)), min_size=1, max_size=8), st.booleans())
def test_every_comparison_of_an_or_is_an_atom_whether_in_one_observation_or_in_many(
    paths: list[str], apart: bool
):
    comparisons = [f"{path} = '{value_for(path)}'" for path in paths]
    text = " OR ".join(f"[{one}]" for one in comparisons) if apart else f"[{' OR '.join(comparisons)}]"
    result = atoms(text)
    assert [atom.path for atom in result.found] == list(dict.fromkeys(paths))
    assert result.uncompiled == ()
