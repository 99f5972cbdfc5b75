"""The format's page says what the program reads and writes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from tests.sim.party import ALPHA, NOW

from backchannel.parties.kid import Alg, Use, kid
from backchannel.provenance.predicates import PREDICATES, Receipt
from backchannel.provenance.receipts import TASKS
from backchannel.provenance.redactable import LOCKED
from backchannel.provenance.statement import Envelope, Statement, digest_text
from backchannel.provenance.verification import KnownKey, Terms, verify

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats" / "statement.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_lists_the_fields_of_every_kind_and_which_may_be_left_out():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section("Kinds of statement"), re.MULTILINE))
    assert set(rows) == set(PREDICATES)
    for name, kind in PREDICATES.items():
        optional = re.findall(r"\*`(\w+)`\*", rows[name])
        required = re.findall(r"`(\w+)`", re.sub(r"\*`\w+`\*", "", rows[name]))
        fields = msgspec.structs.fields(kind)
        assert set(required) == {field.encode_name for field in fields if field.required}, name
        assert set(optional) == {field.encode_name for field in fields if not field.required}, name


def test_the_page_lists_the_members_of_envelope_and_statement():
    for heading, kind in (("The envelope", Envelope), ("The statement", Statement)):
        named = re.findall(r"^\| `(\w+)` \|", section(heading), re.MULTILINE)
        assert set(named) == {field.encode_name for field in msgspec.structs.fields(kind)}


def test_the_page_lists_the_locked_fields_and_the_reasons_for_declining():
    listed = section("Redactable objects").partition("is one of")[2]
    assert set(re.findall(r"`(\w+)`", listed)) == LOCKED
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", section("Receipts"), re.MULTILINE)
    codes = {code: asks for row, asks in rows for code in re.findall(r"`([\w-]+)`", row)}
    reason = next(field for field in msgspec.structs.fields(Receipt) if field.name == "reason")
    assert reason.type is not None
    assert {code for code, asks in codes.items() if asks != "nothing"} == set(TASKS)


def test_the_example_verifies_with_its_key_and_has_its_digest():
    public, digest, envelope = re.search(
        r"Public key `(\w+)`.+?`(sha256:\w+)`.+?```json\n(.+?)\n```", PAGE, re.DOTALL
    ).groups()
    key_id = kid(Alg.ED25519, bytes.fromhex(public))
    base = ALPHA.known(use=Use.SIGN)
    fields = {name: getattr(base, name) for name in KnownKey.__dataclass_fields__}
    key = KnownKey(**(fields | {"kid": key_id, "public": bytes.fromhex(public)}))
    found = verify(envelope.encode(), {key_id: key}.get, Terms(now=NOW, me=None, seen=None))
    assert digest_text(found.digest) == digest
    assert found.statement.predicate_type == "origin"
