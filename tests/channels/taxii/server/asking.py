"""A TAXII client that does nothing by itself: one request, one answer, over a real socket."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.web.visitor import Answer

from backchannel import codec

TAXII = "application/taxii+json;version=2.1"


@dataclass
class Asking:
    """Somebody who asks."""

    url: str
    authorization: str | None
    context: ssl.SSLContext | None = None

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> Answer:
        """Ask once. A header given as None is left out."""
        sent: dict[str, str | None] = {"Accept": TAXII, "Authorization": self.authorization}
        if method == "POST":
            sent["Content-Type"] = TAXII
        sent |= headers or {}
        split = urlsplit(self.url)
        if split.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                split.hostname or "", split.port, timeout=20, context=self.context
            )
        else:
            connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=20)
        try:
            # http.client would add what a test leaves out.
            connection.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in sent and "Transfer-Encoding" not in sent:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, path: str, *objects: dict[str, object] | bytes, **headers: str | None) -> Answer:
        """Post an envelope; an object given as bytes stands in it letter for letter."""
        bodies = [one if isinstance(one, bytes) else codec.encode(one) for one in objects]
        return self.ask(
            path,
            method="POST",
            body=b'{"objects":[' + b",".join(bodies) + b"]}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def ids(self, path: str) -> list[str]:
        """The identifiers of one page, in order."""
        return [one["id"] for one in self.ask(path).document.get("objects", [])]
