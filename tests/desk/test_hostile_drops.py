"""Hostile drops with real keys, at the desk: refused whole with the exact reason, or object by object in quarantine."""

from __future__ import annotations

import base64
import io
import json
import random
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.desk.drops import AMBER, GREEN, indicator, keep, nodes, send, take
from tests.desk.hostile import (
    Parts,
    draft,
    everything,
    forged,
    identities,
    is_refused,
    made_of,
    measured,
    opened_by,
    resaid,
    signing_key,
    why_quarantined,
    with_objects,
)
from tests.desk.made import CLOCK, NOW
from tests.drop.made import encrypted, frame, lines, listed, plaintext, root_of
from tests.drop.test_hostile import T13, borders

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.batches import undo_batch
from backchannel.desk.key_care import rotate
from backchannel.desk.node import Node
from backchannel.desk.own_news import own_news
from backchannel.desk.receipt_drops import take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.drop.links import Group, Proven
from backchannel.drop.manifest import signer, verifier
from backchannel.drop.sealing import decrypt, encrypt, new_identity
from backchannel.drop.sequence import contradict
from backchannel.ids import sha256
from backchannel.parties.card import read_card
from backchannel.parties.kid import Alg, Use, kid
from backchannel.provenance.leaves import grow
from backchannel.provenance.predicates import Chunk, Origin, Permit, Receipt, Relay
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import ObjectSubject, RootSubject, digest_text, make, open_envelope
from backchannel.provenance.verification import KnownKey, Terms
from backchannel.stix.markings import Tlp

BROKEN = (
    Reason.DAMAGED,
    Reason.TRUNCATED,
    Reason.NOT_FOR_US,
    Reason.BAD_HEADER,
    Reason.NOT_A_DROP,
    Reason.BAD_ARMOR,
    Reason.WORK_FACTOR,
)
ONE, TWO = (codec.canonical(indicator(number)) for number in (1, 2))


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


@pytest.fixture
def two(three: list[Node]) -> tuple[Node, Node]:
    return three[0], three[1]


def honest(alpha: Node, beta: Node, count: int = 3) -> bytes:
    return send(alpha, beta, keep(alpha, [indicator(number) for number in range(count)])).path.read_bytes()


def still_works(alpha: Node, beta: Node) -> None:
    found = take(beta, honest(alpha, beta))
    assert (found.state, found.objects, found.stored + found.known) == ("taken", 3, 3)


# --- The medium ----------------------------------------------------------------------------------------


def test_t01_flipped_bytes_are_refused_and_nothing_is_imported(two: tuple[Node, Node]):
    alpha, beta = two
    data = honest(alpha, beta)
    chance = random.Random(1)
    for at in (0, 25, *range(30, 200, 17), *chance.sample(range(200, len(data)), 12), len(data) - 1):
        is_refused(beta, bytes([*data[:at], data[at] ^ 1 << at % 8, *data[at + 1 :]]), *BROKEN)
    assert take(beta, data).stored == 3


