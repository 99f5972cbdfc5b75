"""One server of ours for all the clients, with what `offered` says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from benchmarks.backchannel_server import Node, a_node, exchange
from benchmarks.taxii_servers import Served
from tests.channels.clients.offered import ATTACK, HELD, TECHNIQUES, attack_like, phishing, put


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return a_node(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="session")
def served(node: Node) -> Iterator[Served]:
    files = node.home.parent / "files"
    files.mkdir()
    read, write, tokens = exchange(node, "Alice Ltd")
    for batch in HELD.given:
        put(node, files, read, batch)
    urls = node.do("taxii", "collection", "add", "Phishing", "--root", "exchange", "--alias", "phishing")[
        "id"
    ]
    put(node, files, urls, phishing(12))
    node.do("taxii", "root", "add", "attack", "--title", "ATT&CK")
    for domain, name in ATTACK.items():
        node.do(
            "taxii", "collection", "add", f"{domain} ATT&CK", "--root", "attack", "--id", name,
            "--anonymous-read", "--default-tlp", "clear",
        )  # fmt: skip
        techniques = [attack_like("attack-pattern", "T" * n, domain) for n in range(1, TECHNIQUES + 1)]
        others = [attack_like("intrusion-set", "a group", domain)]
        others += [attack_like("malware", "a family", domain) | {"is_family": True}]
        put(node, files, name, techniques + others)
    with node.serve() as (base, pid, start_s):
        yield Served(
            "Backchannel", f"{base}/taxii2/", f"{base}/taxii2/exchange/", read, write, "Alice Ltd", tokens[0], pid,
            start_s,
        )  # fmt: skip


@pytest.fixture(scope="session")
def compatible(served: Served, node: Node) -> Served:
    """The same server, with a token for a client that needs `"objects":[]` in an empty envelope."""
    rights = ("--read", served.read, "--read", served.write, "--write", served.write)
    token = node.do("taxii", "token", "add", "Alice Ltd", *rights, "--compat", "empty-objects")["token"]
    return replace(served, password=token)


@pytest.fixture(scope="session")
def reader(served: Served, node: Node) -> Served:
    """The same server for a reader of MISP and of feeds: `read` is a collection of phishing URLs."""
    rights = ("--read", "phishing", "--write", "phishing")
    token = node.do("taxii", "token", "add", "CERT Beta", *rights)["token"]
    return replace(served, read="phishing", user="CERT Beta", password=token)
