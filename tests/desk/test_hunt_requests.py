"""Hunt requests between nodes: looked at, approved, run once in own logs, and answered with a count in steps and days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.cli.running import conn, dns, jsonl
from tests.desk.drops import nodes, take
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk import membership
from backchannel.desk.asking import Question, ask
from backchannel.desk.hitbook import hits
from backchannel.desk.hunt_requests import hunt_preview, run_hunt
from backchannel.desk.inbox import inbox
from backchannel.desk.key_care import protect
from backchannel.desk.node import Node
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.replying import Reply, reply
from backchannel.desk.requests import list_requests, show_request
from backchannel.errors import PolicyError, SignatureError, UsageError
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.parties.states import Event
from backchannel.provenance.predicates import Hunted, HuntFor
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.settings import checked

SEEN = "[domain-name:value = 'evil1.example']"
UNSEEN = "[ipv4-addr:value = '203.0.113.77']"
MANY = "[ipv4-addr:value = '203.0.113.9']"
HASH = "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"
MAIL = "[email-addr:value = 'a@evil.example']"
OWN = "[ipv4-addr:value = '10.0.0.5']"
OURS_SPELLED = (
    "[ipv6-addr:value = '::ffff:a00:5']",
    "[ipv6-addr:value ISSUBSET '::ffff:0:0/96']",
    "[network-traffic:dst_ref.value = '::ffff:10.0.0.5']",
    "[url:value = 'http://[::ffff:a00:5]:8080/x']",
    "[url:value = 'http://0x0a000005/']",
    "[url:value = '//mail.ours.example/x']",
    "[url:value = 'http://MAIL.%6furs.EXAMPLE./x']",
    "[domain-name:value = 'mail.ours。example']",
    "[domain-name:value = 'xn--bcher-kva.ours.example']",
    "[domain-name:value = 'printer.backroom']",
    "[domain-name:value = 'a.example' OR (url:value = 'http://b.example/' AND domain-name:value = 'mail.ours.example')]",
    "([ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [domain-name:value = 'mail.ours.example']) WITHIN 5 SECONDS",
)
"""Ours, in other spellings and further down."""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Node, Node, Path]]:
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        logs = tmp_path / "logs"
        logs.mkdir()
        jsonl(
            logs / "conn.log",
            *(
                conn(86_400 * (number % 3) + number, "203.0.113.9", client=f"10.0.0.{number % 2}")
                for number in range(12)
            ),
        )
        jsonl(logs / "dns.log", dns(0, "evil1.example"), dns(86_400, "www.evil1.example"))
        yield alpha, with_names(beta), logs


def with_names(node: Node) -> Node:
    """The node, with a domain of its own; its own networks are the private ones."""
    return replace(
        node, settings=msgspec.structs.replace(node.settings, own_domains=("ours.example", "backroom"))
    )


def switched_on(node: Node, logs: Path, *, purpose: object) -> Node:
    """The node, which lets mail addresses be looked for in some logs."""
    section = {"logs": str(logs), "kinds": "email", "purpose": purpose}
    switches = checked(name="A", personal=[section]).personal
    return replace(node, settings=msgspec.structs.replace(node.settings, personal=switches))


def asked(alpha: Node, beta: Node, *patterns: str, purpose: str = "intrusion", **days: str) -> str:
    hunt = HuntFor(patterns=list(patterns), purpose=purpose, **days)  # type: ignore[arg-type]
    made = ask(alpha, CLOCK, "Beta", Question(text="Did you see it?", hunt=hunt)).request
    carry(alpha, beta)
    return made.request


def carry(node: Node, to: Node) -> None:
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    take(to, made.path.read_bytes())


def run(beta: Node, name: str, logs: Path) -> tuple[Hunted, ...]:
    found = hunt_preview(beta, CLOCK, name, [logs])
    assert found.approve is not None
    return run_hunt(beta, CLOCK, name, [logs], found.approve).hunted


def test_a_person_sees_what_would_be_searched_for_before_any_log_is_read(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN, HASH, since="2026-01-01")
    found = hunt_preview(beta, CLOCK, name, [logs])
    assert [one.looked_for for one in found.patterns] == [("domain-name",), ("file:hashes.MD5",)]
    assert (found.files, found.refused, found.since, found.purpose) == (2, None, "2026-01-01", "intrusion")
    assert found.approve is not None
    assert show_request(beta, CLOCK, name).request.state == "open"
    with pytest.raises(PolicyError, match="no longer the one"):
        run_hunt(beta, CLOCK, name, [logs], "ab" * 32)
    with pytest.raises(PolicyError, match="no longer the one"):
        run_hunt(beta, CLOCK, name, [logs / "dns.log"], found.approve)
    with pytest.raises(UsageError, match="no log is named"):
        hunt_preview(beta, CLOCK, name, [])


def test_the_answer_is_a_count_in_steps_and_days_and_nothing_of_ours(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN, UNSEEN, MANY, HASH)
    run(beta, name, logs)
    carry(beta, alpha)
    [answer] = show_request(alpha, CLOCK, name).request.answers
    assert [(one.count, one.first, one.last) for one in answer.hunted] == [
        ("2-9", "2026-01-01", "2026-01-02"),
        ("0", None, None),
        ("10+", "2026-01-01", "2026-01-03"),
        ("not searched", None, None),
    ]
    said = codec.encode(answer)
    assert b"10.0.0." not in said
    assert b".log" not in said
    # Nothing of it became intelligence, or a hit, of the one that searched.
    assert inbox(beta, CLOCK).items == ()
    assert hits(beta).by_indicator == ()
    assert list((beta.home / "private").iterdir()) == []


def test_only_the_days_that_were_asked_for_are_looked_at(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN, MANY, since="2026-01-02", until="2026-01-02")
    assert [(one.count, one.first, one.last) for one in run(beta, name, logs)] == [
        ("1", "2026-01-02", "2026-01-02"),
        ("2-9", "2026-01-02", "2026-01-02"),
    ]


def test_each_request_is_run_once(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN)
    run(beta, name, logs)
    with pytest.raises(Rejected) as refused:
        hunt_preview(beta, CLOCK, name, [logs])
    assert refused.value.reason is Reason.HUNT_DONE
    assert list_requests(beta, CLOCK).to_us[0].hunt.run_at is not None  # type: ignore[union-attr]


def test_a_run_that_is_cut_short_counts_and_tells_nothing(
    two: tuple[Node, Node, Path], monkeypatch: pytest.MonkeyPatch
):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN)
    approve = hunt_preview(beta, CLOCK, name, [logs]).approve
    assert approve is not None
    with monkeypatch.context() as patched:
        patched.setattr("backchannel.desk.hunt_requests._Run._search", cut_short)
        with pytest.raises(KeyboardInterrupt):
            run_hunt(beta, CLOCK, name, [logs], approve)
    with pytest.raises(Rejected):
        run_hunt(beta, CLOCK, name, [logs], approve)
    assert beta.store.statements.waiting_parties() == []
    reply(beta, CLOCK, name, Reply(text="It was cut short; ask again."))


def cut_short(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (MAIL, Reason.NAMES_PERSON),
        ("[user-account:user_id = 'root']", Reason.NAMES_PERSON),
        ("[url:value = 'sip:1234@evil.example']", Reason.NAMES_PERSON),
        ("[x-phone:number = '+47 912 34 567']", Reason.NAMES_PERSON),
        (OWN, Reason.OWN_ADDRESS),
        ("[ipv4-addr:value ISSUBSET '10.0.0.0/7']", Reason.OWN_ADDRESS),
        ("[domain-name:value = 'mail.ours.example']", Reason.OWN_ADDRESS),
        *((pattern, Reason.OWN_ADDRESS) for pattern in OURS_SPELLED),
    ],
)
def test_what_names_a_person_or_us_is_refused_with_its_code(
    two: tuple[Node, Node, Path], pattern: str, reason: Reason
):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN, pattern)
    found = hunt_preview(beta, CLOCK, name, [logs])
    assert (found.refused, found.approve) == (reason, None)
    assert [one.refused for one in found.patterns[1].touchy] == [reason]
    for approved in ("", "ab" * 32):
        with pytest.raises(Rejected) as refused:
            run_hunt(beta, CLOCK, name, [logs], approved)
        assert refused.value.reason is reason
    assert beta.store.requests.run(1) is None
    assert beta.store.statements.waiting_parties() == []


def test_the_policy_may_let_a_person_approve_it_for_one_party_and_purpose(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    policy = beta.home / "policy.toml"
    rule = '[[hunt_request]]\nparty = "Alpha"\nkinds = ["email"]\npurposes = ["phishing"]\n'
    policy.write_text(f'version = 1\ndefault = "deny"\n{rule}')
    fraud = asked(alpha, beta, MAIL, purpose="fraud")
    with_mail = switched_on(beta, logs, purpose=["phishing", "fraud"])
    assert hunt_preview(with_mail, CLOCK, fraud, [logs]).refused is Reason.NAMES_PERSON
    phishing = asked(alpha, beta, MAIL, SEEN, purpose="phishing")
    found = hunt_preview(with_mail, CLOCK, phishing, [logs])
    assert (found.refused, [one.kind for one in found.patterns[0].touchy]) == (None, ["email"])
    for off in (
        beta,
        switched_on(beta, logs, purpose="fraud"),
        switched_on(beta, logs / "other", purpose="phishing"),
    ):
        refused = hunt_preview(off, CLOCK, phishing, [logs])
        assert (refused.refused, refused.approve) == (Reason.NAMES_PERSON, None)
        assert refused.patterns[0].touchy[0].switched_off
        with pytest.raises(Rejected):
            run_hunt(off, CLOCK, phishing, [logs], found.approve or "")
    policy.write_text("version = 1\n")
    with pytest.raises(PolicyError, match="cannot be read"):
        hunt_preview(beta, CLOCK, phishing, [logs])


def test_of_a_mail_address_only_logs_tell_that_are_named_for_that_purpose(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    rule = '[[hunt_request]]\nparty = "Alpha"\nkinds = ["email"]\npurposes = ["phishing"]\n'
    (beta.home / "policy.toml").write_text(f'version = 1\ndefault = "deny"\n{rule}')
    mail = conn(0, "203.0.113.9") | {"trans_depth": 1, "mailfrom": "a@evil.example"}
    jsonl(logs / "smtp.log", mail)
    jsonl(logs / "other.log", mail, mail | {"ts": 1767225600 + 86_400})
    name = asked(alpha, beta, MAIL, purpose="phishing")
    on = switched_on(beta, logs / "smtp.log", purpose="phishing")
    assert run(on, name, logs) == (Hunted(count="1", first="2026-01-01", last="2026-01-01"),)
    # Who forges a sender of ours is looked for as well: the rule names mail addresses.
    jsonl(logs / "smtp.log", mail | {"mailfrom": "chief@ours.example"})
    forged = asked(alpha, beta, "[email-message:from_ref.value = 'chief@ours.example']", purpose="phishing")
    assert [one.count for one in run(on, forged, logs)] == ["1"]


def test_a_count_behind_which_too_few_hosts_stand_is_not_told(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    rule = '[[hunt_request]]\nparty = "Alpha"\nk_anonymity = 2\n'
    (beta.home / "policy.toml").write_text(f'version = 1\ndefault = "deny"\n{rule}')
    name = asked(alpha, beta, SEEN, MANY, UNSEEN)
    found = run(beta, name, logs)
    assert [(one.count, one.first) for one in found] == [
        ("not told", None),
        ("10+", "2026-01-01"),
        ("0", None),
    ]


def test_what_only_begins_or_ends_like_a_name_of_ours_does_not_count_ours(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    jsonl(logs / "more.log", dns(0, "mail.ours.example"), dns(1, "mail.evil.example"))
    name = asked(alpha, beta, "[domain-name:value LIKE 'mail.ours%']", "[domain-name:value LIKE 'mail%']")
    assert [one.count for one in run(beta, name, logs)] == ["0", "1"]
    rule = '[[hunt_request]]\nparty = "Alpha"\nkinds = ["own"]\npurposes = ["fraud"]\n'
    (beta.home / "policy.toml").write_text(f'version = 1\ndefault = "deny"\n{rule}')
    named = asked(alpha, beta, "[domain-name:value = 'mail.ours.example']", purpose="fraud")
    assert [one.count for one in run(beta, named, logs)] == ["1"]


def test_a_run_whose_answer_nobody_could_sign_is_not_spent(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN)
    protect(beta, CLOCK, seal=seal_with("correct horse battery"))
    approve = hunt_preview(beta, CLOCK, name, [logs]).approve
    assert approve is not None
    with pytest.raises(SignatureError):
        run_hunt(beta, CLOCK, name, [logs], approve)
    unseal = unseal_with("correct horse battery")
    assert run_hunt(beta, CLOCK, name, [logs], approve, unseal=unseal).hunted[0].count == "2-9"


def test_who_is_not_verified_gets_no_hunt(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN)
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a test")
    membership.move(beta, CLOCK, "Alpha", Event.RESUMED, "a test")
    with pytest.raises(PolicyError, match="is not told"):
        hunt_preview(beta, CLOCK, name, [logs])


def test_a_question_is_no_hunt(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    made = ask(alpha, CLOCK, "Beta", Question(text="Who?")).request
    carry(alpha, beta)
    with pytest.raises(UsageError, match="no hunt request"):
        hunt_preview(beta, CLOCK, made.request, [logs])


def test_every_run_is_in_the_ledger(two: tuple[Node, Node, Path]):
    alpha, beta, logs = two
    name = asked(alpha, beta, SEEN)
    run(beta, name, logs)
    entered = [row.kind for row in beta.store.leaves.pending(at_most=100) if row.about == name]
    assert sorted(entered) == ["decision", "recv", "rfi"]
