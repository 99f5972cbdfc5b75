from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import Network, normalise, normalise_network
from backchannel.warninglists.classes import CLASSES, UNKNOWN_CLASS, class_of
from backchannel.warninglists.lists import WarningList, WarningLists, builtin_lists, parse_warninglist


def a_list(*entries: str, cls: str = "popular", kind: str = "hostname", name: str = "L") -> WarningList:
    return WarningList(name, cls, kind, 1, "", entries)  # type: ignore[arg-type]


def thing(kind: Kind | str, value: str) -> Observable | Network:
    return normalise_network(value) if kind == "net" else normalise(Kind(kind), value)


def whys(lists: WarningLists, kind: Kind | str, value: str) -> list[str]:
    return [label.why for label in lists.labels(thing(kind, value))]


POPULAR = WarningLists.load([a_list("discord.com", ".microsoft.com", "WWW.Google.com")])


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (Kind.DOMAIN, "discord.com", "discord.com stands on the list “L”"),
        (Kind.DOMAIN, "DISCORD.com.", "discord.com stands on the list “L”"),
        (Kind.DOMAIN, "evil.discord.com", None),  # more specific: somebody's own page there
        (Kind.DOMAIN, "notdiscord.com", None),
        (Kind.DOMAIN, "microsoft.com", "microsoft.com stands on the list “L”"),
        (Kind.DOMAIN, "google.com", "google.com covers www.google.com, which stands on the list “L”"),
        (Kind.URL, "https://discord.com", "https://discord.com/ stands on the list “L”"),
        (Kind.URL, "https://discord.com/channels/1", None),
        (Kind.URL, "https://discord.com/?x", None),
        (Kind.EMAIL, "someone@discord.com", None),
    ],
)
def test_a_popular_name_is_labelled_when_equal_or_covered_never_when_more_specific(
    kind: Kind, value: str, why: str | None
):
    assert whys(POPULAR, kind, value) == ([why] if why else [])


def test_context_also_speaks_about_what_lies_below():
    lists = WarningLists.load([a_list("dyn.example", cls="context")])
    assert whys(lists, Kind.DOMAIN, "x.dyn.example") == [
        "x.dyn.example belongs to dyn.example, which stands on the list “L”"
    ]
    assert len(whys(lists, Kind.EMAIL, "a@dyn.example")) == 1
    assert len(whys(lists, Kind.EMAIL, "a@x.dyn.example")) == 1
    assert whys(lists, Kind.DOMAIN, "notdyn.example") == []


def test_a_substring_list_is_compared_at_the_dots():
    lists = WarningLists.load([a_list("mail.example", cls="context", kind="substring")])
    assert len(whys(lists, Kind.EMAIL, "a@mail.example")) == 1
    assert whys(lists, Kind.EMAIL, "a@notmail.example") == []


RANGES = WarningLists.load([a_list("203.0.113.0/24", "198.51.100.7", "2001:db8::/32", kind="cidr")])


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (Kind.ADDRESS, "203.0.113.9", "203.0.113.9 lies inside 203.0.113.0/24, which stands on the list “L”"),
        (Kind.ADDRESS, "203.0.114.9", None),
        (Kind.ADDRESS, "198.51.100.7", "198.51.100.7 stands on the list “L”"),
        (Kind.ADDRESS, "::ffff:198.51.100.7", "198.51.100.7 stands on the list “L”"),
        (Kind.ADDRESS, "2001:db8::1", "2001:db8::1 lies inside 2001:db8::/32, which stands on the list “L”"),
        ("net", "203.0.113.0/24", "203.0.113.0/24 stands on the list “L”"),
        ("net", "203.0.112.0/22", "203.0.112.0/22 covers 203.0.113.0/24, which stands on the list “L”"),
        (
            "net",
            "203.0.113.64/26",
            "203.0.113.64/26 lies inside 203.0.113.0/24, which stands on the list “L”",
        ),
        ("net", "198.51.100.0/24", "198.51.100.0/24 covers 198.51.100.7, which stands on the list “L”"),
        ("net", "203.0.114.0/24", None),
        (Kind.URL, "http://198.51.100.7:8080/", "http://198.51.100.7:8080/ stands on the list “L”"),
        (Kind.URL, "http://198.51.100.7/x", None),
    ],
)
def test_ranges_are_compared_in_both_directions(kind: Kind | str, value: str, why: str | None):
    assert whys(RANGES, kind, value) == ([why] if why else [])


