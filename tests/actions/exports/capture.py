"""A packet capture written octet by octet: what a sensor would have seen, for tests that run a real one."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

CLIENT, SERVER = "10.0.0.5", "198.51.100.80"

_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16


def _octets(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


def _checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _frame(source: str, target: str, protocol: int, segment: bytes) -> bytes:
    pseudo = _octets(source) + _octets(target) + struct.pack("!BBH", 0, protocol, len(segment))
    at = 16 if protocol == 6 else 6
    summed = _checksum(pseudo + segment)
    segment = segment[:at] + struct.pack("!H", summed) + segment[at + 2 :]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, protocol, 0)
    head += _octets(source) + _octets(target)
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return bytes.fromhex("020000000002020000000001") + b"\x08\x00" + head + segment


def dns_question(name: str, *, port: int) -> list[bytes]:
    """One question for the address of `name`, and nothing answered."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    payload = struct.pack("!6H", port, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    udp = struct.pack("!HHHH", port, 53, 8 + len(payload), 0) + payload
    return [_frame(CLIENT, "10.0.0.53", 17, udp)]


def conversation(
    turns: Sequence[tuple[bool, bytes]],
    *,
    port: int,
    server_port: int,
    server: str = SERVER,
    client: str = CLIENT,
) -> list[bytes]:
    """A TCP connection: handshake, `turns` of (from the client?, octets), and an orderly end."""
    sequence = {True: 1000, False: 5000}
    frames: list[bytes] = []

    def send(from_client: bool, flags: int, payload: bytes = b"") -> None:
        ports = (port, server_port) if from_client else (server_port, port)
        acknowledged = sequence[not from_client] if flags & _ACK else 0
        tcp = struct.pack("!HHIIBBHHH", *ports, sequence[from_client], acknowledged, 0x50, flags, 65000, 0, 0)
        ends = (client, server) if from_client else (server, client)
        frames.append(_frame(*ends, 6, tcp + payload))
        sequence[from_client] += len(payload) + bool(flags & (_SYN | _FIN))

    send(True, _SYN)
    send(False, _SYN | _ACK)
    send(True, _ACK)
    for from_client, payload in turns:
        send(from_client, _PSH | _ACK, payload)
        send(not from_client, _ACK)
    send(True, _FIN | _ACK)
    send(False, _FIN | _ACK)
    send(True, _ACK)
    return frames


def http_get(
    host: str, path: str, *, port: int, server_port: int = 80, body: bytes = b"ok", server: str = SERVER
) -> list[bytes]:
    """One request and its answer with `body`."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: t\r\n\r\n".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    turns = [(True, request), (False, head.encode() + body)]
    return conversation(turns, port=port, server_port=server_port, server=server)


def tls_hello(name: str, *, port: int) -> list[bytes]:
    """The first message of a TLS 1.2 connection to `name`."""
    host = name.encode()
    sni = struct.pack("!HBH", len(host) + 3, 0, len(host)) + host
    extensions = struct.pack("!HH", 0, len(sni)) + sni
    hello = b"\x03\x03" + bytes(range(32)) + b"\0" + struct.pack("!HH", 2, 0x1301) + b"\x01\0"
    hello += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack("!I", len(hello))[1:] + hello
    record = b"\x16\x03\x01" + struct.pack("!H", len(handshake)) + handshake
    return conversation([(True, record)], port=port, server_port=443)


def write_pcap(path: Path, frames: Iterable[bytes]) -> None:
    """Write `frames` a millisecond apart (pcap 2.4, Ethernet)."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 1_790_000_000, number * 1000, len(frame), len(frame)) + frame)