def test_t02_a_drop_cut_at_the_borders_of_its_frames_leaves_the_store_unchanged(two: tuple[Node, Node]):
    alpha, beta = two
    body = lines(ONE, TWO)
    signed = signer(signing_key(alpha))(
        draft(alpha, beta, chunks=listed([("S", b"{}"), ("O", body)]), n=2, root=root_of(ONE, TWO))
    ).frame
    plain = plaintext(frame("M", signed), frame("S", b"{}"), frame("O", body))
    age = recipient_of(alpha, "Beta").age_recipient
    for at in borders(plain):
        for cut in (at, at + 7):
            is_refused(beta, encrypted(plain[:cut], age), Reason.TRUNCATED)
    data = honest(alpha, beta)
    for cut in (5, 100, 300, len(data) // 2, len(data) - 1):
        is_refused(beta, data[:cut], *BROKEN)
    assert take(beta, data).stored == 3


def test_t03_a_drop_again_changes_nothing_and_is_kept_nowhere(two: tuple[Node, Node]):
    alpha, beta = two
    data = honest(alpha, beta)
    take(beta, data)
    before = everything(beta)
    assert take(beta, data).state == "replay"
    assert everything(beta) == before
    assert beta.store.statements.open_refused() == 0


def test_t04_two_drops_under_one_number_are_evidence_that_verifies_alone(two: tuple[Node, Node]):
    alpha, beta = two
    take(beta, honest(alpha, beta))
    chunks = [("O", lines(ONE))]
    other = forged(alpha, beta, chunks, n=1, root=root_of(ONE), bundle="0a" * 16)
    is_refused_but_suspended(beta, other)
    rows = beta.store.database.execute("SELECT envelope FROM statement WHERE kind = 'release'").fetchall()
    party = beta.store.parties.by_name("Alpha")
    assert party is not None
    body = beta.store.membership.card(party.party_row)
    assert body is not None
    # From here on with nothing but the two manifests and the sender's card.
    card = read_card(body)
    year = timedelta(days=365)
    known = KnownKey(
        kid=kid(Alg.ED25519, card.sign),
        use=Use.SIGN,
        public=card.sign,
        party=card.party,
        name=card.name,
        valid_from=NOW - year,
        valid_until=NOW + year,
    )
    check = verifier({str(known.kid): known}.get, Terms(now=NOW, me=None, seen=None))
    first, second = (check(row[0]) for row in rows)
    assert contradict((first.release, first.digest), (second.release, second.digest))
    assert not contradict((first.release, first.digest), (first.release, first.digest))


def is_refused_but_suspended(beta: Node, data: bytes) -> None:
    is_refused(beta, data, Reason.EQUIVOCATION)
    party = beta.store.parties.by_name("Alpha")
    assert party is not None
    assert beta.store.membership.standing(party.party_row) == "suspended"
    is_refused(beta, data, Reason.PARTY_SUSPENDED)


def test_t05_a_reader_that_encrypts_it_on_to_a_third_cannot_pass_for_its_sender(three: list[Node]):
    alpha, beta, gamma = three
    data = honest(alpha, beta)
    plain, again = io.BytesIO(), io.BytesIO()
    decrypt(io.BytesIO(data), plain, identities(beta), is_passphrase=False)
    encrypt(io.BytesIO(plain.getvalue()), again, [recipient_of(beta, "Gamma").age_recipient])
    is_refused(gamma, again.getvalue(), Reason.NOT_ADDRESSED)


def test_t06_a_drop_is_taken_within_a_day_of_its_times_and_not_beyond(two: tuple[Node, Node]):
    alpha, beta = two
    expires = NOW + timedelta(days=30)
    ahead = send(alpha, beta, keep(alpha, [indicator(1)]), clock=FixedClock(NOW)).path.read_bytes()
    is_refused(beta, ahead, Reason.NOT_YET_VALID, clock=FixedClock(NOW - timedelta(hours=25)))
    is_refused(beta, ahead, Reason.EXPIRED, clock=FixedClock(expires + timedelta(hours=25)))
    late = take(beta, ahead, FixedClock(expires + timedelta(hours=25)), late=True)
    assert (late.state, [note.code for note in late.notes]) == ("taken", ["expired"])
    for number, clock in enumerate(
        (FixedClock(NOW - timedelta(hours=23)), FixedClock(expires + timedelta(hours=23))), 2
    ):
        made = send(alpha, beta, keep(alpha, [indicator(number)])).path.read_bytes()
        assert take(beta, made, clock).state == "taken"


def test_t07_no_recipient_another_one_and_33_are_refused(two: tuple[Node, Node]):
    alpha, beta = two
    other = forged(alpha, beta, [("O", lines(ONE))], n=1, root=root_of(ONE))
    plain = io.BytesIO()
    decrypt(io.BytesIO(other), plain, identities(beta), is_passphrase=False)
    elsewhere = encrypted(plain.getvalue(), *(new_identity()[1] for _ in range(3)))
    is_refused(beta, elsewhere, Reason.NOT_FOR_US)
    mac = base64.b64encode(bytes(32)).rstrip(b"=")
    is_refused(beta, b"age-encryption.org/v1\n--- " + mac + b"\n" + bytes(48), Reason.BAD_HEADER)
    age = recipient_of(alpha, "Beta").age_recipient
    crowd = encrypted(plain.getvalue(), *(new_identity()[1] for _ in range(32)), age)
    is_refused(beta, crowd, Reason.BAD_HEADER)
    still_works(alpha, beta)


# --- Hostile content -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", T13)
def test_t13_json_of_two_meanings_is_refused_whole(two: tuple[Node, Node], name: str):
    alpha, beta = two
    body, reason = T13[name]
    is_refused(beta, with_objects(alpha, beta, body.replace(b"\n", b"")), reason)


def test_t15_more_and_larger_objects_than_a_drop_may_hold_are_refused(two: tuple[Node, Node]):
    alpha, beta = two
    listing = [Chunk(i=0, type="O", len=2**30, sha256="0" * 64)]
    is_refused(beta, forged(alpha, beta, [("O", b"x")], listing=listing, n=1), Reason.TOO_LARGE)
    many = forged(alpha, beta, [("O", lines(ONE))], n=10_000_000, root=root_of(ONE))
    is_refused(beta, many, Reason.TOO_MANY)
    more = forged(alpha, beta, [("O", lines(ONE, TWO))], n=1, root=root_of(ONE))
    is_refused(beta, more, Reason.CHUNK_MISMATCH)
    still_works(alpha, beta)


def test_t15_an_object_of_ten_million_labels_is_too_large(two: tuple[Node, Node]):
    alpha, beta = two
    labels = b'{"id":"x--1","labels":[' + b",".join([b'"a"'] * 4_000_000) + b'],"type":"x"}'
    is_refused(beta, with_objects(alpha, beta, labels), Reason.TOO_LARGE, Reason.BAD_FORM)


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "/etc/passwd",
        "..",
        "C:\\x",
        "CON",
        "nul.txt",
        "a" * 201,
        "a\u202egpj.exe",
        ".hidden",
        "-rf",
        "a/b",
    ],
)
def test_t17_a_hostile_name_of_an_attachment_is_refused_and_nothing_is_written(
    two: tuple[Node, Node], name: str, tmp_path: Path
):
    alpha, beta = two
    [chunk] = listed([("A", b"evil")])
    listing = [msgspec.structs.replace(chunk, name=name)]
    is_refused(beta, forged(alpha, beta, [("A", b"evil")], listing=listing), Reason.BAD_NAME)
    assert list(tmp_path.rglob("*passwd*")) == []