def test_one_list_speaks_once_and_lists_speak_in_their_order():
    lists = WarningLists.load(
        [
            a_list("10.0.0.0/8", "10.1.0.0/16", kind="cidr", name="B"),
            a_list("10.1.2.3", kind="cidr", name="A", cls="context"),
        ]
    )
    labels = lists.labels(normalise(Kind.ADDRESS, "10.1.2.3"))
    assert [(label.list, label.cls) for label in labels] == [("B", "popular"), ("A", "context")]
    assert "10.1.0.0/16" in labels[0].why  # the nearest


def test_hashes_and_urls_are_labelled_when_equal():
    digest = "d41d8cd98f00b204e9800998ecf8427e"
    lists = WarningLists.load(
        [a_list(digest.upper(), "https://evil.example/a", "not a value at all", kind="string")]
    )
    assert len(whys(lists, Kind.HASH, digest)) == 1
    assert len(whys(lists, Kind.URL, "http://EVIL.example/a")) == 1
    assert whys(lists, Kind.URL, "http://evil.example/b") == []
    assert lists.unread == {"L": 1}


def test_the_later_list_of_one_name_counts():
    lists = WarningLists.load([a_list("a.example"), a_list("b.example")])
    assert whys(lists, Kind.DOMAIN, "a.example") == []
    assert len(whys(lists, Kind.DOMAIN, "b.example")) == 1


def test_the_built_in_lists_are_all_read_and_classed():
    assert {item.name: item.cls for item in builtin_lists()} == {
        "Backchannel: empty files": "infrastructure",
        "Backchannel: multicast ranges": "infrastructure",
        "Backchannel: popular names": "popular",
        "Backchannel: public resolvers": "infrastructure",
        "Backchannel: special-purpose address ranges": "infrastructure",
    }
    assert WarningLists.load(builtin_lists()).unread == {}


BUILTIN = WarningLists.load(builtin_lists())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.ADDRESS, "8.8.8.8"),
        (Kind.ADDRESS, "10.1.2.3"),
        (Kind.ADDRESS, "224.0.0.251"),
        (Kind.ADDRESS, "fe80::1"),
        (Kind.ADDRESS, "ff02::fb"),
        (Kind.ADDRESS, "127.0.0.1"),
        (Kind.ADDRESS, "::1"),
        (Kind.DOMAIN, "google.com"),
        (Kind.HASH, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("net", "0.0.0.0/0"),
        ("net", "8.8.0.0/16"),
    ],
)
def test_what_must_never_be_blocked_is_on_a_built_in_list(kind: Kind | str, value: str):
    assert BUILTIN.labels(thing(kind, value))


@pytest.mark.parametrize(
    "value", ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "9.9.9.10", "172.32.0.1"]
)
def test_documentation_ranges_and_neighbours_are_free(value: str):
    assert BUILTIN.labels(normalise(Kind.ADDRESS, value)) == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "at byte"),
        (b"[]", "not a MISP warning list"),
        (b'{"name":"x","type":"cidr"}', "not a MISP warning list"),
        (b'{"type":"cidr","list":[]}', 'field "name" is missing'),
        (b'{"name":"x","type":"regex","list":["/a/"]}', "expressions from outside are not run"),
        (b'{"name":"x","type":"glob","list":[]}', 'field "type"'),
        (b'{"name":"x","type":"string","list":["a", 7]}', 'field "list", entry 1'),
        (b'{"name":"x","list":["' + b"a" * 3000 + b'"]}', 'field "list", entry 0'),
    ],
)
def test_what_is_no_list_is_refused_with_the_field_and_the_mend(data: bytes, said: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is what is tested
        parse_warninglist(data)
    assert said in str(caught.value) or said == "at byte"


def test_a_list_too_large_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.warninglists.lists.MAX_ENTRIES", 2)
    with pytest.raises(ValueError, match="more than 2 entries"):
        parse_warninglist(json.dumps({"name": "x", "list": ["a", "b", "c"]}).encode())


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("List of known Cloudflare IP ranges", "infrastructure"),
        ("List of RFC 1918 CIDR blocks", "infrastructure"),
        ("List of known IPv4 public DNS resolvers", "infrastructure"),
        (
            "Specialized list of vpn-ipv4 addresses belonging to common VPN providers and datacenters",
            "context",
        ),
        ("List of known Amazon AWS IP address ranges", "context"),
        ("Shodan IP Ranges Used for Scanning", "context"),
        ("Top 10K most-used sites from Tranco", "popular"),
        ("List of known microsoft domains", "popular"),
        ("A list nobody has heard of", UNKNOWN_CLASS),
    ],
)
def test_classes(name: str, cls: str):
    assert class_of(name) == cls
    assert cls in CLASSES


