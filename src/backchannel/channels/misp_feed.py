"""Read a MISP feed: `manifest.json` names events with their timestamps, each is one file (MISP feed format).

An event is read where the manifest names it for the first time, or with a later timestamp than last time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from backchannel import codec
from backchannel.channels.feed import ReadOnly, conditions, one_place, refuse_page
from backchannel.channels.http import Door
from backchannel.channels.reasons import status_error
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Page, Place
from backchannel.errors import NetworkError

MAX_MANIFEST_BYTES: Final = 32 * 2**20
"""Largest manifest (bytes): a hundred thousand events."""
MAX_EVENTS: Final = 50_000
"""Most events of one feed."""
MAX_EVENT_BYTES: Final = 64 * 2**20
"""Largest event (bytes)."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


class Events(Protocol):
    """Where the files of a feed are."""

    def manifest(self, seen: dict[str, str]) -> tuple[bytes, dict[str, str]] | None:
        """Return the manifest and what to keep of the answer; None where it has not changed."""
        ...

    def event(self, uuid: str) -> bytes | None:
        """Return one event; None where it is missing."""
        ...


class MispFeed(ReadOnly):
    """One MISP feed (`desk.channel.Channel`)."""

    def __init__(self, url: str, events: Events) -> None:
        self._url, self._events = url, events

    def places(self) -> Sequence[Place]:
        return [one_place(self._url)]

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:  # noqa: ARG002  # it has but one
        """Yield one page for each event that is new or changed.

        The cursor's first line is what was kept of the manifest's answer, once everything it named was read;
        each further line an event with the timestamp of when it was read.
        """
        first, _, rest = cursor.partition("\n")
        read = dict(line.split(" ", 1) for line in rest.splitlines() if " " in line)
        found = self._events.manifest(_state(first))
        if found is None:
            return
        manifest, state = found
        named = _manifest(manifest, shown_url(self._url))
        lines = "".join(f"\n{uuid} {stamp}" for uuid, stamp in read.items() if uuid in named)
        for uuid, stamp in named.items():
            if uuid in read and _number(read[uuid]) >= stamp:
                continue
            body = self._events.event(uuid)
            if body is not None:
                lines += f"\n{uuid} {stamp}"
            else:
                state = {}  # it may come: the manifest is read again, changed or not
            missing = f"the manifest names the event {uuid}, and there is none"
            yield Page(
                name=f"{shown_url(self._url).rstrip('/')}/{uuid}.json",
                size=len(body or b""),
                cursor="{}" + lines,
                sha256=hashlib.sha256(body).digest() if body is not None else None,
                stream=BytesIO(body) if body is not None else None,
                notes=() if body is not None else (missing,),
            )
        yield Page(name=self._url, size=0, cursor=codec.encode(state).decode() + lines)


class HttpEvents:
    """A feed over HTTP."""

    def __init__(self, door: Door, url: str) -> None:
        split = urlsplit(url)
        folder = split.path.removesuffix("manifest.json")
        self._door = door
        self._base = split._replace(path=folder if folder.endswith("/") else folder + "/")

    def manifest(self, seen: dict[str, str]) -> tuple[bytes, dict[str, str]] | None:
        url = self._at("manifest.json")
        answer = self._door.get(url, {"Accept": _ACCEPT, **conditions(seen)}, max_bytes=MAX_MANIFEST_BYTES)
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise status_error(answer.status, shown_url(url))
        refuse_page(answer.body[:512], answer.headers.get("content-type", ""), shown_url(url))
        kept = {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}
        return answer.body, {name: text[:500] for name, text in kept.items()}

    def event(self, uuid: str) -> bytes | None:
        url = self._at(f"{uuid}.json")
        answer = self._door.get(url, {"Accept": _ACCEPT}, max_bytes=MAX_EVENT_BYTES)
        if answer.status in {404, 410}:
            return None
        if answer.status != 200:
            raise status_error(answer.status, shown_url(url))
        return answer.body

    def _at(self, name: str) -> str:
        return self._base._replace(path=self._base.path + name).geturl()


class FolderEvents:
    """A feed in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def manifest(self, seen: dict[str, str]) -> tuple[bytes, dict[str, str]] | None:
        body = _file(self._folder / "manifest.json", MAX_MANIFEST_BYTES)
        if body is None:
            raise NetworkError(
                f"{self._folder} holds no manifest.json", hint="Name the folder of a MISP feed, or its URL."
            )
        state = {"sha256": hashlib.sha256(body).hexdigest()}
        return None if state["sha256"] == seen.get("sha256") else (body, state)

    def event(self, uuid: str) -> bytes | None:
        return _file(self._folder / f"{uuid}.json", MAX_EVENT_BYTES)


_ACCEPT: Final = "application/json, text/plain, text/*"


def _file(path: Path, max_bytes: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NetworkError(
            f"{path} cannot be read: {error.strerror}", hint="Correct its permissions."
        ) from None
    if len(body) > max_bytes:
        raise NetworkError(f"{path} is larger than {max_bytes // 2**20} MiB", hint="Ask for smaller events.")
    return body


def _state(line: str) -> dict[str, str]:
    try:
        value = codec.decode(line) if line else {}
    except ValueError:
        return {}
    return (
        {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
    )


def _manifest(body: bytes, shown: str) -> dict[str, int]:
    """Return the events that a manifest names with their timestamps, oldest first.

    Raises:
        NetworkError: it is no manifest.
    """
    try:
        value = codec.decode(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NetworkError(
            f"{shown} has no manifest that can be read",
            hint="A MISP feed has a manifest.json: check the URL.",
        )
    found = {
        uuid.lower(): _number(entry.get("timestamp"))
        for uuid, entry in value.items()
        if _UUID.match(uuid) and isinstance(entry, dict)
    }
    if len(found) > MAX_EVENTS:
        raise NetworkError(f"{shown} names more than {MAX_EVENTS:,} events", hint="Take a smaller feed.")
    return dict(sorted(found.items(), key=lambda one: one[1]))


def _number(value: object) -> int:
    """Return a timestamp, which older producers write as a text; 0 for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
        else 0
    )
