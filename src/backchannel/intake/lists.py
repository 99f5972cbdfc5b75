"""Read a plain list: one observable a line, with comments or not, defanged or not; hosts files too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backchannel.intake.columns import plain_name, role_of
from backchannel.intake.containers import Source
from backchannel.intake.lines import MAX_LINE_BYTES, lines
from backchannel.intake.made import MAX_TEXT_CHARS, Details, Origin, indicator
from backchannel.intake.received import Received, Refused, refused
from backchannel.intake.values import (
    ZoneFrame,
    is_comment,
    is_exception,
    is_local_line,
    line_values,
    remark_of,
)
from backchannel.stix.visible import visible

CLAUSE = "import: lists"


def read_list(source: Source, *, party: str, now: datetime) -> Iterator[Received | Refused]:
    """Yield an indicator for each observable in the list, and a refusal for each line that names none.

    Comments, blank lines, a header, the names of this machine in a hosts file and what a DNS zone says of
    itself are passed over.
    """
    is_first = True
    frame = ZoneFrame()
    for line in lines(source.stream):
        place = f"{source.name}:{line.number}"
        if line.is_cut:
            what = f"the line is longer than {MAX_LINE_BYTES // 2**10} KiB: no observable is; put each on its own line"
            yield refused(place, what, f"limit: line of {MAX_LINE_BYTES // 2**10} KiB", line.data)
            continue
        try:
            text = line.data.decode().strip()
        except UnicodeDecodeError:
            yield refused(place, "the line is not UTF-8: save the file as UTF-8", CLAUSE, line.data)
            continue
        if not text or is_comment(text) or frame.has(line.data.decode().rstrip()):
            continue
        was_first, is_first = is_first, False
        if is_local_line(text) or (was_first and role_of(plain_name(text)) != "other"):
            continue
        found = line_values(text)
        if not found:
            yield refused(place, _nothing_in(text), CLAUSE, line.data)
            continue
        details = Details(description=visible(remark_of(text), max_chars=MAX_TEXT_CHARS))
        origin = Origin(party, source.name, place, now, line.data.rstrip(b"\r\n"))
        for value in found:
            yield indicator((value,), details, origin)


def _nothing_in(text: str) -> str:
    shown = visible(text, max_chars=60)
    if is_exception(text):
        return f"`{shown}` is an exception of the list: what it names is let through, so it is no indicator"
    return (
        f"`{shown}` is no address, network, name, URL, hash or e-mail address: mend the line or leave it out"
    )