@given(st.integers(0, 2**32 - 1), st.integers(8, 32), st.integers(0, 2**32 - 1), st.integers(8, 32))
def test_two_networks_are_labelled_exactly_when_they_overlap(a: int, a_bits: int, b: int, b_bits: int):
    def text(value: int, bits: int) -> str:
        value = value >> (32 - bits) << (32 - bits)
        return ".".join(str(octet) for octet in value.to_bytes(4, "big")) + f"/{bits}"

    lists = WarningLists.load([a_list(text(a, a_bits), kind="cidr")])
    shorter = 32 - min(a_bits, b_bits)
    overlap = a >> shorter == b >> shorter
    assert bool(lists.labels(normalise_network(text(b, b_bits)))) == overlap


def read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


REGEX_LISTS = {"common-contact-emails.json", "phone_numbers.json"}


@pytest.fixture(scope="module")
def public(shared_data: Path) -> WarningLists:
    files = sorted((shared_data / "warninglists").iterdir())
    return WarningLists.load(
        [parse_warninglist(read(path)) for path in files if path.name not in REGEX_LISTS]
    )


@pytest.mark.parametrize("name", sorted(REGEX_LISTS))
def test_a_public_list_of_expressions_is_refused_with_the_reason(shared_data: Path, name: str):
    with pytest.raises(ValueError, match="type regex"):
        parse_warninglist(read(shared_data / "warninglists" / name))


def test_public_lists_hold_the_known_services_and_let_their_customers_go(public: WarningLists):
    for name in ("discord.com", "yandex.com", "dropboxapi.com", "google.com"):
        classes = {label.cls for label in public.labels(normalise(Kind.DOMAIN, name))}
        assert "popular" in classes, name
    for name in ("evil.blogspot.com", "d111abcdef8.cloudfront.net", "bucket.s3.amazonaws.com"):
        classes = {label.cls for label in public.labels(normalise(Kind.DOMAIN, name))}
        assert not classes & {"popular", "infrastructure"}, name
    assert sum(public.unread.values()) < 10


def test_malicious_names_of_public_reports_are_hardly_ever_held(public: WarningLists, shared_data: Path):
    """A list that silenced true intelligence would be worse than none: at most one in a hundred is held."""
    names: set[str] = set()
    for path in sorted((shared_data / "lists" / "amnesty").glob("*domains*")):
        names.update(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    held = []
    read_names = 0
    for name in names:
        try:
            observable = normalise(Kind.DOMAIN, name)
        except ValueError:
            continue
        read_names += 1
        labels = public.labels(observable)
        held += [name] if {label.cls for label in labels} & {"popular", "infrastructure"} else []
    assert read_names > 100
    assert len(held) <= read_names / 100, held


def test_a_label_costs_microseconds(public: WarningLists):
    observables = [normalise(Kind.DOMAIN, f"n{number}.evil.example") for number in range(2000)]
    observables += [normalise(Kind.ADDRESS, f"203.0.{number % 256}.7") for number in range(2000)]
    public.labels(observables[0])
    began = time.process_time()
    for observable in observables:
        public.labels(observable)
    assert (time.process_time() - began) / len(observables) < 200e-6
