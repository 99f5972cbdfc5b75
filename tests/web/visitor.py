"""A visitor of the pages over a real socket: keeps the cookie, follows nothing by itself."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from backchannel import codec

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class MovingClock:
    """A clock that a test winds on."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def wind(self, **parts: float) -> None:
        self.at += timedelta(**parts)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def document(self) -> codec.JsonObject:
        value = codec.decode(self.body)
        assert isinstance(value, dict)
        return value


@dataclass
class Visitor:
    """One browser."""

    base_url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        split = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=20)
        sent = dict(headers or {})
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={text}" for name, text in self.cookies.items()))
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, text = line.partition(";")[0].partition("=")
            self.cookies[name] = text
        return answer

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        return self.ask(
            path,
            method="POST",
            headers={"Content-Type": FORM, **(headers or OWN_PAGE)},
            body=urlencode(form or {}).encode(),
        )
