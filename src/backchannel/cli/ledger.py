"""`ledger show|verify|prove|export`: what was received, released and decided, and what proves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import counted, day_and_minute, facts, heading, table
from backchannel.cli.passphrases import given_unseal, passphrase_option
from backchannel.cli.session import Session
from backchannel.codec import decode_plain
from backchannel.errors import EXIT_DONE, SignatureError, UsageError
from backchannel.parties.names import visible_name
from backchannel.stix.visible import visible

if TYPE_CHECKING:
    from backchannel.desk.ledger_documents import Ledger, LedgerEvidence, LedgerVerdict
    from backchannel.provenance.ledger.notes import VerifierKey

PAGE_ROWS = 20


@click.group(cls=Group)
def ledger() -> None:
    """What was received, released and decided, in a log that nobody can rewrite unseen, ourselves included."""


@ledger.command("show", example="backchannel ledger show")
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most shown."
)
@click.option("--before", type=click.IntRange(0), metavar="N", help="Go on below this leaf.")
@pass_session
def show(session: Session, rows: int, before: int | None) -> None:
    """Show the ledger's name, key and checkpoint, and its newest leaves."""
    from backchannel.desk.auditing import show_ledger  # noqa: PLC0415

    with session.node() as node:
        found = show_ledger(node, rows=rows, before=before)
    if session.form == "json":
        session.document(found)
        return
    session.text(_ledger_text(found))
    if found.next is not None:
        session.tell(f"Next: backchannel ledger show --before {found.next}")


@ledger.command(
    "verify",
    example="""
    backchannel ledger verify
    backchannel ledger verify ./their-ledger --key 'backchannel/k3j2m4qaz5wnxt7e+33d7b496+AeHTu4Q3...'
    backchannel ledger verify leaf-42.tlog-proof --key their.vkey
    """,
)
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--key",
    metavar="VKEY|FILE",
    help="The ledger's key, or a file with it, from its owner and not from beside the ledger. Default: our own.",
)
@click.option(
    "--witness",
    "witnesses",
    metavar="VKEY|FILE",
    multiple=True,
    help="Key of a party whose cosignature under a proof is looked for; repeats.",
)
@pass_session
def verify(session: Session, path: Path | None, key: str | None, witnesses: tuple[str, ...]) -> None:
    """Check a ledger, or a .tlog-proof, from the files alone: by default our own ledger, every leaf opened.

    A folder or proof of another party needs --key; no node is needed then. Exit code 5: something is not as it was.
    """
    from backchannel.desk.auditing import verify_folder, verify_own, verify_proof  # noqa: PLC0415
    from backchannel.desk.own_ledger import ledger_keys  # noqa: PLC0415

    if path is None:
        if key is not None:
            raise UsageError(
                "--key is for a ledger or proof that is named", hint="Name its folder or file, too."
            )
        with session.node() as node:
            verdict = verify_own(node)
    else:
        if key is not None:
            keys = _keys(key)
        else:
            with session.node() as node:
                keys = ledger_keys(node)
        if not keys:
            raise UsageError(
                "which key is the ledger signed with?",
                hint="Ask its owner for `backchannel ledger show`, and give its key with --key.",
            )
        by = [one for word in witnesses for one in _keys(word)]
        verdict = verify_folder(path, keys) if path.is_dir() else verify_proof(path, keys, witnesses=by)
    if session.form == "json":
        session.document(verdict)
    else:
        session.text(_verdict_text(verdict))
    click.get_current_context().exit(EXIT_DONE if verdict.good else SignatureError.exit_code)