def test_t18_patterns_that_blow_up_cost_no_time_and_leave_their_neighbours(two: tuple[Node, Node]):
    alpha, beta = two
    blown = [
        indicator(1, pattern="[url:value MATCHES '(a+)+(a+)+(a+)+$']"),
        indicator(2, pattern="[" + "(" * 5_000 + "a:b = 'c'" + ")" * 5_000 + "]"),
        indicator(3, pattern=" FOLLOWEDBY ".join(["[a:b = 'c']"] * 5_000)),
        indicator(4, pattern="[url:value MATCHES '(((((x{1,1000}){1,1000}){1,1000})))']"),
    ]
    fine = indicator(5)
    data = with_objects(alpha, beta, *(codec.canonical(one) for one in (*blown, fine)))
    with measured():
        found = take(beta, data)
    assert found.objects == 5
    assert beta.store.objects.current(str(fine["id"])) is not None
    why = why_quarantined(beta, [str(one["id"]) for one in (*blown, fine)])
    assert why[str(fine["id"])] == ""
    assert why[str(blown[1]["id"])]


# --- Relays: Beta had it from Alpha, and gives Gamma something else ------------------------------------


@pytest.fixture
def relayed(three: list[Node]) -> Parts:
    """What an honest drop of Beta's to Gamma holds, of three objects of Alpha's."""
    alpha, beta, gamma = three
    batch = take(beta, honest(alpha, beta)).batch
    assert batch is not None
    return opened_by(gamma, send(beta, gamma, batch).path.read_bytes())


