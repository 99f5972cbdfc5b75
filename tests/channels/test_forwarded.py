"""Who is believed about whose request it is, and that nobody can say to be another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.channels.forwarded import client_address, trusted_networks
from backchannel.errors import UsageError

OURS = trusted_networks(["127.0.0.1", "10.0.0.0/24", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # nobody's word
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),  # the first one the client wrote itself
        ("127.0.0.1", ["192.0.2.1", "203.0.113.9"], "203.0.113.9"),  # HAProxy adds a line of its own
        ("127.0.0.1", ["203.0.113.9, 10.0.0.5"], "203.0.113.9"),
        ("127.0.0.1", ["10.0.0.6, 203.0.113.9, 10.0.0.5"], "203.0.113.9"),
        ("127.0.0.1", ["10.0.0.6, 10.0.0.5"], "10.0.0.6"),  # one of ours that asks for itself
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9, unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9, unknown, 10.0.0.5"], "10.0.0.5"),
        ("127.0.0.1", ["203.0.113.9:50123"], "203.0.113.9"),
        ("127.0.0.1", ["[2001:db8:2::1]:443"], "2001:db8:2::1"),
        ("127.0.0.1", ["2001:db8:2::1"], "2001:db8:2::1"),
        ("127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1::5", ["203.0.113.9"], "203.0.113.9"),
        ("", ["203.0.113.9"], ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy_of_ours(peer: str, lines: list[str], client: str):
    assert client_address(peer, lines, OURS) == client


@given(st.text(max_size=200), st.lists(st.text(max_size=50), max_size=5))
def test_whatever_a_client_writes_before_what_our_proxy_wrote_counts_for_nothing(
    forged: str, lines: list[str]
):
    assert client_address("127.0.0.1", [*lines, f"{forged}, 203.0.113.9"], OURS) == "203.0.113.9"
    assert client_address("127.0.0.1", [*lines, forged, "203.0.113.9"], OURS) == "203.0.113.9"


@given(st.ip_addresses().map(str), st.lists(st.text(max_size=50), max_size=5))
def test_without_trusted_proxies_nothing_is_believed(peer: str, lines: list[str]):
    assert client_address(peer, lines, ()) == peer


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.5/24", "0.0.0.0/0", "::/0", "", "10.0.0.0/33"])
def test_what_is_no_network_of_proxies_is_refused(text: str):
    with pytest.raises(UsageError):
        trusted_networks([text])