@ledger.command(
    "prove",
    example="""
    backchannel ledger prove indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f -o came.tlog-proof
    backchannel ledger prove indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --to 'CERT Beta' -o went.tlog-proof
    backchannel ledger prove sha256:5d0c... -o sent.tlog-proof
    backchannel ledger prove 42
    """,
)
@click.argument("what", metavar="ID|DROP|LEAF")
@click.option(
    "--to",
    metavar="PARTY",
    help="That the object went to it: read over TAXII or as a feed, or pushed. Also: anybody.",
)
@click.option(
    "--through",
    metavar="COLLECTION|CHANNEL",
    help="With --to: through this one. Default: whichever was first.",
)
@passphrase_option
@pass_session
def prove(
    session: Session, what: str, to: str | None, through: str | None, passphrase_file: Path | None
) -> None:
    """Prove one thing to somebody else: that an object came or went, that a drop was sent or taken, or what a leaf says.

    The result is a .tlog-proof file. It opens this one leaf to whoever gets it, and tells nothing of the others.
    """
    from backchannel.desk.auditing import To  # noqa: PLC0415
    from backchannel.desk.auditing import prove as make  # noqa: PLC0415

    if through is not None and to is None:
        raise UsageError("--through says by which way an object went", hint="Say to whom: --to PARTY.")
    whom = None if to is None else To(to, through)
    with session.node() as node:
        found = make(node, session.clock, what, to=whom, unseal=given_unseal(node, passphrase_file))
    if session.form == "json":
        session.document(found)
        return
    with session.result() as out:
        out.write(found.proof.encode())
    session.tell(
        f"Leaf {found.leaf.index} ({found.leaf.kind}, {found.leaf.about}) of {found.origin}.\n"
        f"Next: whoever gets it runs backchannel ledger verify FILE --key '{found.vkey}'"
    )


@ledger.command(
    "export",
    writes_file=False,
    example="""
    backchannel ledger export ./ledger
    backchannel ledger export --evidence ./evidence
    """,
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--evidence", is_flag=True, help="Instead, what shows that other parties rewrote theirs.")
@passphrase_option
@pass_session
def export(session: Session, folder: Path, evidence: bool, passphrase_file: Path | None) -> None:
    """Copy the ledger into a folder for others: to be served as static files, or carried on a stick.

    Leaves are blinded: whoever has the folder sees kinds, days and numbers. Said again, the export grows.
    """
    from backchannel.desk.ledger_export import export_ledger  # noqa: PLC0415

    if evidence:
        _export_evidence(session, folder)
        return
    with session.node() as node:
        found = export_ledger(node, session.clock, folder, unseal=given_unseal(node, passphrase_file))
    if session.form == "json":
        session.document(found)
        return
    session.text(
        f"{counted(found.size, 'leaf', 'leaves')} of {found.origin} in {counted(found.files, 'file')} in {found.folder}"
    )
    session.tell(
        "Next: give its key to whoever checks it, by another way than the folder: backchannel ledger show"
    )


def _export_evidence(session: Session, folder: Path) -> None:
    from backchannel.desk.watched import export_evidence  # noqa: PLC0415

    with session.node() as node:
        found = export_evidence(node, folder)
    if session.form == "json":
        session.document(found)
        return
    for one in found.evidence:
        session.text(f"{folder / str(one.number)}  {_evidence_text(one)}")
    session.tell("Next: check the two notes with any tool for C2SP checkpoints, and call the party.")


def _evidence_text(one: LedgerEvidence) -> str:
    told = f", as {visible_name(one.told_by)} was shown it" if one.told_by else ""
    sizes = f"{one.first_size:,} and {one.second_size:,} leaves"
    return f"{visible_name(one.party)}: {one.breach}, {sizes}, {day_and_minute(one.seen_at)}{told}"


def _keys(word: str) -> tuple[VerifierKey, ...]:
    """Read a key on the command line, or the file that holds it."""
    from backchannel.provenance.ledger.notes import parse_vkey  # noqa: PLC0415
    from backchannel.provenance.reasons import Rejected  # noqa: PLC0415

    path = Path(word)
    try:
        if len(word) < 256 and path.is_file():
            with path.open(encoding="utf-8") as file:
                return tuple(
                    parse_vkey(line.strip()) for line in file.read(64 * 2**10).splitlines() if line.strip()
                )
        return (parse_vkey(word),)
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"{path} cannot be read as a key", hint="It holds one line NAME+ID+BASE64."
        ) from None
    except Rejected as error:
        raise UsageError(
            error.message, hint="Copy the whole key that `backchannel ledger show` prints."
        ) from None