IDS = [str(indicator(number)["id"]) for number in range(3)]


def test_what_the_relay_leaves_as_it_was_is_used(three: list[Node], relayed: Parts):
    _, beta, gamma = three
    assert take(gamma, made_of(relayed, beta, gamma)).stored == 3
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "")


CHANGES: list[dict[str, object]] = [
    {"name": "another"},
    {"pattern": "[domain-name:value = 'x.example']"},
    {"object_marking_refs": [AMBER]},
    {"description": "added"},
    {"confidence": 100},
    {"valid_from": "2026-01-02T03:04:06Z"},
]


@pytest.mark.parametrize("change", CHANGES)
def test_t20_an_object_that_a_relay_changed_and_signed_is_altered_and_its_neighbours_are_used(
    three: list[Node], relayed: Parts, change: dict[str, object]
):
    _, beta, gamma = three
    relayed.objects[1] |= change
    resaid(relayed, beta, subject=roots(relayed))
    found = take(gamma, made_of(relayed, beta, gamma))
    assert (found.stored, found.quarantined) == (2, 1)
    assert why_quarantined(gamma, IDS) == {IDS[0]: "", IDS[1]: "altered", IDS[2]: ""}
    assert gamma.store.objects.current(IDS[1]) is None


@pytest.mark.parametrize("change", CHANGES)
def test_t20_an_object_that_was_changed_under_what_a_relay_signed_costs_all_that_it_signed(
    three: list[Node], relayed: Parts, change: dict[str, object]
):
    """The root is over all of them, and nothing says which one it is."""
    _, beta, gamma = three
    relayed.objects[1] |= change
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "bad-proof")
    assert all(gamma.store.objects.current(one) is None for one in IDS)


def test_t20_a_proof_that_is_left_out_is_no_proof(three: list[Node], relayed: Parts):
    _, beta, gamma = three
    relayed.links = [line for line in relayed.links if isinstance(line, Group) or line.o != 1]
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == {IDS[0]: "", IDS[1]: "bad-proof", IDS[2]: ""}


def roots(parts: Parts) -> RootSubject:
    """What a statement about these objects as they are names."""
    return grow(parts.salts, [sha256(codec.canonical(one)) for one in parts.objects]).subject


@pytest.mark.parametrize(
    "changes",
    [
        {"marking_in": Tlp.CLEAR, "marking_out": Tlp.CLEAR},
        {"marking_out": Tlp.CLEAR},
    ],
)
def test_t21_a_relay_that_widens_what_it_was_given_is_quarantined(
    three: list[Node], relayed: Parts, changes: dict[str, object]
):
    _, beta, gamma = three
    resaid(relayed, beta, **changes)
    take(gamma, made_of(relayed, beta, gamma))
    assert set(why_quarantined(gamma, IDS).values()) == {"downgraded-marking"}


@pytest.mark.parametrize("marking", [None, GREEN[:-1] + "3", AMBER])
@pytest.mark.parametrize("is_signed", [True, False])
def test_t21_an_object_whose_marking_was_removed_or_replaced_is_quarantined(
    three: list[Node], relayed: Parts, marking: str | None, is_signed: bool
):
    _, beta, gamma = three
    for one in relayed.objects:
        one.pop("object_marking_refs")
        if marking is not None:
            one["object_marking_refs"] = [marking]
    if is_signed:
        resaid(relayed, beta, subject=roots(relayed))
    take(gamma, made_of(relayed, beta, gamma))
    assert set(why_quarantined(gamma, IDS).values()) == {"altered" if is_signed else "bad-proof"}
    assert all(gamma.store.objects.current(one) is None for one in IDS)


