"""Open a drop without a node: what `backchannel-open.pyz` runs (docs/opening-a-drop.md).

    backchannel-open.pyz --new-key me.key                      a key of one's own, and what to tell the sender
    backchannel-open.pyz --key me.key --card alpha.card FILE   who signed it, and what is in it
    ... --extract FOLDER                                       and save it

The same checks as in a node, by the same code. It keeps nothing: neither what came before (so it does not notice
what is repeated or missing) nor whom it trusts: a card is taken for the party's that its reader says it is.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Final

from backchannel import codec
from backchannel.clock import Clock, SystemClock
from backchannel.drop import limits
from backchannel.drop.attachments import create
from backchannel.drop.manifest import Manifest, Verify, verifier
from backchannel.drop.opening import Opened, open_drop, spool
from backchannel.drop.parts import join
from backchannel.drop.sealing import Keys, new_identity, to_recipient
from backchannel.errors import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    BackchannelError,
    InputError,
    StoreError,
    UsageError,
)
from backchannel.parties.age_keys import from_recipient
from backchannel.parties.card import Card, read_any_card
from backchannel.parties.kid import Alg, Use, kid
from backchannel.parties.names import visible_name
from backchannel.parties.safety import safety_number
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of, digest_text, open_envelope
from backchannel.provenance.verification import KnownKey, Terms
from backchannel.stix.visible import visible

MAX_SMALL_BYTES: Final = 100_000
"""Largest card or file of keys that is read (bytes)."""
MAX_SHOWN: Final = 50
"""Objects that are listed; `--all` lists them all."""
_PREFIX: Final = b"AGE-SECRET-KEY-1"
_PART: Final = b"BCB-PART "
_ALWAYS: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""A card does not say how long its keys are good for: a key set does, and a node knows it."""


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Run it; return the exit code (docs/reference/exit-codes.md)."""
    options = _parser().parse_args(arguments)
    try:
        if options.new_key is not None:
            _say(_new_key(options.new_key))
        elif not options.files:
            raise UsageError("no file is named", hint="Name the drop, or - for standard input; see --help.")
        else:
            _open(options, clock or SystemClock())
    except BackchannelError as error:
        sys.stderr.write(f"{error.message}\n" + (f"Next: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_DONE


_OPTIONS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    (
        "--key",
        {
            "metavar": "FILE",
            "type": Path,
            "action": "append",
            "default": [],
            "help": "your key, as --new-key or age-keygen wrote it",
        },
    ),
    ("--passphrase", {"action": "store_true", "help": "ask for the passphrase that it is under"}),
    (
        "--passphrase-file",
        {"metavar": "FILE", "type": Path, "help": "take the passphrase from the first line of a file"},
    ),
    (
        "--card",
        {
            "metavar": "FILE",
            "type": Path,
            "action": "append",
            "default": [],
            "help": "contact card of a party whose drops you take",
        },
    ),
    ("--unverified", {"action": "store_true", "help": "show it even if no card has the key that signed it"}),
    ("--late", {"action": "store_true", "help": "show it even if its time is over"}),
    ("--all", {"action": "store_true", "help": f"list all objects, not the first {MAX_SHOWN}"}),
    (
        "--extract",
        {
            "metavar": "FOLDER",
            "type": Path,
            "help": "save objects, statements and attachments into a new folder",
        },
    ),
    (
        "--new-key",
        {"metavar": "FILE", "type": Path, "help": "make a key of your own, and say what to tell the sender"},
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backchannel-open.pyz", description="Open a drop: see who signed it and what is in it."
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="the drop, or the texts that hold its parts; - is standard input",
    )
    for name, how in _OPTIONS:
        parser.add_argument(name, **how)  # type: ignore[arg-type]
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


# --- Keys ----------------------------------------------------------------------------------------------


def _new_key(path: Path) -> str:
    identity, recipient = new_identity()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {recipient}\n{identity}\n")
    except OSError as error:
        raise StoreError(
            f"the key cannot be written to {path}: {error.strerror}", hint="Name another file."
        ) from None
    name = kid(Alg.X25519, from_recipient(recipient))
    return f"Tell the sender, by a way that nobody can change:\n  recipient  {recipient}\n  key        {name}"


def _keys(options: argparse.Namespace) -> Keys:
    found: list[str] = []
    for path in options.key:
        lines = [line.strip() for line in _read_small(path).splitlines()]
        secrets = [line.decode("ascii", "replace") for line in lines if line.startswith(_PREFIX)]
        if not secrets:
            raise InputError(f"{path} holds no key (AGE-SECRET-KEY-1...)")
        found += secrets
    passphrase: str | None = None
    if options.passphrase_file is not None:
        passphrase = (
            _read_small(options.passphrase_file).decode("utf-8", "replace").split("\n")[0].rstrip("\r")
        )
    elif options.passphrase:
        passphrase = getpass.getpass("Passphrase: ")
    if not found and passphrase is None:
        raise UsageError("nothing is named that could open it", hint="Give --key FILE or --passphrase.")
    return Keys(tuple(found), passphrase)


def _mine(keys: Keys) -> set[str]:
    return {str(kid(Alg.X25519, from_recipient(to_recipient(one)))) for one in keys.identities}


def _read_small(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SMALL_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_SMALL_BYTES:
        raise InputError(f"{path} is larger than any card or key")
    return data


# --- Verifying -----------------------------------------------------------------------------------------


def _verify(options: argparse.Namespace, cards: Sequence[Card], keys: Keys, now: datetime) -> Verify:
    """Return what verifies a manifest by the cards, or reads it unverified where that is wanted."""
    known = {str(card.kids[1]): _known(card) for card in cards}
    # Whoever was told a passphrase was chosen by telling; a key must be named in the drop.
    me = _mine(keys) if keys.identities else None
    verified = verifier(known.get, Terms(now=now, me=me, seen=None, late=options.late))

    def check(frame: bytes) -> Manifest:
        try:
            return verified(frame)
        except Rejected as refusal:
            if refusal.reason is not Reason.UNKNOWN_KEY:
                raise
            if options.unverified:
                return _unverified(frame)
            raise Rejected(
                refusal.reason, f"{refusal.detail}: name the sender's card with --card, or say --unverified"
            ) from None

    return check


def _known(card: Card) -> KnownKey:
    begin, end = _ALWAYS
    return KnownKey(
        kid=str(card.kids[1]),
        use=Use.SIGN,
        public=card.sign,
        party=card.party,
        name=card.name,
        valid_from=begin,
        valid_until=end,
    )


def _unverified(frame: bytes) -> Manifest:
    opened = open_envelope(frame, max_bytes=MAX_MANIFEST_BYTES)
    try:
        release = content_of(opened.statement)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, visible(str(error))) from None
    if not isinstance(release, Release):
        raise Rejected(Reason.WRONG_TYPE, "another statement in the place of a manifest")
    return Manifest(release, frame, digest_text(opened.digest), (Reason.NOT_VERIFIED,))


# --- Showing -------------------------------------------------------------------------------------------


def _open(options: argparse.Namespace, clock: Clock) -> None:
    keys = _keys(options)
    cards = [read_any_card(_read_small(path)) for path in options.card]
    with tempfile.TemporaryDirectory(prefix="backchannel-") as private:
        folder = Path(private)
        with (
            _received(options.files, folder) as file,
            open_drop(
                file, keys=keys, verify=_verify(options, cards, keys, clock.now()), private=folder
            ) as opened,
        ):
            _say("\n".join(_who(opened.manifest, cards)))
            _say("\n".join(_what(opened, limits.MAX_OBJECTS if options.all else MAX_SHOWN)))
            if options.extract is not None:
                _say(_extract(opened, options.extract))


def _received(names: Sequence[str], folder: Path) -> IO[bytes]:
    """Return the drop as a file: as it is, from standard input, or put together from its parts."""
    files: list[IO[bytes]] = []
    try:
        for name in names:
            source: BinaryIO = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115
            with source:
                files.append(spool(source, folder))
        if len(files) == 1 and _PART not in files[0].read(MAX_SMALL_BYTES):
            files[0].seek(0)
            return files.pop()
        return _joined(files, folder)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from None
    finally:
        for file in files:
            file.close()


def _joined(files: Sequence[IO[bytes]], folder: Path) -> IO[bytes]:
    texts: list[bytes] = []
    for file in files:
        file.seek(0)
        texts.append(file.read(2 * limits.MAX_TEXT_FILE_BYTES))
    data = join(texts)
    whole = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever opens the drop
    whole.write(data)
    whole.flush()
    return whole


def _who(manifest: Manifest, cards: Sequence[Card]) -> list[str]:
    release = manifest.release
    card = next((one for one in cards if one.kids[1] == release.from_), None)
    if card is None:
        lines = ["Signed by  NOBODY YOU KNOW: anybody can have made this", f"  key      {release.from_}"]
    else:
        # Of the sixty digits, those of the sender's side: the other thirty are of a root key, which a reader has not.
        own = (card.root_kid, card.name)
        half = safety_number(own, own).digits[:30]
        lines = [
            f"Signed by  {visible_name(card.name)}, if the card is theirs: compare these digits by telephone",
            f"  digits   {' '.join(half[at : at + 5] for at in range(0, 30, 5))}",
            f"  key      {release.from_}",
            f"  root key {card.root_kid}",
        ]
    lines += [
        f"  number   {release.seq} of channel {visible(release.chan)}, made {release.created}, good until {release.expires}",
        f"  TLP      {release.tlp_max.label} at most",
        f"  digest   {manifest.digest}",
    ]
    return [*lines, *(f"NOTE       {reason}: {reason.meaning}" for reason in manifest.notes)]


def _what(opened: Opened, most: int) -> list[str]:
    lines = [f"Objects    {opened.release.n:,}"]
    for number, one in enumerate(opened.objects()):
        if number == most:
            lines.append(f"  ... and {opened.release.n - most:,} more (--all lists them)")
            break
        lines.append(f"  {_line(codec.decode(one.jcs))}")
    lines += [f"Attachment {file.name} ({file.size:,} bytes)" for file in opened.files()]
    count = sum(chunk.type == "S" for chunk in opened.release.chunks)
    return [*lines, f"Statements {count} (a node verifies them)"] if count else lines


def _line(value: codec.JsonObject) -> str:
    said = next((value[key] for key in ("name", "pattern", "value") if isinstance(value.get(key), str)), "")
    return f"{visible(value['type'], max_chars=30):20} {visible(said, max_chars=80) or visible(value['id'])}"


def _extract(opened: Opened, folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise UsageError(
            f"{folder} is there already: nothing is overwritten", hint="Name a new folder."
        ) from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}") from None
    _, file = create(folder, "objects.json")
    with file:
        file.write(b'{"type":"bundle","id":"bundle--%s","objects":[' % str(uuid.uuid4()).encode())
        for number, one in enumerate(opened.objects()):
            file.write((b",\n" if number else b"\n") + one.jcs)
        file.write(b"\n]}\n")
    _, file = create(folder, "manifest.json")
    with file:
        file.write(opened.manifest.frame)
    for statement in opened.statements():
        _, file = create(folder, "statement.json")
        with file:
            file.write(statement)
    for attached in opened.files():
        opened.save(attached, folder)
    return f"Saved into {folder}: open attachments with care, they are as the sender made them"


if __name__ == "__main__":
    raise SystemExit(main())
