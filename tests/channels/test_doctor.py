"""`doctor` says which channels fail, and whether others may read a secret."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.channels.conftest import Poll
from tests.channels.misbehaving import Asked, Collection, Reply, filled, serving
from tests.desk.made import CLOCK, GREEN, a_file, indicator

from backchannel.channels.opening import open_channel
from backchannel.desk.node import Node
from backchannel.desk.parties import add_party
from backchannel.desk.pushing import push
from backchannel.desk.receive import receive
from backchannel.doctor import Check, examine


def checks(node: Node) -> dict[str, Check]:
    return {one.name: one for one in examine(node.home, CLOCK).checks}


def test_a_channel_that_fails_is_told_with_the_reason(channel: Callable[..., Poll], node: Node):
    assert checks(node)["channels"].state == "fine"
    with serving(filled(3)) as server:
        channel(server.discovery, name="good")()
    assert checks(node)["channels"].state == "fine"
    with serving(lambda _: Reply(b"{}", 401)) as server:
        poll = channel(server.discovery)
        poll()
        poll()
    found = checks(node)["channels"]
    assert found.state == "look"
    assert "beta fails (2 polls in a row)" in found.found
    assert "(HTTP 401)" in found.found
    assert found.mend == "backchannel channel show beta"


def test_a_last_push_of_which_something_may_not_have_arrived_is_told(
    channel: Callable[..., Poll], node: Node, tmp_path: Path
):
    def answer(asked: Asked) -> Reply:
        return Reply(b"", 507) if asked.method == "POST" else there(asked)

    there = Collection()
    add_party(node, CLOCK, "CERT Beta")
    receive(node, CLOCK, [a_file(tmp_path, indicator(1, object_marking_refs=[GREEN]))], party="CERT Gamma")
    with serving(answer) as server:
        channel(server.discovery)
        push(node, CLOCK, "beta", [str(indicator(1)["id"])], open_channel, pause=lambda _: None)
    found = checks(node)["channels"]
    assert found.state == "look"
    assert "1 object may not have arrived" in found.found
    assert "(HTTP 507)" in found.found
    with serving(there) as server:
        channel(server.discovery, name="other")
        push(node, CLOCK, "other", [str(indicator(1)["id"])], open_channel, pause=lambda _: None)
        assert "of the last push by beta" in checks(node)["channels"].found  # the other one is fine


def test_a_secret_that_others_may_read_is_told(channel: Callable[..., Poll], node: Node, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(0o644)
    channel("https://taxii.example/taxii2/", token_file=str(token))
    assert checks(node)["secrets"].state == "look"
    token.chmod(0o600)
    found = checks(node)["secrets"]
    assert (found.state, found.found) == ("fine", "1 file that only the owner may read")
    shutil.move(token, tmp_path / "gone")
    found = checks(node)["secrets"]
    assert found.state == "broken"
    assert "s3cret" not in found.found
