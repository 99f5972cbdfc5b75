"""Whether files may go along with a drop: they bear no marking that could be read, and tell things that nobody sees.

A file counts as TLP:AMBER. Where the policy looks for what is ours, it is looked for in the name of the file, in its bytes,
and in what office documents say about their writers, which stands packed in them.
"""

from __future__ import annotations

import codecs
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from backchannel.desk.node import Node
from backchannel.desk.policy_file import in_force
from backchannel.desk.recipients import Recipient
from backchannel.desk.weighing import names_of
from backchannel.errors import InputError, PolicyError
from backchannel.parties.names import visible_name
from backchannel.policy.conditions import OURSELVES
from backchannel.policy.decide import Request, decide
from backchannel.stix.markings import Tlp
from backchannel.stix.visible import visible

ATTACHED: Final = Tlp.AMBER
"""What a file counts as that goes along: it bears no marking, and the person who attaches it sees who gets it."""
MAX_SCANNED_BYTES: Final = 64 * 2**20
"""How much of a file is looked through."""
MAX_MEMBER_BYTES: Final = 2**20
MAX_MEMBERS: Final = 50
_BEGINNING: Final = 64
"""Bytes by which it is seen whether a text is in UTF-16."""
_ABOUT: Final = ("docProps/", "meta.xml", "word/comments", "word/people")
"""How the parts of office documents begin that say who wrote them (ECMA-376, ODF 1.3)."""

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    NotImplementedError,  # zipfile's word for a compression that it does not know
    RuntimeError,  # and for a member that is encrypted
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)
"""What a damaged or hostile archive ends in."""


def check_files(node: Node, to: Recipient, files: Sequence[tuple[str, Path]], *, now: datetime) -> None:
    """See that the recipient may have files, and that nothing of ours stands in them.

    Args:
        node: ours.
        to: who is to get them.
        files: name and path of each.
        now: the present.

    Raises:
        PolicyError: they may not go; the policy cannot be read.
        InputError: one cannot be read.
    """
    force = in_force(node)
    if not files:
        return
    request = Request(
        tlp=ATTACHED,
        recipient=to.party.party_id,
        collection_allows=True,
        standing=to.standing,
        purpose="attachment",
        now=now,
        names=names_of(node, to.party, to.standing),
        type="attachment",
        source=OURSELVES,
        value={"type": "attachment"},
    )
    decision, name = decide(request, force.policy), visible_name(to.party.name)
    if not decision.allowed:
        raise PolicyError(
            f"no file may go to {name}: a file bears no marking and counts as {ATTACHED.label}; "
            f"{decision.reasons[-1].text}",
            hint=f"Verify the party first: backchannel party verify {name}",
        )
    if ATTACHED in force.policy.approval:
        raise PolicyError(
            f"no file may go to {name}: it counts as {ATTACHED.label}, for which the policy wants two persons, and no "
            "plan shows a second one what is in it",
            hint="Send the objects without --attach, or take the label out of [approval] in policy.toml.",
        )
    for called, path in files if force.scan is not None else ():
        for text in (called, *_texts(path)):
            if force.scan is not None and (leaks := force.scan.in_text(text)):
                what = f"{leaks[0].kind} {visible(leaks[0].what, max_chars=80)}"
                raise PolicyError(
                    f"{visible(called, max_chars=80)} may not go to {name}: it holds what is ours ({what})",
                    hint="Clean the file of it, or take that out of [leaks] in policy.toml.",
                )


def _texts(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            yield from _readings(file.read(MAX_SCANNED_BYTES))
        if zipfile.is_zipfile(path):
            yield from _packed(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Correct the name.") from error


def _readings(data: bytes) -> Iterator[str]:
    """Yield what bytes say as text: nothing tells in which form a file was written, and names have more than ASCII."""
    yield data.decode("latin-1")
    if not data.isascii():
        yield data.decode("utf-8", "replace")
    # Texts of Windows; one in ASCII has a zero in each second byte.
    for form, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or not any(data[zero:_BEGINNING:2]):
            yield data.decode(form, "replace")


def _packed(path: Path) -> Iterator[str]:
    """Yield what an office document says about itself; of a damaged or hostile one what can be read."""
    try:
        with zipfile.ZipFile(path) as packed:
            about = [one for one in packed.infolist() if one.filename.startswith(_ABOUT)]
            for one in about[:MAX_MEMBERS]:
                with packed.open(one) as member:
                    yield member.read(MAX_MEMBER_BYTES).decode("utf-8", "replace")
    except _UNREADABLE:
        return  # its bytes were looked through already
