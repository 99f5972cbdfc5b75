"""The drop box over a real socket: it takes from anybody, within bounds, and says nothing of what it took."""

from __future__ import annotations

import http.client
import logging
import shutil
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.web.conftest import Served, Stage
from tests.web.visitor import MovingClock, Visitor

from backchannel.desk import box as desk_box
from backchannel.desk.box import FOLDER, Box
from backchannel.drop import limits
from backchannel.web import dropbox
from backchannel.web.app import create_app
from backchannel.web.auth import Logins

BOUNDARY = "ab" * 10
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Origin": "null"}


@pytest.fixture
def box(stage: tuple[Stage, str], home: Path, clock: MovingClock) -> Served:
    at, url = stage
    served = Served(url, Logins(clock))
    at.app = create_app(home, clock, base_url=url, logins=served.logins, box=Box(home))
    return served


@pytest.fixture
def folder(home: Path) -> Path:
    return home / FOLDER


def left(folder: Path) -> list[bytes]:
    assert not list(folder.glob("*.part"))
    return sorted(path.read_bytes() for path in folder.glob("*.left"))


def form(**fields: bytes) -> bytes:
    """A form as browsers send it: the file first, whether one was chosen or not."""
    lines = []
    for name, data in fields.items():
        named = f'name="{name}"' + ('; filename="x.bcb"' if name == "drop" else "")
        lines.append(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode() + data + b"\r\n"
        )
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_anybody_may_leave_a_file_and_gets_a_ticket(box: Served, folder: Path, method: str):
    answer = box.visitor().ask("/drop", method=method, body=b"anything")
    assert answer.status == 202
    ticket = answer.document["ticket"]
    assert [path.name for path in folder.iterdir()] == [f"{ticket}.left"]
    assert left(folder) == [b"anything"]
    assert (folder / f"{ticket}.left").stat().st_mode & 0o777 == 0o600
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_the_page_has_a_form_that_works_without_scripts(box: Served, folder: Path):
    page = box.visitor().ask("/drop")
    assert page.status == 200
    assert 'enctype="multipart/form-data"' in page.text
    assert "<script" not in page.text
    cross_site = FORM | {"Sec-Fetch-Site": "cross-site"}
    sent = box.visitor().ask(
        "/drop", method="POST", headers=cross_site, body=form(drop=b"a file\r\n--ab", text=b"")
    )
    assert sent.status == 202
    pasted = box.visitor().ask("/drop", method="POST", headers=FORM, body=form(drop=b"", text=b"a text"))
    assert left(folder) == [b"a file\r\n--ab", b"a text"]
    names = {path.stem for path in folder.iterdir()}
    assert all(any(name in page.text for name in names) for page in (sent, pasted))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        (FORM, form(drop=b"", text=b"")),
        (FORM, b"no form"),
    ],
)
def test_nothing_is_no_file_and_is_answered_at_once(
    box: Served, folder: Path, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], body: bytes
):
    async def wait(*_: object) -> None:
        raise AssertionError("all of it has come: there is nothing more to wait for")

    monkeypatch.setattr(dropbox, "throw_away", wait)
    answer = box.visitor().ask("/drop", method="POST", headers=headers, body=body)
    assert answer.status == 400
    assert left(folder) == []


@pytest.mark.parametrize("parameters", ["", f"; boundary={'x' * 5000}"])
def test_a_form_without_a_boundary_is_none(box: Served, folder: Path, parameters: str):
    headers = {"Content-Type": f"multipart/form-data{parameters}"}
    answer = box.visitor().ask("/drop", method="POST", headers=headers, body=b"x")
    assert answer.status == 400
    assert left(folder) == []


def test_what_is_too_large_is_refused_before_it_comes_and_while_it_comes(
    box: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 3 * 2**20)
    answer = box.visitor().ask("/drop", method="POST", body=bytes(3 * 2**20 + 1))
    assert answer.status == 413
    split = urlsplit(box.url)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=20)
    connection.request(
        "POST",
        "/drop",
        body=iter([bytes(2**20)] * 5),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert connection.getresponse().status == 413
    connection.close()
    assert left(folder) == []
    assert box.visitor().ask("/drop", method="POST", body=bytes(3 * 2**20)).status == 202


def test_who_sends_too_often_is_told_when_to_come_back(
    box: Served, monkeypatch: pytest.MonkeyPatch, home: Path, stage: tuple[Stage, str], clock: MovingClock
):
    monkeypatch.setattr(dropbox, "BURST", 3.0)
    stage[0].app = create_app(home, clock, base_url=box.url, box=Box(home))
    answers = [box.visitor().ask("/drop", method="POST", body=b"x") for _ in range(4)]
    assert [one.status for one in answers] == [202, 202, 202, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 5


@pytest.mark.parametrize("limit", ["MAX_WAITING", "MAX_WAITING_BYTES"])
def test_a_full_box_says_so(box: Served, folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str):
    assert box.visitor().ask("/drop", method="POST", body=b"x" * 10).status == 202
    monkeypatch.setattr(desk_box, limit, 1 if limit == "MAX_WAITING" else 5)
    answer = box.visitor().ask("/drop", method="POST", body=b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    assert len(left(folder)) == 1


def test_a_full_disk_says_so(box: Served, folder: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    assert box.visitor().ask("/drop", method="POST", body=b"x").status == 503
    assert left(folder) == []


def test_a_body_that_stops_is_cut_and_leaves_nothing(
    box: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dropbox, "IDLE_S", 0.2)
    split = urlsplit(box.url)
    with socket.create_connection((split.hostname or "", split.port or 0), timeout=20) as slow:
        head = f"POST /drop HTTP/1.1\r\nHost: {split.netloc}\r\nContent-Length: 100\r\n\r\nhalf"
        slow.sendall(head.encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
    with socket.create_connection((split.hostname or "", split.port or 0), timeout=20) as gone:
        gone.sendall(head.encode())
    # The server sees the closed line in its own time.
    for _ in range(200):
        if not list(folder.glob("*.part")):
            break
        time.sleep(0.05)
    assert left(folder) == []


def test_the_log_names_the_size_and_the_ticket_and_nothing_else(
    box: Served, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG, logger="backchannel"):
        answer = box.visitor().ask("/drop", method="POST", headers=FORM, body=form(drop=b"secret words"))
    [line] = [one for one in caplog.records if one.name.startswith("backchannel")]
    assert (line.message, vars(line)["ticket"] in answer.text, vars(line)["bytes"]) == ("box.left", True, 12)


def test_without_a_box_there_is_none(served: Served, visitor: Visitor):
    assert served.visitor().ask("/drop", method="POST", body=b"x").status == 403
    assert visitor.ask("/drop").status == 404


def test_the_box_opens_no_other_door(box: Served):
    stranger = box.visitor()
    assert stranger.ask("/inbox").status == 303
    assert stranger.ask("/drop/", method="POST", body=b"x").status == 403
    assert (
        stranger.ask("/drop", method="POST", headers={"Host": "elsewhere.example"}, body=b"x").status == 421
    )
