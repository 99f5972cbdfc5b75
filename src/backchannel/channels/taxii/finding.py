"""Find the collections that a URL leads to: discovery, an API root, a list of collections or one of them.

TAXII 2.1 first; where a server does not speak it, TAXII 2.0. Relative and absolute API roots are taken; one on
another host is asked without our credentials (`http.Door`), and so refuses us in plain words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from backchannel import codec
from backchannel.channels.http import Door
from backchannel.channels.reasons import status_error
from backchannel.channels.taxii.dialect import TAXII, Version
from backchannel.codec import JsonObject
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Place
from backchannel.errors import NetworkError, NotFoundError
from backchannel.stix.visible import visible

MAX_ROOTS: Final = 20
"""Most API roots of one server that are looked into."""
MAX_COLLECTIONS: Final = 1_000
"""Most collections of one API root."""
MAX_ID_CHARS: Final = 500
MAX_RESOURCE_BYTES: Final = 8 * 2**20
"""Largest answer about roots and collections (bytes)."""
_UNSPOKEN: Final = frozenset({404, 406, 415})
"""What servers of TAXII 2.0 answer to the media type of 2.1."""


class Root:
    """One API root, with what it says of itself."""

    def __init__(self, url: str, version: Version, value: Mapping[str, object] | None = None) -> None:
        self.url, self.version = url, version
        length = (value or {}).get("max_content_length")
        self.max_content_bytes = length if isinstance(length, int) and 0 < length < 2**40 else None
        """Most that it takes in one POST (bytes); None where it does not say."""


class Finder:
    """Looks around on one server."""

    def __init__(self, door: Door, url: str, wanted: Sequence[str]) -> None:
        """Look around.

        Args:
            door: to the server.
            url: what the operator named.
            wanted: ids, aliases or titles of collections; none: all.
        """
        self._door, self._url, self._wanted = door, url, wanted
        self.roots: dict[str, Root] = {}
        """The API roots met, by their URL."""

    def places(self) -> list[tuple[Place, Root]]:
        """Return the collections wanted, each with its root.

        Raises:
            NetworkError: the server cannot be asked, or is no TAXII server.
            NotFoundError: it has none of that name.
        """
        url, version, value = self._begin()
        if "api_roots" in value or "default" in value:
            return self._by_roots(_roots(url, value), version)
        if isinstance(value.get("collections"), list):
            root = self._root(_parent(url, "collections"), version)
            return self._wanted_of(list(_listed(root, value)))
        if "can_read" in value or "can_write" in value:
            root = self._root(_parent(_parent(url, None), "collections"), version)
            return [(_place(root, value, url=url), root)]
        if "versions" in value or "max_content_length" in value:
            return self._wanted_of(self._collections(Root(url, version, value)))
        raise NetworkError(
            f"{shown_url(url)} is neither a TAXII server nor an API root or collection of one",
            hint="Give the URL of its discovery, which often ends in /taxii2/.",
        )

    def _begin(self) -> tuple[str, Version, JsonObject]:
        url = _without_objects(self._url)
        tries: list[tuple[str, Version]] = [(url, "2.1"), (url, "2.0")]
        if urlsplit(url).path in {"", "/"}:  # a host alone: TAXII 2.1 §4.1, 2.0 §4.1
            tries = [(urljoin(url, "/taxii2/"), "2.1"), (urljoin(url, "/taxii/"), "2.0"), *tries]
        failure: NetworkError | None = None
        for at, version in tries:
            try:
                return (at, *self._resource(at, version))
            except _UnspokenError as error:
                failure = failure or error
        raise failure or NetworkError(f"{shown_url(url)} cannot be asked")

    def _by_roots(self, roots: Sequence[str], version: Version) -> list[tuple[Place, Root]]:
        """Return the collections of the default root; of the others too where one that is wanted is not in it."""
        if not roots:
            raise NetworkError(
                f"{shown_url(self._url)} names no API root that we may see",
                hint="It may show more to whom it knows: check the credentials.",
            )
        found: list[tuple[Place, Root]] = []
        failure: NetworkError | None = None
        for url in roots[:MAX_ROOTS]:
            try:
                found += self._collections(self._root(url, version))
            except NetworkError as error:
                failure = failure or error
            if found and (not self._wanted or not self._missing(found)):
                break
        if not found and failure is not None:
            raise failure
        return self._wanted_of(found)

    def _root(self, url: str, version: Version) -> Root:
        """Return an API root with its limits, where it tells them."""
        try:
            used, value = self._resource(url, version)
        except NetworkError:
            used, value = version, {}
        return self.roots.setdefault(url, Root(url, used, value))

    def _collections(self, root: Root) -> list[tuple[Place, Root]]:
        self.roots.setdefault(root.url, root)
        _, value = self._resource(urljoin(root.url, "collections/"), root.version)
        return list(_listed(root, value))

    def _resource(self, url: str, version: Version) -> tuple[Version, JsonObject]:
        answer = self._door.get(url, {"Accept": TAXII[version]}, max_bytes=MAX_RESOURCE_BYTES)
        shown = shown_url(answer.url)
        if answer.status in _UNSPOKEN:
            error = status_error(answer.status, shown)
            raise _UnspokenError(error.message, hint=error.hint)
        if answer.status != 200:
            raise status_error(answer.status, shown)
        try:
            value = codec.decode(answer.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            kind = "a web page" if answer.body.lstrip()[:1] == b"<" else "no JSON"
            raise NetworkError(
                f"{shown} answers with {kind}: it is no TAXII server, or asks somebody to sign in",
                hint="Open the URL in a browser to see what it is, and give the right one.",
            )
        is_old = "version=2.0" in answer.headers.get("content-type", "")
        return ("2.0" if is_old else version), value

    def _missing(self, found: Sequence[tuple[Place, Root]]) -> list[str]:
        return [want for want in self._wanted if not any(_is_named(place, want) for place, _ in found)]

    def _wanted_of(self, found: list[tuple[Place, Root]]) -> list[tuple[Place, Root]]:
        if not self._wanted:
            return found
        if missing := self._missing(found):
            there = ", ".join(visible(place.title or place.id, max_chars=60) for place, _ in found[:10])
            raise NotFoundError(
                f"the server shows us no collection {visible(missing[0], max_chars=80)!r}",
                hint=f"It shows: {there or 'none at all'}.",
            )
        return [
            (place, root) for place, root in found if any(_is_named(place, want) for want in self._wanted)
        ]


class _UnspokenError(NetworkError):
    """The server has nothing there in that version of TAXII."""


def _roots(url: str, value: JsonObject) -> list[str]:
    """Return the API roots of a discovery, the default one first."""
    listed = value.get("api_roots")
    named = [value.get("default"), *(listed if isinstance(listed, list) else ())]
    texts = [text for text in named if isinstance(text, str) and text]
    found = dict.fromkeys(_same_scheme(url, _folder(urljoin(url, text))) for text in texts)
    return [root for root in found if root.startswith(("http://", "https://"))]


def _same_scheme(url: str, root: str) -> str:
    """Return `root` over https where the discovery came so from the same host: a proxy in front is not known behind it."""
    here, there = urlsplit(url), urlsplit(root)
    if here.scheme == "https" and there.scheme == "http" and here.hostname == there.hostname:
        return there._replace(scheme="https", netloc=here.netloc).geturl()
    return root


def _listed(root: Root, value: JsonObject) -> Iterator[tuple[Place, Root]]:
    found = value.get("collections")
    for one in (found if isinstance(found, list) else ())[:MAX_COLLECTIONS]:
        if isinstance(one, dict) and isinstance(one.get("id"), str | int):
            yield _place(root, one), root


def _place(root: Root, value: JsonObject, *, url: str = "") -> Place:
    """Return a collection; any text is an id (servers use titles and numbers too)."""
    id_ = str(value.get("id", ""))[:MAX_ID_CHARS]
    alias, title = value.get("alias"), value.get("title")
    return Place(
        place=_folder(url) or urljoin(root.url, f"collections/{quote(id_, safe='')}/"),
        id=id_,
        title=title if isinstance(title, str) else id_,
        alias=alias if isinstance(alias, str) else "",
        can_read=value.get("can_read") is not False,
        can_write=value.get("can_write") is True,
    )


def _is_named(place: Place, want: str) -> bool:
    return want in {place.id, place.alias} or want.casefold() == place.title.casefold()


def _folder(url: str) -> str:
    """Return `url` with a slash at its end (TAXII 2.1 §3.1)."""
    if not url:
        return url
    split = urlsplit(url)
    return split._replace(path=split.path if split.path.endswith("/") else split.path + "/").geturl()


def _without_objects(url: str) -> str:
    """Return the URL of the collection where that of its objects or manifest was given."""
    folder = _folder(url)
    for name in ("objects", "manifest"):
        if "/collections/" in folder and folder.endswith(f"/{name}/"):
            return _parent(folder, name)
    return folder


def _parent(url: str, name: str | None) -> str:
    """Return the folder above `url`: above its last part if that is `name`, or whatever it is (None)."""
    folder = _folder(url)
    last = folder.rstrip("/").rpartition("/")[2]
    return folder[: -len(last) - 1] if name is None or last == name else folder
