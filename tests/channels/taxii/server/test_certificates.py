"""Clients known by their certificates, each pinned for itself: two parties need no authority in common."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.channels.taxii.server.asking import Asking
from tests.channels.taxii.server.conftest import serving
from tests.channels.taxii.server.place import OBJECTS, ROOT, SHARED, Place
from tests.desk.made import an_id, indicator

from backchannel.store.exchange import Right
from backchannel.web import serve, tls
from backchannel.web.tls import Tls

BOTH = {SHARED: Right(True, True)}


class Made:
    """A key and its certificate, in files."""

    def __init__(self, folder: Path, name: str, *, signer: Made | None = None, **form: object) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        begins = now - timedelta(days=int(str(form.get("age_days", 1))))
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name if signer else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(now + timedelta(days=int(str(form.get("left_days", 30)))))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        if form.get("is_ca"):
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        if form.get("client_only"):
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
            builder = builder.add_extension(usage, critical=False)
        self.certificate = builder.sign((signer or self).key, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        folder.mkdir(exist_ok=True)
        self.files = Tls(folder / f"{name}.pem", folder / f"{name}.key")
        self.files.certificate.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.files.key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


@pytest.fixture
def own(tmp_path: Path) -> Made:
    """The server's."""
    return Made(tmp_path, "localhost")


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_AGAIN_S", 0.0)


@pytest.fixture
def secure_url(place: Place, own: Made) -> Iterator[str]:
    with serving(place, tls=own.files) as url:
        yield url.replace("127.0.0.1", "localhost")


def context(own: Made, client: Made | None = None, **form: object) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(own.files.certificate))
    if client is not None:
        made.load_cert_chain(client.files.certificate, client.files.key)
    for name, value in form.items():
        setattr(made, name, value)
    return made


def asking(url: str, own: Made, client: Made | None = None, authorization: str | None = None) -> Asking:
    return Asking(url, authorization, context(own, client))


def answer_of(connection: ssl.SSLSocket) -> bytes:
    """One answer on a connection that goes on; its body ends with a brace."""
    got = b""
    while not got.endswith(b"}"):
        chunk = connection.recv(2**16)
        assert chunk
        got += chunk
    return got


def test_a_client_without_certificate_is_served_by_its_token(secure_url: str, own: Made, place: Place):
    assert asking(secure_url, own, None, f"Bearer {place.vessland}").ask(ROOT).status == 200
    assert asking(secure_url, own).ask(ROOT).status == 401


def test_two_parties_without_a_common_authority_pin_each_other(
    secure_url: str, own: Made, place: Place, tmp_path: Path
):
    one, other = Made(tmp_path, "one"), Made(tmp_path, "other", client_only=True)
    place.give("", "CERT Vessland", BOTH, certificate=one.der)
    place.give("", "CERT Sorrel", {SHARED: Right(True, False)}, certificate=other.der)
    assert asking(secure_url, own, one).post(OBJECTS, indicator(1)).status == 202
    assert asking(secure_url, own, other).ids(OBJECTS) == [an_id("indicator", 1)]
    assert asking(secure_url, own, other).post(OBJECTS, indicator(2)).status == 403


def test_a_certificate_is_pinned_whoever_signed_it_and_its_sisters_are_not(
    secure_url: str, own: Made, place: Place, tmp_path: Path
):
    authority = Made(tmp_path, "authority", is_ca=True)
    pinned, sister = Made(tmp_path, "pinned", signer=authority), Made(tmp_path, "sister", signer=authority)
    place.give("", "CERT Vessland", BOTH, certificate=pinned.der)
    assert asking(secure_url, own, pinned).ask(OBJECTS).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        asking(secure_url, own, sister).ask(OBJECTS)


def test_a_certificate_that_is_not_pinned_fails_the_handshake(
    secure_url: str, own: Made, place: Place, tmp_path: Path
):
    place.give("", "CERT Vessland", BOTH, certificate=Made(tmp_path, "known").der)
    for name, form in (("unknown", {}), ("expired", {"age_days": 90, "left_days": -5})):
        client = Made(tmp_path, name, **form)
        if name == "expired":
            place.give("", "CERT Vessland", BOTH, certificate=client.der)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            asking(secure_url, own, client, f"Bearer {place.vessland}").ask(OBJECTS)
    assert asking(secure_url, own, None, f"Bearer {place.vessland}").ask(OBJECTS).status == 200