def test_t21_amber_strict_does_not_become_amber(three: list[Node]):
    alpha, beta, gamma = three
    parts = opened_by(beta, signed_as(Tlp.AMBER_STRICT, alpha, beta, indicator(0, None)))
    origin = open_envelope(parts.statements[0])
    relay = Relay(
        prev=digest_text(origin.digest),
        hops=1,
        from_=signing_key(alpha).kid,
        to=[signing_key(gamma).kid],
        received_at="2026-02-28",
        handling="verbatim",
        marking_in=Tlp.AMBER_STRICT,
        marking_out=Tlp.AMBER,
    )
    said = make(relay, subject=roots(parts), aud=["*"], key=signing_key(beta), iat=NOW)
    parts.statements.append(said)
    names = (digest_text(origin.digest), digest_text(open_envelope(said).digest))
    parts.links = [Group(chain=names, first=0, n=1)]
    parts.release = draft(beta, gamma)
    take(gamma, made_of(parts, beta, gamma))
    assert why_quarantined(gamma, IDS[:1]) == {IDS[0]: "downgraded-marking"}


def test_t22_a_hop_that_is_removed_has_no_origin(three: list[Node], relayed: Parts):
    """The relay alone, as if it had come without any statement."""
    _, beta, gamma = three
    [group] = [line for line in relayed.links if isinstance(line, Group)]
    relayed.links = [msgspec.structs.replace(group, chain=group.chain[1:])]
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "no-origin")


def test_t22_hops_in_another_order_have_no_origin_at_their_beginning(three: list[Node], relayed: Parts):
    _, beta, gamma = three
    relayed.links = [
        msgspec.structs.replace(line, chain=line.chain[::-1]) if isinstance(line, Group) else line
        for line in relayed.links
    ]
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "no-origin")


def test_t22_the_origin_of_another_object_does_not_stand_behind_this_one(three: list[Node], relayed: Parts):
    alpha, beta, gamma = three
    other = opened_by(beta, signed_as(Tlp.GREEN, alpha, beta, indicator(9)))
    [group] = [line for line in relayed.links if isinstance(line, Group)]
    relayed.statements += other.statements
    spliced = digest_text(open_envelope(other.statements[0]).digest)
    relayed.links = [msgspec.structs.replace(group, chain=(spliced, *group.chain[1:]))]
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "bad-proof")
    # With a proof, as it stands in its own drop, and the relay's statement made to follow it.
    resaid(relayed, beta, prev=spliced)
    tree = grow(other.salts, [sha256(codec.canonical(one)) for one in other.objects])
    [line] = relayed.links
    relayed.links = [line, *(Proven(of=spliced, o=at, proof=tree.proof(0)) for at in range(3))]
    relayed.release = msgspec.structs.replace(relayed.release, bundle=secrets.token_hex(16), seq=5)
    relayed.objects = [one | {"modified": "2026-01-04T00:00:00.000Z"} for one in relayed.objects]
    resaid(relayed, beta, subject=roots(relayed))
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "altered")


def test_t22_an_origin_in_anothers_name_is_a_forged_hop(three: list[Node], relayed: Parts):
    alpha, beta, gamma = three
    at, envelope = next(
        (at, one)
        for at, one in enumerate(relayed.statements)
        if open_envelope(one).statement.predicate_type == "origin"
    )
    outer = json.loads(envelope)
    outer["signatures"][0]["sig"] = base64.b64encode(signing_key(beta).sign(b"something else")).decode()
    relayed.statements[at] = codec.encode(outer)
    take(gamma, made_of(relayed, beta, gamma))
    assert set(why_quarantined(gamma, IDS).values()) == {"forged-hop"}
    assert gamma.store.objects.current(IDS[0]) is None
    still_works(alpha, gamma)


def test_t22_a_hop_out_of_another_chain_is_quarantined(three: list[Node], relayed: Parts):
    _, beta, gamma = three
    resaid(relayed, beta, prev=digest_text(bytes(32)))
    take(gamma, made_of(relayed, beta, gamma))
    assert set(why_quarantined(gamma, IDS).values()) == {"broken-chain"}


