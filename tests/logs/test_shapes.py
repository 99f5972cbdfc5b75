"""The shapes of lines of text: of our own, bounded in time on any line, and with the times that programs write."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

import pytest

from backchannel.logs import tables
from backchannel.logs.envelope import envelope
from backchannel.logs.text_lines import SYSLOG, SyslogReader, joined, nothing, plain_reader
from backchannel.logs.times import NO_YEAR, NO_ZONE, Assumed, TimeReader

LINES = tables.names("lines")
MANY = 64
"""A repetition of up to so many is as good as written out."""


def quantifiers(parsed, *, inside: bool = False, atomic: bool = False):
    """Yield (is nested, may step back) of each repetition without a narrow bound."""
    for code, value in parsed:
        if code in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
            _, most, body = value
            is_wide = most == op.MAXREPEAT or most > MANY
            possessive = code is op.POSSESSIVE_REPEAT
            if is_wide:
                yield inside, not possessive and not atomic
            yield from quantifiers(body, inside=inside or is_wide, atomic=atomic)
        elif code is op.SUBPATTERN:
            yield from quantifiers(value[3], inside=inside, atomic=atomic)
        elif code is op.BRANCH:
            for branch in value[1]:
                yield from quantifiers(branch, inside=inside, atomic=atomic)
        elif code is op.ATOMIC_GROUP:
            yield from quantifiers(value, inside=inside, atomic=True)
        elif code in {op.ASSERT, op.ASSERT_NOT}:
            yield from quantifiers(value[1], inside=inside, atomic=atomic)


@pytest.mark.parametrize("name", LINES)
def test_a_shape_has_no_repetition_in_a_repetition_and_never_steps_back_far(name: str):
    for shape in tables.line_table(name).shapes:
        assert not shape.startswith("^"), "a shape begins where the program's line does"
        found = list(quantifiers(parser.parse(shape)))
        assert not any(nested for nested, _ in found), shape
        assert sum(steps for _, steps in found) <= 1, f"{shape}: more than one repetition can give back"


HOSTILE = [
    "a",
    " ",
    "[",
    "<",
    '"',
    '\\"',
    "1.",
    "::",
    "H=",
    " from ",
    "from=<",
    ", client: ",
    "SRC=",
    "IN= OUT= ",
    " [x] ",
    "rip=",
    "user=<",
    ";src_user=",
    "x: ",
    "1,",
    "(a,",
    "[client ",
    ",RemoteAddress=",
    ' "GET / ',
]


@pytest.mark.parametrize("name", LINES)
def test_no_line_takes_long(name: str):
    match = joined(name).pattern.match
    heads = {re.sub(r"[^A-Za-z0-9 :=\[\]\"<(,./-].*", "", shape) for shape in tables.line_table(name).shapes}
    for head in ["", *sorted(heads)]:
        for piece in HOSTILE:
            line = head + piece * (200_000 // len(piece))
            began = time.process_time()
            match(line)
            assert time.process_time() - began < 0.5, f"{name}: {head!r} and many {piece!r}"


def test_an_envelope_is_read_in_bounded_time():
    for head in ("", "<1>1 a b c d e ", "Jan  1 00:00:00 ", "2026-01-01T00:00:00Z a b["):
        for piece in HOSTILE:
            line = head + piece * (200_000 // len(piece))
            began = time.process_time()
            envelope(line)
            assert time.process_time() - began < 0.5, f"{head!r} and many {piece!r}"


@pytest.mark.parametrize("name", LINES)
def test_a_table_says_of_each_group_how_it_is_read(name: str):
    table = tables.line_table(name)
    groups = {group for shape in table.shapes for group in re.findall(r"\(\?P<(\w+)>", shape)}
    known = {field.name for field in table.fields.fields} | {
        part for url in table.fields.urls for part in (url.host, url.target)
    }
    assert groups - known <= {"time"}, "a group that nobody reads"
    assert known <= groups, "a field that no shape has"
    assert set(table.fields.source) | set(table.fields.destination) <= known


WRITTEN = datetime(2026, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d/%b/%Y:%H:%M:%S %z", "08/Jun/2020:06:49:01 +0200", "2020-06-08T04:49:01"),
        ("%Y-%m-%d %H:%M:%S", "2022-06-29 16:04:19,123", "2022-06-29T16:04:19.123"),
        ("%b %d %H:%M:%S", "Dec 31 23:59:59", "2025-12-31T23:59:59"),
        ("%b %d %H:%M:%S", "Jan  3 10:00:00", "2026-01-03T10:00:00"),
        ("%b %d %H:%M:%S", "Jan 4 11:00:00", "2026-01-04T11:00:00"),  # the clocks of two machines differ
        ("%b %d %H:%M:%S", "Jan  6 10:00:00", "2025-01-06T10:00:00"),
        ("%b %d %H:%M:%S", "Feb 29 10:00:00", "2024-02-29T10:00:00"),
        ("%a %b %d %H:%M:%S %Y", "Fri Oct 08 17:08:41.203277 2021", "2021-10-08T17:08:41.203277"),
        ("epoch_ms", "1618524549901", "2021-04-15T22:09:09.901"),
        ("epoch", "1286536308.779", "2010-10-08T11:11:48.779"),
        ("%b %d %H:%M:%S", "Jux  3 10:00:00", None),
        ("%b %d %H:%M:%S", "Jan 32 10:00:00", None),
        ("%Y-%m-%d %H:%M:%S", "2022-06-29 26:04:19", None),
        ("rfc3339", "yesterday", None),
        ("epoch", "1e400", None),
    ],
)
def test_times_are_read_as_programs_write_them(form: str, text: str, expected: str | None):
    found = TimeReader((form,), Assumed(UTC, WRITTEN)).at(text)
    assert found == (None if expected is None else datetime.fromisoformat(f"{expected}+00:00"))


def test_what_a_time_leaves_open_is_told():
    berlin = timezone(timedelta(hours=2))
    reader = TimeReader(("%b %d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "rfc3339"), Assumed(berlin, WRITTEN))
    assert reader.at("08/Jun/2020:06:49:01 +0200") == datetime(2020, 6, 8, 4, 49, 1, tzinfo=UTC)
    assert reader.at("2020-06-08T06:49:01-01:00") == datetime(2020, 6, 8, 7, 49, 1, tzinfo=UTC)
    assert reader.left_open == set()
    assert reader.at("2020-06-08T06:49:01") == datetime(2020, 6, 8, 4, 49, 1, tzinfo=UTC)
    assert reader.left_open == {NO_ZONE}
    assert reader.at("Jun 08 06:49:01") == datetime(2025, 6, 8, 4, 49, 1, tzinfo=UTC)
    assert reader.left_open == {NO_ZONE, NO_YEAR}


def test_the_ends_of_a_log_are_found_whatever_its_times_look_like():
    reader = TimeReader(("%d/%b/%Y:%H:%M:%S %z",))
    cells = [
        f"{day:02}/{month}/2020:{hour:02}:00:00 +0000"
        for month in ("Jan", "Apr", "Feb")
        for day in (9, 10)
        for hour in (3, 12, 20)
    ]
    times = [at for cell in reader.ends([None, *cells]) if (at := reader.at(cell))]
    assert (min(times), max(times)) == (
        datetime(2020, 1, 9, 3, tzinfo=UTC),
        datetime(2020, 4, 10, 20, tzinfo=UTC),
    )
    assert len(times) < len(cells)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<34>1 2003-10-11T22:14:15.003Z m.example su - ID47 - told", ("2003-10-11T22:14:15.003Z", "m.example", "su", "told")),
        ('<165>1 2003-10-11T22:14:15Z m.example evt 12 ID47 [a@1 b="[x"][c d="e"] told', ("2003-10-11T22:14:15Z", "m.example", "evt", "told")),
        ("<34>Oct 11 22:14:15 m su: told", ("Oct 11 22:14:15", "m", "su", "told")),
        ("Oct  1 22:14:15 m su[12]: told", ("Oct  1 22:14:15", "m", "su", "told")),
        ("Sep 8 07:46:30 canyon dovecot: auth: x", ("Sep 8 07:46:30", "canyon", "dovecot", "auth: x")),
        ("Oct 11 22:14:15 su[12]: told", ("Oct 11 22:14:15", None, "su", "told")),
        ("Oct 11 22:14:15 2001:db8::1 su[12]: told", ("Oct 11 22:14:15", "2001:db8::1", "su", "told")),
        ("2024-08-26T01:33:38.5+00:00 m postfix/smtpd[6]: told", ("2024-08-26T01:33:38.5+00:00", "m", "postfix/smtpd", "told")),
        ("Oct 11 22:14:15", None),
        ("nothing of the kind: x", None),
    ],
)  # fmt: skip
def test_envelopes_are_those_of_the_standards(line: str, expected: tuple | None):
    found = envelope(line)
    assert (found and (found.time, found.host, found.program, line[found.start :])) == expected


def test_a_log_of_several_programs_is_read_program_by_program():
    read = SyslogReader(Assumed(UTC, WRITTEN))
    lines = [
        b"Jan  3 10:00:00 gw kernel: [1.5] drop IN=eth0 OUT= MAC=aa SRC=203.0.113.7 DST=10.0.0.5 LEN=44",
        b"Jan  3 10:00:01 gw postfix/smtpd[1]: 4F1A2B3C4D: client=mx.evil.example[203.0.113.8]",
        b"Jan  3 10:00:02 gw cron[1]: (root) CMD (true)",
        b"Jan  3 10:00:03 gw postfix/qmgr[1]: 4F1A2B3C4D: removed",
        b"nothing",
    ]
    found = [read(line) for line in lines]
    assert [layout.format for layout, _ in found] == ["netfilter", "postfix", SYSLOG, "postfix", SYSLOG]
    assert [cells for _, cells in found] == [
        ("Jan  3 10:00:00", "gw", "203.0.113.7", "10.0.0.5"),
        ("Jan  3 10:00:01", "gw", "mx.evil.example", "203.0.113.8"),
        (),
        (),
        (),
    ]
    assert found[0][0].seen_at(found[0][1]) == datetime(2026, 1, 3, 10, tzinfo=UTC)


def test_a_record_of_json_behind_an_envelope_is_read_as_its_format():
    read = SyslogReader(Assumed(UTC, WRITTEN))
    event = '{"timestamp":"2026-01-03T09:59:59.000000+0000","event_type":"dns","src_ip":"10.0.0.5","dest_ip":"203.0.113.7"}'
    for mark in ("", "@cee: "):
        layout, cells = read(f"Jan  3 10:00:00 gw suricata[7]: {mark}{event}".encode())
        assert layout.format == "suricata-eve"
        assert {one.name: cells[one.columns[0]] for one in layout.fields} == {
            "src_ip": "10.0.0.5",
            "dest_ip": "203.0.113.7",
        }
        assert layout.seen_at(cells) == datetime(2026, 1, 3, 9, 59, 59, tzinfo=UTC)
    for other in ('{"a": 1}', '{"timestamp": ', "{[", "@cee:"):
        assert read(f"Jan  3 10:00:00 gw x[7]: {other}".encode()) == (nothing(SYSLOG), ())


def test_a_programs_own_time_goes_before_that_of_the_envelope():
    read = SyslogReader(Assumed(UTC, WRITTEN))
    layout, cells = read(
        b"Jan  3 10:00:00 ns named[1]: 19-Oct-2022 05:34:02.425 client @0x7f 10.0.0.5#3076 (evil.example): "
        b"query: evil.example IN A +E(0)K (10.0.0.1)"
    )
    assert layout.seen_at(cells) == datetime(2022, 10, 19, 5, 34, 2, 425_000, tzinfo=UTC)
    assert {one.name: cells[one.columns[0]] for one in layout.fields} == {
        "client": "10.0.0.5",
        "query": "evil.example",
        "server": "10.0.0.1",
    }


def test_bytes_that_are_no_text_cost_only_themselves():
    read = plain_reader("web", Assumed())
    layout, cells = read(
        b'203.0.113.7 - - [08/Jun/2020:06:49:01 +0000] "GET /\xff\xfe HTTP/1.0" 200 1 "-" "\x80"'
    )
    assert cells[layout.columns.index(("client",))] == "203.0.113.7"
