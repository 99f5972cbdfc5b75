"""Where the reading of a collection stands: kept as text in the store, made and read here only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from backchannel import codec
from backchannel.channels.taxii.dialect import SKEW, Version, stamp
from backchannel.clock import parse_time

_STEP = timedelta(microseconds=1)


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a collection has been read."""

    version: Version = "2.1"
    after: str = ""
    """`added_after` of the listing that is under way, or of the next one; "" for the whole collection."""
    next: str = ""
    """TAXII 2.1: `next` of the page that comes; "" where a listing begins."""
    start: int = 0
    """TAXII 2.0: number of the first item of the page that comes."""
    seen: str = ""
    """The latest `X-TAXII-Date-Added-Last` of this listing."""
    objects: int = 0
    """How many objects this listing brought so far."""
    began: str = ""
    """When it began, by the server's own clock."""

    def with_seen(self, last: datetime | None) -> Bookmark:
        """Return the bookmark behind a page that was last added to at `last`; one that runs back is not believed."""
        if last is None or stamp(last) <= self.seen:
            return self
        return msgspec.structs.replace(self, seen=stamp(last))

    def restarted(self) -> Bookmark:
        """Return where to go on where the server has forgotten `next`: from the last stamp, which is read again."""
        return msgspec.structs.replace(self, after=self._before_seen() or self.after, next="", start=0)

    def stepped(self, *, over: bool) -> Bookmark:
        """Return the listing that begins at the last stamp seen, again or (`over`) behind it.

        Several objects may have one stamp and only some of them a place on the page, so the stamp itself is
        asked for again; `added_after` is exclusive (TAXII 2.1 §3.4), so that is a microsecond before it.
        """
        return msgspec.structs.replace(
            self, after=self.seen if over else self._before_seen(), next="", start=0
        )

    def ended(self, now: datetime | None) -> Bookmark:
        """Return where the next poll begins.

        Where nothing came, that is where this listing began. Where no stamp was given, it is when this listing
        began by the server's clock, less some minutes. A stamp from the server's own future is not believed:
        nothing new would ever come after it.

        Args:
            now: the server's clock at the last answer.
        """
        after = self.seen
        if not after and not self.objects:
            return Bookmark(version=self.version, after=self.after)
        if not after or (now is not None and after > stamp(now + SKEW)):
            after = stamp(parse_time(self.began) - SKEW) if self.began else ""
            return Bookmark(version=self.version, after=after or self.after)
        return Bookmark(version=self.version, after=max(after, self.after))

    def _before_seen(self) -> str:
        return stamp(parse_time(self.seen) - _STEP) if self.seen else ""

    def text(self) -> str:
        """Return it as it is kept."""
        return codec.encode(self).decode()


def read_bookmark(text: str) -> Bookmark:
    """Return the bookmark in `text`; what cannot be read begins anew, which repeats what is known and loses nothing."""
    try:
        value = codec.decode(text) if text else {}
    except ValueError:
        value = {}
    if not isinstance(value, dict):
        value = {}
    version: Literal["2.1", "2.0"] = "2.0" if value.get("version") == "2.0" else "2.1"
    following = value.get("next", "")
    return Bookmark(
        version=version,
        after=_stamp_in(value, "after"),
        next=following if isinstance(following, str) else "",
        start=_number_in(value, "start"),
        seen=_stamp_in(value, "seen"),
        objects=_number_in(value, "objects"),
        began=_stamp_in(value, "began"),
    )


def _number_in(value: codec.JsonObject, key: str) -> int:
    found = value.get(key)
    return found if isinstance(found, int) else 0


def _stamp_in(value: codec.JsonObject, key: str) -> str:
    try:
        return stamp(parse_time(value.get(key, "")))
    except (ValueError, TypeError):
        return ""