def test_t22_an_origin_that_a_relay_invents_is_its_own_word(three: list[Node], relayed: Parts):
    """Beta may claim what it has from Alpha as its own: two origins stand then, and Alpha's is not taken for it."""
    _, beta, gamma = three
    [group] = [line for line in relayed.links if isinstance(line, Group)]
    subject = next(
        open_envelope(one).statement.subject
        for one in relayed.statements
        if open_envelope(one).statement.predicate_type == "relay"
    )
    assert isinstance(subject, RootSubject)
    claimed = make(
        Origin(collection="first-hand", otag="0a" * 32, marking=Tlp.GREEN),
        subject=subject,
        aud=["*"],
        key=signing_key(beta),
        iat=NOW,
    )
    relayed.statements = [claimed]
    relayed.links = [msgspec.structs.replace(group, chain=(digest_text(open_envelope(claimed).digest),))]
    found = take(gamma, made_of(relayed, beta, gamma))
    assert (found.stored, found.sender) == (3, "Beta")


RECEIPT = Receipt(
    manifest=digest_text(bytes(32)), seq=1, verdict="accepted", state="received", when="2026-01-15"
)
ABOUT = ObjectSubject(id=str(indicator(0)["id"]), jcs=digest_text(sha256(codec.canonical(indicator(0)))))
PERMIT = Permit(to=["*"], until="2026-12-01T00:00:00Z", marking=Tlp.CLEAR)


@pytest.mark.parametrize("predicate", [RECEIPT, PERMIT], ids=["a receipt", "a permit"])
def test_t23_what_is_no_origin_in_the_place_of_one_is_of_the_wrong_type(
    three: list[Node], relayed: Parts, predicate: Receipt | Permit
):
    _, beta, gamma = three
    [group] = [line for line in relayed.links if isinstance(line, Group)]
    said = make(predicate, subject=[ABOUT], aud=["*"], key=signing_key(beta), iat=NOW)
    relayed.statements = [said]
    relayed.links = [msgspec.structs.replace(group, chain=(digest_text(open_envelope(said).digest),))]
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "wrong-type")
    assert gamma.store.objects.current(IDS[0]) is None


def test_t23_a_receipt_that_is_named_as_a_permit_permits_nothing(three: list[Node], relayed: Parts):
    alpha, beta, gamma = three
    said = make(RECEIPT, subject=[ABOUT], aud=["*"], key=signing_key(alpha), iat=NOW)
    relayed.statements.append(said)
    relayed.release = msgspec.structs.replace(
        relayed.release, permit=[digest_text(open_envelope(said).digest)]
    )
    resaid(relayed, beta, marking_out=Tlp.CLEAR)
    take(gamma, made_of(relayed, beta, gamma))
    assert why_quarantined(gamma, IDS) == dict.fromkeys(IDS, "no-permit")


def test_t23_a_receipt_whose_kind_was_changed_under_its_signature_is_no_statement(
    three: list[Node], relayed: Parts
):
    """Signed by its originator as what it is, and given out as the other."""
    alpha, beta, gamma = three
    said = json.loads(make(RECEIPT, subject=[ABOUT], aud=["*"], key=signing_key(alpha), iat=NOW))
    payload = base64.b64decode(said["payload"]).replace(
        b'"predicateType":"receipt"', b'"predicateType":"permit"'
    )
    said["payload"] = base64.b64encode(payload).decode()
    relayed.statements.append(codec.encode(said))
    take(gamma, made_of(relayed, beta, gamma))
    [row, *_] = gamma.store.statements.refused(before=None, rows=5, is_open=True)
    assert (row.what, row.reason) == ("statement", "bad-signature")


def test_t24_another_content_under_the_same_id_is_kept_beside_and_takes_nothings_place(three: list[Node]):
    alpha, beta, gamma = three
    take(gamma, honest(alpha, gamma, 1))
    [before] = gamma.store.objects.all_versions(IDS[0], at_most=5)
    batch = keep(beta, [indicator(0, name="another")])
    found = take(gamma, send(beta, gamma, batch).path.read_bytes())
    assert found.conflict == 1
    assert len(gamma.store.objects.all_versions(IDS[0], at_most=5)) == 2
    current = gamma.store.objects.current(IDS[0])
    assert current is not None
    assert current.digest == before.digest