def test_trust_follows_what_is_pinned_while_the_server_runs(
    secure_url: str, own: Made, place: Place, tmp_path: Path
):
    client = Made(tmp_path, "late")
    assert asking(secure_url, own, client).ask(OBJECTS).status == 401, "nobody is asked for one yet"
    row = place.give("", "CERT Vessland", BOTH, certificate=client.der)
    request = f"GET {OBJECTS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with (
        socket.create_connection(("127.0.0.1", int(secure_url.rpartition(":")[2])), timeout=10) as raw,
        context(own, client).wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(request)
        assert answer_of(connection).startswith(b"HTTP/1.1 200 ")
        place.take_back(row)
        connection.sendall(request)
        assert answer_of(connection).startswith(b"HTTP/1.1 401 "), "also on a connection that is open"
    place.give("", "CERT Sorrel", BOTH, certificate=Made(tmp_path, "else").der)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        asking(secure_url, own, client).ask(OBJECTS)


def test_a_renewed_certificate_of_the_server_is_shown_without_a_new_start(
    secure_url: str, own: Made, place: Place, tmp_path: Path
):
    client = Made(tmp_path, "client")
    place.give("", "CERT Vessland", BOTH, certificate=client.der)
    before = own.files.certificate.read_bytes()
    assert asking(secure_url, own, client).ask(OBJECTS).status == 200
    renewed = Made(tmp_path / "new", "localhost")
    own.files.certificate.write_bytes(renewed.files.certificate.read_bytes())  # its key is still to come
    (tmp_path / "before.pem").write_bytes(before)
    old = ssl.create_default_context(cafile=str(tmp_path / "before.pem"))
    token = f"Bearer {place.vessland}"
    assert Asking(secure_url, token, old).ask(OBJECTS).status == 200, "the one from before serves meanwhile"
    renewed.files.key.replace(own.files.key)
    assert asking(secure_url, renewed, client).ask(OBJECTS).status == 200, "and what is pinned stays so"
    with pytest.raises(ssl.SSLCertVerificationError):
        Asking(secure_url, token, old).ask(OBJECTS)


def test_a_token_beside_a_certificate_says_who_asks(secure_url: str, own: Made, place: Place, tmp_path: Path):
    client = Made(tmp_path, "both")
    place.give("", "CERT Vessland", {SHARED: Right(True, False)}, certificate=client.der)
    assert asking(secure_url, own, client, "Bearer wrong").ask(OBJECTS).status == 401
    assert asking(secure_url, own, client, f"Bearer {place.sorrel}").post(OBJECTS, indicator(1)).status == 202
    assert asking(secure_url, own, client).post(OBJECTS, indicator(1)).status == 403


def test_tls_is_1_2_or_1_3_with_forward_secrecy(secure_url: str, own: Made):
    """TAXII 2.1 §8.2.2."""
    port = int(secure_url.rpartition(":")[2])

    def shake(**form: object) -> tuple[str, str]:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            made = context(own, None, **form)
            made.set_ciphers("ALL:@SECLEVEL=0")
            with made.wrap_socket(raw, server_hostname="localhost") as connection:
                cipher = connection.cipher()
                assert cipher is not None
                return connection.version() or "", cipher[0]

    assert shake()[0] == "TLSv1.3"
    version, cipher = shake(maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2"
    assert cipher.startswith("ECDHE-")
    assert "GCM" in cipher or "CHACHA20" in cipher
    with pytest.warns(DeprecationWarning, match="TLSv1"), pytest.raises((ssl.SSLError, ConnectionError)):
        shake(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)


def test_discovery_over_tls_names_https_addresses(secure_url: str, own: Made, place: Place):
    """TAXII 2.1 §4.1.1."""
    document = asking(secure_url, own, None, f"Bearer {place.vessland}").ask("/taxii2/").document
    assert all(root.startswith("https://localhost:") for root in document["api_roots"])


def test_a_connection_that_speaks_no_tls_harms_nobody(secure_url: str, own: Made, place: Place):
    port = int(secure_url.rpartition(":")[2])
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 500, b""):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(sent)
    assert asking(secure_url, own, None, f"Bearer {place.vessland}").ask(ROOT).status == 200


def test_a_handshake_that_never_ends_is_cut_off(place: Place, own: Made, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve, "HANDSHAKE_S", 0.4)
    with serving(place, tls=own.files) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"\x16\x03\x01")
            assert raw.recv(100) == b""
