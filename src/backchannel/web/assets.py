"""The few files that never change while we run: style sheet, script, icons. Held in memory, by digest.

Nothing is looked up in the file system by a name from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from backchannel.ids import sha256

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER: Final = "public, max-age=31536000, immutable"
"""For an address that holds the digest: other content has another address."""
FOR_NOW: Final = "public, max-age=300"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    media_type: str
    digest: str
    """The first 16 hexadecimal digits of its SHA-256: enough to tell one release's file from the next."""


class Assets:
    """All files of the folder `static`, by name."""

    def __init__(self, folder: Path = Path(__file__).parent / "static") -> None:
        self._files = {
            path.name: Asset(body, _TYPES[path.suffix], sha256(body).hex()[:16])
            for path in sorted(folder.iterdir())
            if path.suffix in _TYPES
            for body in (path.read_bytes(),)
        }

    def url(self, name: str) -> str:
        """Return the address of the file `name` with its digest.

        Raises:
            KeyError: there is no such file.
        """
        return f"/static/{name}?v={self._files[name].digest}"

    async def file(self, request: Request) -> Response:
        """Answer `/static/{name}`."""
        return self._response(request, request.path_params["name"])

    async def favicon(self, request: Request) -> Response:
        """Answer `/favicon.ico`, which browsers ask for where a page names no icon (a JSON document)."""
        return self._response(request, "favicon.svg")

    def _response(self, request: Request, name: str) -> Response:
        asset = self._files.get(name)
        if asset is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        etag = f'"{asset.digest}"'
        lasting = FOREVER if request.query_params.get("v") == asset.digest else FOR_NOW
        headers = {"Cache-Control": lasting, "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.media_type, headers=headers)
