"""Lines that come over the network: UDP, TCP in both framings, TLS, and a Unix socket."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backchannel.channels.syslog import _lines, is_address, listen
from backchannel.desk.watch_streams import WatchedStream
from backchannel.errors import UsageError
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.logs.times import Assumed

LINE = b"<134>Mar  1 12:00:00 ns1 dnsmasq[7]: query[A] evil.example from 10.0.0.5"


def a_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(word: str, **more: object) -> Iterator[Callable[[int], list[bytes]]]:
    """Listen; gives a function that waits for so many records, and returns their cells' names."""
    notes: list[str] = []
    stream = WatchedStream(word, Assumed(), None, lambda *note: notes.append(note[2]))
    listen(word, stream, **more)  # type: ignore[arg-type]
    got: list[bytes] = []

    def wait(number: int) -> list[bytes]:
        end = time.monotonic() + 10
        while len(got) < number and time.monotonic() < end:
            for batch in stream.step():
                got.extend(str(record.cells).encode() for record in batch.records)
            time.sleep(0.01)
        return got

    try:
        yield wait
    finally:
        stream.close()


def test_datagrams_are_lines():
    port = a_port(socket.SOCK_DGRAM)
    with (
        listening(f"udp://127.0.0.1:{port}") as wait,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        for _ in range(3):
            sender.sendto(LINE, ("127.0.0.1", port))
        assert len(wait(3)) == 3
        assert b"evil.example" in wait(3)[0]


def test_a_stream_is_lines_or_counted_messages():
    port = a_port()
    with listening(f"tcp://127.0.0.1:{port}") as wait:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(LINE + b"\n" + LINE[:10])
            time.sleep(0.1)
            sender.sendall(LINE[10:] + b"\r\n%d %s%d %s" % (len(LINE), LINE, len(LINE), LINE))
            sender.sendall(LINE)  # without an end: it is taken when the sender goes
        assert len(wait(5)) == 5


def test_a_unix_socket_takes_lines_and_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / "in.sock"
    with listening(f"unix://{path}") as wait, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        assert path.stat().st_mode & 0o077 == 0
        sender.sendto(LINE, str(path))
        assert len(wait(1)) == 1
    assert not path.exists()
    path_left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path_left.bind(str(path))
    path_left.close()  # as a watch that was killed leaves it
    with listening(f"unix://{path}"):
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


def test_tls_takes_lines_and_who_speaks_none_costs_only_itself(tmp_path: Path):
    chain, private = certificate(tmp_path)
    port = a_port()
    with listening(f"tls://127.0.0.1:{port}", certificate=(chain, private)) as wait:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(LINE + b"\n")
        trust = ssl.create_default_context(cafile=str(chain))
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            trust.wrap_socket(raw, server_hostname="localhost") as sender,
        ):
            sender.sendall(LINE + b"\n")
        assert len(wait(1)) == 1


@pytest.mark.parametrize(
    "word",
    ["udp://127.0.0.1", "tcp://:514", "tcp://127.0.0.1:99999", "udp://127.0.0.1:514/x", "unix://rel.sock"],
)
def test_an_address_that_is_none_is_named(word: str):
    stream = WatchedStream(word, Assumed(), None, lambda *_: None)
    with pytest.raises(UsageError, match=r"no absolute path|no address"):
        listen(word, stream)


def test_an_address_that_is_taken_is_named_and_tls_needs_its_certificate():
    stream = WatchedStream("x", Assumed(), None, lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match="cannot be listened on"):
            listen(f"tcp://127.0.0.1:{port}", stream)
    with pytest.raises(UsageError, match="needs a certificate"):
        listen(f"tls://127.0.0.1:{a_port()}", stream)


def test_a_path_is_no_address():
    assert is_address("udp://127.0.0.1:1")
    assert not any(map(is_address, ("/var/log", "udp", "http://x", "C://x")))


@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_messages_are_cut_alike_however_they_come(size: int):
    sent = [b"one", b"<1>two 2", b"", b"4", b"five"]
    wire = b"one\n8 <1>two 2\n4\r\n4 five"
    waiting, got = b"", []
    for at in range(0, len(wire), size):
        waiting, lines = _lines(waiting + wire[at : at + size], is_end=False)
        got += lines
    waiting, lines = _lines(waiting, is_end=True)
    assert got + lines == sent
    assert waiting == b""


def test_a_line_that_never_ends_is_given_up():
    waiting, lines = _lines(b"x" * (MAX_LINE_BYTES + 1), is_end=False)
    assert (waiting, len(lines)) == (b"", 1)