# --- Longer than a channel is read ---------------------------------------------------------------------


def test_t03_t04_an_old_number_is_known_however_many_drops_came_since(two: tuple[Node, Node]):
    alpha, beta = two
    drops = [honest(alpha, beta, 1) for _ in range(6)]
    for one in drops:
        take(beta, one)
    assert take(beta, drops[0]).state == "replay"
    is_refused(beta, with_objects(alpha, beta, ONE, seq=1), Reason.EQUIVOCATION)


def test_t04_what_was_undone_is_evidence_all_the_same_and_may_come_again(two: tuple[Node, Node]):
    alpha, beta = two
    first = honest(alpha, beta)
    batch = take(beta, first).batch
    assert batch is not None
    undo_batch(beta, CLOCK, batch)
    again = take(beta, first)
    assert (again.state, again.notes) == ("taken", ())
    undo_batch(beta, CLOCK, again.batch or batch)
    second = take(beta, honest(alpha, beta))
    assert (second.state, second.missing) == ("taken", ()), "the first one came, so nothing is missing"
    is_refused(beta, with_objects(alpha, beta, ONE, seq=0, bundle="0a" * 16), Reason.EQUIVOCATION)


def test_t04_two_drops_behind_one_are_evidence_though_the_key_was_changed_between(two: tuple[Node, Node]):
    alpha, beta = two
    take(beta, honest(alpha, beta))
    kids = {signing_key(alpha).kid}
    [first] = beta.store.places.near(kids, draft(alpha, beta).chan, 0)
    follows = {"seq": 1, "prev": digest_text(first.digest)}
    take(beta, with_objects(alpha, beta, ONE, **follows, bundle="0a" * 16))
    rotate(alpha, CLOCK, uses=[Use.SIGN])
    fork = with_objects(alpha, beta, TWO, **follows, bundle="0b" * 16)
    take_statements(beta, CLOCK, own_news(alpha), "news")
    assert signing_key(alpha).kid not in kids
    is_refused(beta, fork, Reason.EQUIVOCATION)


def test_a_party_that_comes_back_from_a_backup_counts_anew_and_is_not_accused(two: tuple[Node, Node]):
    alpha, beta = two
    for _ in range(2):
        take(beta, honest(alpha, beta))
    rotate(alpha, CLOCK, uses=[Use.SIGN])
    take_statements(beta, CLOCK, own_news(alpha), "news")
    again = take(beta, with_objects(alpha, beta, ONE, seq=0, bundle="0a" * 16))
    assert (again.state, again.notes) == ("taken", ())


# --- A marking that is defined by whoever sends --------------------------------------------------------

OWN_MARKING = "marking-definition--11111111-1111-4111-8111-111111111111"


def defined(definition_type: str, definition: dict[str, str]) -> dict[str, object]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": OWN_MARKING,
        "created": "2026-01-02T03:04:05.000Z",
        "definition_type": definition_type,
        "definition": definition,
    }


def signed_as(marking: Tlp, sender: Node, to: Node, *objects: dict[str, object], seq: int = 0) -> bytes:
    """A drop of objects whose origin is signed with a marking."""
    parts = Parts([], [], [], [], draft(sender, to, seq=seq, bundle=secrets.token_hex(16)))
    parts.objects = [codec.decode(codec.canonical(one)) for one in objects]
    parts.salts = [secrets.token_bytes(16) for _ in objects]
    tree = grow(parts.salts, [sha256(codec.canonical(one)) for one in objects])
    said = Origin(collection="first-hand", otag="0a" * 32, marking=marking)
    origin = make(said, subject=tree.subject, aud=["*"], key=signing_key(sender), iat=NOW)
    parts.statements = [origin]
    name = digest_text(open_envelope(origin).digest)
    parts.links = [Group(chain=(name,), first=0, n=len(objects))]
    return made_of(parts, sender, to)


