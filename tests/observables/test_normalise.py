"""The laws of the normaliser: one spelling, one key, and an order in which questions are ranges."""

from __future__ import annotations

import contextlib
import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.observables.calls import phone
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import (
    normalise,
    normalise_network,
    parent_keys,
    refang,
)

LABELS = st.from_regex(r"[a-z0-9_](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
TOPS = st.sampled_from(["example", "test", "invalid", "com", "xn--p1ai"])
NAMES = st.builds(
    lambda labels, top: ".".join([*labels, top]), st.lists(LABELS, min_size=1, max_size=4), TOPS
)
ADDRESSES = st.ip_addresses().map(str)
PATHS = st.text(alphabet="abzAZ019-._~/?=&;%+:@!$'()*, {}|\\^`\"<>[]é\u3042", max_size=30).map("/{}".format)
ANY_TEXT = st.text(max_size=60) | st.text(alphabet="aA0.:/@[]()%-_ \\x<>#?&\u00e9\u3002\u2024", max_size=40)


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http://", "https://", "ftp://", "HTTP://", "rtsp://", ""]))
    host = draw(NAMES | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map("[{}]".format))
    port = draw(st.sampled_from(["", ":80", ":443", ":8080", ":21"]))
    return scheme + host + port + draw(PATHS)


@st.composite
def networks(draw: st.DrawFn) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    address = draw(st.ip_addresses())
    # Wide IPv6 blocks hold the mapped IPv4 addresses too, and are no blocks of IPv6 alone.
    bits = draw(st.integers(0, 32) if address.version == 4 else st.integers(97, 128))
    return ipaddress.ip_network((address, bits), strict=False)


VALUES = {
    Kind.ADDRESS: ADDRESSES,
    Kind.DOMAIN: NAMES,
    Kind.URL: urls(),
    Kind.HASH: st.sampled_from([32, 40, 64, 128]).flatmap(
        lambda digits: st.text(alphabet="0123456789abcdefABCDEF", min_size=digits, max_size=digits)
    ),
    Kind.EMAIL: st.builds("{}@{}".format, st.from_regex(r"[A-Za-z0-9.+_-]{1,12}", fullmatch=True), NAMES),
    Kind.PHONE: st.from_regex(r"(\+|00|tel:\+)49 ?\(?(0\))?30[ -]?[1-9][0-9]{5,6}", fullmatch=True).filter(
        lambda text: text.count("(") == text.count(")")
    ),
    Kind.SIP: st.builds(
        '"B" <{}:{}@{}{};transport=udp>;tag=1'.format,
        st.sampled_from(["sip", "SIPS"]),
        st.from_regex(r"[A-Za-z0-9+._%41-]{1,10}", fullmatch=True).map(
            lambda text: text.replace("%", "") or "a"
        ),
        NAMES | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map("[{}]".format),
        st.sampled_from(["", ":5060"]),
    ),
    Kind.ACCOUNT: st.sampled_from(["Ann", "CORP\\Ann", "ann@corp.example", "Émile"]),
    Kind.CERTIFICATE: st.sampled_from(["A" * 40, ":".join(["ab"] * 20), "SHA256: " + "C" * 64]),
    Kind.SERIAL: st.from_regex(r"(0x)?00[1-9A-F][0-9A-Fa-f]{9,20}", fullmatch=True),
    Kind.JA3: st.text("0123456789abcdefABCDEF", min_size=32, max_size=32),
    Kind.HASSH: st.text("0123456789abcdefABCDEF", min_size=32, max_size=32),
    Kind.JA4: st.sampled_from(["t13d1516h2_8daaf6152771_b186095e22b6", "T120200_c030_5e2616a54c73"]),
    Kind.SSH_KEY: st.sampled_from(["SHA256:" + "a" * 43 + "=", ":".join(["0B"] * 16), "MD5:" + "d" * 32]),
    Kind.FILE: st.sampled_from(["Invoice.EXE", '"a b.doc"', "İ.js"]),
    Kind.PATH: st.sampled_from(["C:\\Users\\A\\b.exe", "/tmp//x/", "\\\\host\\share\\f"]),
    Kind.AGENT: st.sampled_from([" Mozilla/4.0 (compatible) ", "curl/8"]),
    Kind.COMMAND: st.sampled_from(["Cmd.exe   /c  Evil", "sh -c 'x'"]),
    Kind.REGISTRY: st.sampled_from(
        ["HKLM\\Software\\Evil\\", "\\REGISTRY\\MACHINE\\Software\\A", "HKEY_USERS\\x"]
    ),
    Kind.MUTEX: st.sampled_from(["Global\\EvilMutex", "a"]),
    Kind.MAC: st.sampled_from(["00:1A:2b:3c:4d:5e", "001a.2b3c.4d5e", "00-1A-2B-3C-4D-5E"]),
}


def defanged(value: str) -> str:
    return value.replace("http", "hxxp").replace(".", "[.]").replace("@", "[at]")


@pytest.mark.parametrize("kind", Kind)
@given(data=st.data())
def test_a_normal_value_normalises_to_itself_with_nothing_to_mend(kind: Kind, data: st.DataObject):
    first = normalise(kind, data.draw(VALUES[kind]))
    again = normalise(kind, first.value)
    assert (again.value, again.key, again.stix_type, again.repairs) == (
        first.value,
        first.key,
        first.stix_type,
        (),
    )


@pytest.mark.parametrize("kind", Kind)
@given(text=ANY_TEXT)
def test_any_text_is_an_observable_or_a_sentence_and_what_it_is_stays(kind: Kind, text: str):
    try:
        first = normalise(kind, text)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = ""
    if sentence:
        assert sentence.isprintable()
        assert sentence.count(" ") >= 2
        return
    again = normalise(kind, first.value)
    assert (again.value, again.key, again.repairs) == (first.value, first.key, ())


@given(NAMES)
def test_case_last_dot_blanks_and_defanging_change_nothing(name: str):
    key = normalise(Kind.DOMAIN, name).key
    for spelling in (name.upper(), f"{name}.", f" {name}\n", defanged(name), name.replace(".", "(dot)")):
        assert normalise(Kind.DOMAIN, spelling).key == key


@given(NAMES, PATHS)
def test_a_url_is_the_same_in_any_case_of_its_host_defanged_and_with_its_own_port(name: str, path: str):
    key = normalise(Kind.URL, f"http://{name}/x").key
    for spelling in (
        f"HTTP://{name.upper()}/x",
        f"http://{name}.:80/x#part",
        f"hxxp://{defanged(name)}/x",
        f"https://{name}:443/x",
        f"{name}/x",
        f"http://user:secret@{name}/a/../%78",
    ):
        assert normalise(Kind.URL, spelling).key == key
    assert normalise(Kind.URL, f"http://{name}{path}").key.startswith(normalise(Kind.DOMAIN, name).key)


def test_defanging_is_undone_in_a_path_only_if_the_host_is_defanged_too():
    assert normalise(Kind.URL, "http://evil.example/a[.]b(at)c").value == "http://evil.example/a[.]b(at)c"
    assert normalise(Kind.URL, "hxxp://evil.example/a[.]b").value == "http://evil.example/a.b"
    assert normalise(Kind.URL, "http://evil[.]example/a[.]b").value == "http://evil.example/a.b"


@given(VALUES[Kind.EMAIL])
def test_a_mailbox_is_the_same_in_any_case_defanged_and_with_a_display_name(address: str):
    key = normalise(Kind.EMAIL, address).key
    for spelling in (address.upper(), defanged(address), f"Some One <{address}>", f"mailto:{address}"):
        assert normalise(Kind.EMAIL, spelling).key == key


@given(networks(), st.data())
def test_a_network_holds_exactly_the_keys_between_its_ends(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, data: st.DataObject
):
    block = normalise_network(str(network))
    assert normalise(Kind.ADDRESS, str(network[0])).key == block.first
    assert normalise(Kind.ADDRESS, str(network[-1])).key == block.last
    other = data.draw(st.ip_addresses(v=network.version) | st.sampled_from([network[0], network[-1]]))
    within = block.first <= normalise(Kind.ADDRESS, str(other)).key <= block.last
    assert within is (other in network)


@given(st.ip_addresses(v=4))
def test_the_keys_of_addresses_are_in_the_order_of_the_addresses(address: ipaddress.IPv4Address):
    key = normalise(Kind.ADDRESS, str(address)).key
    assert len(key) == 16
    assert int.from_bytes(key[12:], "big") == int(address)
    assert normalise(Kind.ADDRESS, f"::ffff:{address}").key == key


@given(NAMES, NAMES)
def test_a_name_lies_below_another_exactly_if_its_key_begins_with_that_ones(one: str, other: str):
    key, above = normalise(Kind.DOMAIN, one).key, normalise(Kind.DOMAIN, other).key
    assert key.startswith(above) is (one == other or one.endswith(f".{other}"))


@given(NAMES)
def test_the_parents_of_a_name_are_all_names_above_it_nearest_first(name: str):
    labels = name.split(".")
    above = [".".join(labels[place:]) for place in range(1, len(labels))]
    assert parent_keys(normalise(Kind.DOMAIN, name).key) == [normalise(Kind.DOMAIN, p).key for p in above]


def test_what_looks_alike_keeps_keys_apart():
    domain = normalise(Kind.DOMAIN, "evil.example").key
    assert not normalise(Kind.DOMAIN, "notevil.example").key.startswith(domain)
    assert not normalise(Kind.DOMAIN, "evil.example.com").key.startswith(domain)
    paths = ["/a", "/A", "/a/", "/a?", "/a%2Fb", "/a/b", "/a%20b", "/a+b"]
    assert len({normalise(Kind.URL, f"http://evil.example{path}").key for path in paths}) == len(paths)


@pytest.mark.parametrize(
    ("kind", "raw", "value", "repairs"),
    [
        (
            Kind.ADDRESS,
            " 203[.]0.113[.]7:443",
            "203.0.113.7",
            ("blanks around it dropped", "refanged", "port 443 dropped"),
        ),
        (Kind.ADDRESS, "203.0.113.7/32", "203.0.113.7", ("/32 dropped: it is one address",)),
        (Kind.ADDRESS, "[2001:DB8:0::1]:443", "2001:db8::1", ("port 443 dropped",)),
        (Kind.ADDRESS, "fe80::1%eth0", "fe80::1", ("zone dropped",)),
        (Kind.DOMAIN, "*.evil.example", "evil.example", ("wildcard *. dropped",)),
        (Kind.DOMAIN, "evil.example:8443", "evil.example", ("port 8443 dropped",)),
        (Kind.DOMAIN, "B\u00dcCHER.example", "xn--bcher-kva.example", ("written in A-labels",)),
        (Kind.DOMAIN, "evil\u3002example", "evil.example", ("written in A-labels",)),
        (Kind.URL, "evil.example", "http://evil.example/", ("scheme missing",)),
        (Kind.URL, "http://0xCB.0x71.7/a", "http://203.113.0.7/a", ("address in an unusual spelling",)),
        (Kind.URL, "http://3405803783", "http://203.0.113.7/", ("address in an unusual spelling",)),
        (
            Kind.URL,
            "http://e%76il.example/",
            "http://evil.example/",
            ("percent-encoding taken off the host",),
        ),
        (Kind.URL, "http://evil.example/%7ea%2fb/./c/../d?x=%zz", "http://evil.example/~a%2Fb/d?x=%25zz", ()),
        (Kind.URL, "http://good.example@evil.example/", "http://evil.example/", ("user name dropped",)),
        (
            Kind.HASH,
            "MD5: 79054025255FB1A26E4BC422AEF54EB4",
            "79054025255fb1a26e4bc422aef54eb4",
            ("MD5: dropped",),
        ),
        (Kind.EMAIL, "Bob <BOB@evil.example>", "bob@evil.example", ("display name or <> dropped",)),
        (Kind.EMAIL, "bob[at]evil(dot)example", "bob@evil.example", ("refanged",)),
    ],
)
def test_what_is_mended_is_told(kind: Kind, raw: str, value: str, repairs: tuple[str, ...]):
    observable = normalise(kind, raw)
    assert (observable.value, observable.repairs) == (value, repairs)


@pytest.mark.parametrize(
    ("kind", "raw", "says"),
    [
        (Kind.ADDRESS, "203.0.113.0/24", "is a network, not one address"),
        (Kind.ADDRESS, "010.0.0.1", "is not an IP address"),
        (Kind.DOMAIN, "203.0.113.7", "ends in a number"),
        (Kind.DOMAIN, "evil.example/path", "it is a URL"),
        (Kind.DOMAIN, "a" * 64 + ".example", "is not a domain name"),
        (Kind.DOMAIN, ".".join(["abcdefgh"] * 29), "longer than a domain name may be"),
        (Kind.DOMAIN, "\ufdd0.example", "cannot be a domain name"),
        (Kind.URL, "mailto:bob@evil.example", "without a host"),
        (Kind.URL, "http://?x", "has no host"),
        (Kind.URL, "http://256.1.1.1/", "is no address"),
        (Kind.URL, "http://evil.example:65536/", "above 65535"),
        (Kind.URL, "http://evil.example/" + "a" * 70_000, "longer than"),
        (Kind.HASH, "abc123", "has 6 digits"),
        (Kind.HASH, "z" * 32, "not a hash"),
        (Kind.EMAIL, "a@evil.example, b@evil.example", "not one e-mail address"),
        (Kind.EMAIL, "<>", "not one e-mail address"),
    ],
)
def test_what_is_nothing_of_that_kind_is_named_in_a_sentence(kind: Kind, raw: str, says: str):
    with pytest.raises(ValueError, match=says):
        normalise(kind, raw)


@pytest.mark.parametrize(
    ("raw", "text", "bits"),
    [
        ("203.0.113.0/24", "203.0.113.0/24", 120),
        ("203.0.113.9/255.255.255.0", "203.0.113.0/24", 120),
        ("203[.]0[.]113[.]0/24", "203.0.113.0/24", 120),
        ("203.0.113.7", "203.0.113.7/32", 128),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24", 120),
        ("0.0.0.0/0", "0.0.0.0/0", 96),
        ("2001:db8::/32", "2001:db8::/32", 32),
        ("::/0", "::/0", 0),
    ],
)
def test_a_network_has_one_spelling(raw: str, text: str, bits: int):
    block = normalise_network(raw)
    assert (block.text, block.prefix_bits) == (text, bits)
    assert normalise_network(text).repairs == ()


@pytest.mark.parametrize(
    "raw", ["", "evil.example/24", "203.0.113.0/33", "2001:db8::/129", "10.0.0.0/255.0.255.0", "10.0.0.0/x"]
)
def test_what_is_no_network_is_refused(raw: str):
    with pytest.raises(ValueError, match=r"network|prefix"):
        normalise_network(raw)


@pytest.mark.parametrize(
    ("defanged_text", "text"),
    [
        ("hxxps[:]//evil(dot)example/a", "https://evil.example/a"),
        ("h**p://evil[.]example", "http://evil.example"),
        ("hXXp[://]evil{.}example", "http://evil.example"),
        ("fxp://evil[.example", "ftp://evil.example"),
        ("203 [.] 0 [.] 113 [.] 7", "203.0.113.7"),
        ("bob [at] evil [dot] example", "bob@evil.example"),
        ("evil\\.example", "evil.example"),
        ("ev\u200bil.exam\u00adple", "evil.example"),
        ("2001[:]db8[:][:]1", "2001:db8::1"),
        ("http://[2001:db8::1]:80/a[0]=(b)", "http://[2001:db8::1]:80/a[0]=(b)"),
        ("plain.example", "plain.example"),
    ],
)
def test_defanging_is_undone_and_nothing_else(defanged_text: str, text: str):
    assert refang(defanged_text) == text


@pytest.mark.parametrize(
    "piece",
    ["a", ".", "[.]", " at ", "<", "%", "%41", "/.", "/..", "@", "\u00e9", ":", "1.", "\\", "hxxp:", " "],
)
def test_the_worst_that_fits_costs_no_time(piece: str):
    text = (piece * 64 * 1024)[: 64 * 1024]
    for raw in (text, f"http://{text}", f"http://evil.example/{text}", f"{text}@evil.example", text[:1000]):
        started = time.process_time()
        for kind in Kind:
            with contextlib.suppress(ValueError):
                normalise(kind, raw)
        with contextlib.suppress(ValueError):
            normalise_network(raw)
        refang(raw)
        assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("kind", "spellings", "value"),
    [
        (Kind.PHONE, ["+49 30 123456", "0049 30 123456", "tel:+49-30-123456", "+49 (0)30 123456"], "+4930123456"),
        (Kind.SIP, ["sip:Bob@evil.example", "<sips:Bob@EVIL.example:5061;lr>;tag=9", "SIP:B%6Fb@evil.example"], "sip:Bob@evil.example"),
        (Kind.SIP, ["sip:1000@[2001:DB8:0::1]:5060"], "sip:1000@[2001:db8::1]"),
        (Kind.CERTIFICATE, ["AB" * 20, ":".join(["ab"] * 20), "sha1: " + "ab" * 20], "ab" * 20),
        (Kind.SERIAL, ["0A:BC:00:11:22", "0x0abc001122", "ABC001122"], "abc001122"),
        (Kind.PATH, ["C:\\Windows\\\\Evil.exe", "c:/windows/EVIL.exe"], "c:/windows/evil.exe"),
        (Kind.REGISTRY, ["HKLM\\Software\\Evil", "\\Registry\\Machine\\SOFTWARE\\evil\\", "hkey_local_machine/software/evil"],
         "hkey_local_machine\\software\\evil"),
        (Kind.MAC, ["00-1A-2b-3c-4d-5e", "001a.2b3c.4d5e", "001A2B3C4D5E"], "00:1a:2b:3c:4d:5e"),
        (Kind.SSH_KEY, ["MD5:" + ":".join(["0b"] * 16), "0B" * 16], "0b" * 16),
    ],
)  # fmt: skip
def test_what_is_one_thing_has_one_spelling(kind: Kind, spellings: list[str], value: str):
    assert {normalise(kind, spelling).value for spelling in spellings} == {value}


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.SIP, "sip:bob@evil.example", "sip:Bob@evil.example"),
        (Kind.AGENT, "mozilla/4.0", "Mozilla/4.0"),
        (Kind.PHONE, "+49 30 123456", "+49 30 123457"),
        (Kind.MUTEX, "Global\\a", "Global\\A"),
    ],
)
def test_capitals_count_where_they_say_something(kind: Kind, one: str, other: str):
    assert normalise(kind, one).key != normalise(kind, other).key


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.PHONE, "030 123456"),
        (Kind.PHONE, "+49"),
        (Kind.PHONE, "203.0.113.7"),
        (Kind.SERIAL, "01"),
        (Kind.FILE, "a/b.exe"),
        (Kind.PATH, "b.exe"),
        (Kind.REGISTRY, "Software\\Evil"),
        (Kind.JA3, "ab"),
        (Kind.SIP, "bob@evil.example"),
        (Kind.SIP, "sip:evil.example"),
    ],
)
def test_what_is_none_of_a_kind_is_refused(kind: Kind, text: str):
    with pytest.raises(ValueError, match=" "):
        normalise(kind, text)


def test_a_number_of_one_country_is_one_only_where_that_is_told():
    assert phone("030 123456", country="DE").value == phone("+49 30 123456").value == "+4930123456"
    assert phone("22 12 34 56", country="NO").value == "+4722123456"