def _ledger_text(found: Ledger) -> str:
    if found.origin is None:
        return "Nothing was entered yet. The ledger begins with the first import."
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items())
    about = facts(
        [
            ("key", found.vkey or ""),
            ("as witness", found.witness or ""),
            ("folder", found.folder),
            ("leaves", f"{found.size:,}" + (f": {kinds}" if kinds else "")),
            ("root", found.root or ""),
            ("waiting", counted(found.waiting, "leaf", "leaves") if found.waiting else "none"),
        ],
        indent=2,
    )
    rows = [
        (str(one.index), one.kind, one.about, day_and_minute(one.recorded_at).removesuffix(" UTC"))
        for one in found.leaves
    ]
    leaves = table(("leaf", "kind", "about", "when"), rows, numbers=("leaf",), keep=("leaf", "kind"))
    parts = [heading(found.origin), about, *(["", leaves] if rows else [])]
    ours = {one.party: one.size for one in found.cosigned}
    seen = [
        (
            visible_name(one.party),
            f"{one.size:,}" if one.size is not None else "-",
            f"{one.cosigned or 0:,}",
            f"{ours.get(one.party, 0):,}",
        )
        for one in found.watched
    ]
    if seen:
        heads = ("ledger of", "seen", "cosigned", "of ours")
        parts += ["", table(heads, seen, numbers=heads[1:], keep=heads[:1])]
    parts += [f"evidence {one.number}: {_evidence_text(one)}" for one in found.evidence]
    return "\n".join(parts)


def _how(record: str | None) -> str:
    """Say how an object of a proof came, or what a record says of how it went."""
    if record is None:
        return "came with it"
    told = decode_plain(record.encode()) or {}
    party, way = told.get("party"), visible(str(told.get("collection")), max_chars=100)
    whom = visible_name(party) if isinstance(party, str) else "somebody who did not say who they are"
    how = {
        "objects": f"went to {whom}",
        "ids": f"was named to {whom} by its id and version, and did not go itself",
        "made": f"was among those of which something was made that went to {whom}",
    }
    return f"{how.get(str(told.get('what')), f'went to {whom}')}, through {way}"


def _verdict_text(found: LedgerVerdict) -> str:
    word = "Good" if found.good else f"NOT GOOD: {counted(found.faults_total, 'fault')}"
    lines = [heading(f"{word}: {found.origin}, {counted(found.size, 'leaf', 'leaves')}")]
    rows = [("root", found.root)]
    if found.index is None:
        rows.append(("read", f"{counted(found.files, 'file')}, {counted(found.entries, 'entry', 'entries')}"))
    else:
        rows.append(("leaf", f"{found.index}"))
    if found.opened and found.index is None:
        rows.append(("opened", f"{found.opened:,} by the store"))
    if found.unopened:
        rows.append(("not opened", f"{found.unopened:,}: from before the store was restored, or dummies"))
    if found.waiting:
        rows.append(("waiting", f"{counted(found.waiting, 'leaf', 'leaves')}: nothing is proved of them yet"))
    if found.sent or found.received:
        rows.append(("drops", f"{found.sent:,} sent, {found.received:,} received"))
    rows += [
        (
            "cosigned",
            f"{visible_name(one.party)}: {counted(one.size, 'leaf', 'leaves')}, {day_and_minute(one.stated_at)}",
        )
        for one in found.cosigned
    ]
    if found.statement is not None:
        rows.append(("says", found.statement))
    if found.record is not None:
        rows.append(("record", found.record))
    if found.object is not None:
        rows.append(("shows", f"that the object {found.object} {_how(found.record)}"))
    rows += [(one.path, f"{one.what} ({one.reason})") for one in found.faults]
    return "\n".join([*lines, facts(rows, indent=2)])