def test_t21_a_marking_of_the_relays_own_making_cannot_be_read_wider_than_the_chain(two: tuple[Node, Node]):
    alpha, beta = two
    green = defined("tlp", {"tlp": "green"})
    # Along with the object, behind it, and not at all: then it may come at any time.
    for number, objects in enumerate(
        [[indicator(0, OWN_MARKING)], [indicator(1, OWN_MARKING), green], [green, indicator(2, OWN_MARKING)]]
    ):
        take(beta, signed_as(Tlp.AMBER, alpha, beta, *objects, seq=2 * number))
        assert beta.store.objects.current(str(indicator(number)["id"])) is None
    # Held since an earlier drop, of anybody.
    keep(beta, [green], by="somebody")
    take(beta, signed_as(Tlp.AMBER, alpha, beta, indicator(3, OWN_MARKING), seq=6))
    assert beta.store.objects.current(str(indicator(3)["id"])) is None


def test_a_marking_that_is_no_tlp_costs_an_object_nothing(two: tuple[Node, Node]):
    alpha, beta = two
    statement = defined("statement", {"statement": "Copyright of Alpha"})
    take(beta, signed_as(Tlp.AMBER, alpha, beta, indicator(0, OWN_MARKING), statement))
    take(beta, signed_as(Tlp.AMBER, alpha, beta, indicator(1, OWN_MARKING), seq=2))
    assert why_quarantined(beta, IDS[:2]) == dict.fromkeys(IDS[:2], "")


# --- What one spoils, another may still bring ----------------------------------------------------------


def spoiled(parts: Parts, sender: Node, to: Node) -> bytes:
    """The same objects from somebody else, with a chain that does not hold."""
    parts.statements = []
    parts.links = [Group(chain=(digest_text(bytes(32)),), first=0, n=len(parts.objects))]
    parts.release = draft(sender, to)
    return made_of(parts, sender, to)


def test_a_broken_way_keeps_nobody_from_what_its_originator_sends(three: list[Node]):
    alpha, beta, gamma = three
    genuine = honest(alpha, gamma)
    assert take(gamma, spoiled(opened_by(gamma, genuine), beta, gamma)).quarantined == 3
    assert gamma.store.objects.current(IDS[0]) is None
    batch = take(gamma, genuine).batch
    assert batch is not None
    assert all(gamma.store.objects.current(one) is not None for one in IDS)
    # As if it had never come: what is left is the broken way.
    undo_batch(gamma, CLOCK, batch)
    assert all(gamma.store.objects.current(one) is None for one in IDS)
    assert take(gamma, genuine).state == "taken"
    assert all(gamma.store.objects.current(one) is not None for one in IDS)


def test_a_broken_way_that_comes_second_does_not_stay_when_the_good_one_is_undone(three: list[Node]):
    alpha, beta, gamma = three
    genuine = honest(alpha, gamma)
    parts = opened_by(gamma, genuine)
    batch = take(gamma, genuine).batch
    assert batch is not None
    take(gamma, spoiled(parts, beta, gamma))
    assert all(gamma.store.objects.current(one) is not None for one in IDS)
    undo_batch(gamma, CLOCK, batch)
    assert all(gamma.store.objects.current(one) is None for one in IDS)


def test_t21_what_a_relay_allows_less_of_is_not_freed_by_coming_again_without_its_chain(
    two: tuple[Node, Node],
):
    alpha, beta = two
    take(beta, signed_as(Tlp.AMBER, alpha, beta, indicator(0)))
    assert beta.store.objects.current(IDS[0]) is None
    take(beta, with_objects(alpha, beta, ONE, codec.canonical(indicator(0)), seq=2))
    keep(beta, [indicator(0)], by="somebody")
    assert beta.store.objects.current(IDS[0]) is None
    assert beta.store.objects.current(IDS[1]) is not None
