"""`pattern check` and `pattern match`: a STIX pattern tried out, for those who write them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from backchannel.cli.command import Group, pass_session, read_words
from backchannel.cli.layout import facts, heading, paragraph
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.patterns import PatternChecked, PatternLine, PatternMatched, StixVersion

MAX_NAMED = 10
"""Values and reasons shown of one pattern; `--json` has more."""

_version = click.option(
    "--stix-version",
    type=click.Choice(("2.0", "2.1")),
    help="Whose grammar. Default: that of 2.1, else that of 2.0.",
)


@click.group(cls=Group)
def pattern() -> None:
    """STIX patterns tried out: are they right, and do they match? Needs no node."""


@pattern.command(
    "check",
    forms=("json", "jsonl"),
    example="""
    backchannel pattern check "[domain-name:value = 'evil.example']"
    backchannel pattern check --jsonl patterns.jsonl
    """,
)
@click.argument("pattern_text", metavar="PATTERN")
@_version
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, pattern_text: str, stix_version: StixVersion | None) -> None:
    """Say whether PATTERN is a STIX pattern, or where it is wrong, and what of it a hunt can search.

    PATTERN may be `@FILE`, or `-` for standard input. With --jsonl it names a file of lines
    {"pattern", "stix_version"} instead. Exit code 1: part of it can never be matched; 3: it is no pattern.
    """
    from backchannel.desk.patterns import check_lines, check_pattern  # noqa: PLC0415

    if session.form == "jsonl":
        ctx.exit(_answer_lines(session, pattern_text, check_lines, lambda one: bool(one.valid)))
    found = check_pattern(read_words(pattern_text), stix_version)
    session.either(found, lambda: _checked_text(found))
    if found.fault is not None:
        raise InputError(f"it is no pattern: {found.fault.what}", hint=found.fault.mend)
    ctx.exit(EXIT_NEEDS_YOU if found.unmatchable else EXIT_DONE)


@pattern.command(
    "match",
    forms=("json", "jsonl"),
    example="""
    backchannel pattern match "[ipv4-addr:value = '203.0.113.7']" observed.json
    backchannel pattern match --jsonl - < cases.jsonl
    """,
)
@click.argument("pattern_text", metavar="PATTERN")
@click.argument("observed", required=False, metavar="OBSERVED")
@_version
@pass_session
@click.pass_context
def match(
    ctx: click.Context,
    session: Session,
    pattern_text: str,
    observed: str | None,
    stix_version: StixVersion | None,
) -> None:
    """Match PATTERN with the observed data in the file OBSERVED.

    OBSERVED holds observed-data objects of STIX 2.0, or of 2.1 with the objects they name: one, a list, a bundle, or
    one a line. It may be `-`. With --jsonl PATTERN names a file of lines {"pattern", "stix_version", "observations"}
    instead. Exit code 1: it does not match, or it cannot be said; 3: an input is not of its form.
    """
    from backchannel.desk.patterns import match_lines, match_pattern, observed_values  # noqa: PLC0415
    from backchannel.stix.pattern.observed import ObservedError  # noqa: PLC0415
    from backchannel.stix.pattern.parse import PatternError  # noqa: PLC0415

    if session.form == "jsonl":
        if observed is not None:
            raise UsageError(
                "with --jsonl the observations stand in the lines", hint="Name one file, or `-`."
            )
        ctx.exit(_answer_lines(session, pattern_text, match_lines, _is_matched))
    if observed is None:
        raise UsageError("no observed data is named", hint="Name a file of observed-data objects, or `-`.")
    text = read_words(pattern_text)
    try:
        found = match_pattern(text, observed_values(_read(observed)), stix_version)
    except PatternError as error:
        raise InputError(
            f"it is no pattern: {error}", hint="`backchannel pattern check` says more."
        ) from None
    except ObservedError as error:
        raise InputError(f"{observed}: {error}", hint="Mend the observed data, then say it again.") from None
    session.either(found, lambda: _matched_text(found))
    ctx.exit(EXIT_DONE if found.match else EXIT_NEEDS_YOU)


def _is_matched(one: PatternLine) -> bool:
    return one.valid is True and one.match is not None


def _answer_lines(
    session: Session,
    word: str,
    answer: Callable[[Iterable[bytes]], Iterator[PatternLine]],
    is_answered: Callable[[PatternLine], bool],
) -> int:
    """Write a line for each line of the file named, and return the exit code."""
    from backchannel.codec import encode  # noqa: PLC0415

    read = unread = lacking = 0
    with _opened(word) as stream, session.result() as out:
        for one in answer(_lines(stream)):
            out.write(encode(one) + b"\n")
            read += 1
            unread += one.valid is None
            lacking += not is_answered(one)
    if read and unread == read:
        return InputError.exit_code
    return EXIT_NEEDS_YOU if lacking else EXIT_DONE


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    from backchannel.desk.patterns import MAX_LINE_BYTES  # noqa: PLC0415

    while line := stream.readline(MAX_LINE_BYTES + 2):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)
            if not line:
                return


def _opened(word: str) -> BinaryIO:
    if word == "-":
        return cast("BinaryIO", sys.stdin.buffer)
    try:
        return Path(word).open("rb")
    except OSError as error:
        raise InputError(
            f"{word} cannot be read: {error.strerror}", hint="Name a file of lines, or `-`."
        ) from None


def _read(word: str) -> bytes:
    from backchannel.desk.patterns import MAX_OBSERVED_BYTES  # noqa: PLC0415

    with _opened(word) as stream:
        return stream.read(MAX_OBSERVED_BYTES + 1)


def _checked_text(found: PatternChecked) -> str:
    if found.fault is not None:
        at = found.fault.column - 1
        before = found.pattern[max(0, at - 40) : at]
        return paragraph(f"{before}>>{found.pattern[at : at + 40]}", indent=2)
    head = heading(f"A pattern of STIX {found.stix_version}")
    rows = [("a hunt searches", one) for one in found.searched[:MAX_NAMED]]
    rows += [("not searched", one) for one in found.unsearched[:MAX_NAMED]]
    rows += [("can never match", one) for one in found.unmatchable[:MAX_NAMED]]
    more = len(found.searched) + len(found.unsearched) + len(found.unmatchable) - len(rows)
    rows += [("more", f"{more:,}, see --json")] if more else []
    return f"{head}\n{facts(rows, indent=2)}"


def _matched_text(found: PatternMatched) -> str:
    word = {True: "It matches", False: "It does not match", None: "It cannot be said"}[found.match]
    note = (
        ""
        if found.valid
        else "\n" + paragraph("No validator lets this pattern pass: see `pattern check`.", indent=2)
    )
    return f"{heading(word)}\n{paragraph(found.why, indent=2)}{note}"
