"""What may leave, and to whom: each step of a decision, and the laws that hold for every policy (T60 to T68)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.made import (
    ALLOW,
    HAND,
    LABELS,
    NOW,
    OURS,
    PARTIES,
    indicator,
    marked,
    policies,
    policy,
    request,
    rules,
    some_policy,
    some_request,
    some_rule,
)

from backchannel.codec import encode
from backchannel.parties.states import Standing
from backchannel.policy.conditions import When
from backchannel.policy.decide import Permitted, decide
from backchannel.policy.leaks import scan_of
from backchannel.policy.references import named_in
from backchannel.policy.rules import Embargo, Group, Policy, Rule
from backchannel.policy.transforms import step
from backchannel.stix.markings import Pap, Tlp, pap_of, tlp_of
from backchannel.stix.validate import validate

SOURCE = "identity--00000000-0000-4000-8000-000000000555"
OTHER = "indicator--00000000-0000-4000-8000-000000000777"


def spoke(found: object) -> str:
    return found.reasons[-1].rule  # type: ignore[attr-defined]


# --- T60: what is not known is nobody, or the strictest ----------------------------------------------------


def test_t60_an_empty_group_is_nobody():
    asked = policy('[groups]\ncerts = []\n[[rule]]\nid = "r"\nto = ["certs"]\nallow = true')
    assert spoke(decide(request(marked(Tlp.CLEAR)), asked)) == "default"


def test_t60_an_unknown_key_is_in_no_group():
    kid = "a" * 51 + "q"
    asked = policy(f'[groups]\ncerts = ["{kid}"]\n[[rule]]\nid = "r"\nto = ["certs"]\nallow = true')
    assert decide(request(marked(Tlp.CLEAR), names=frozenset({"beta", kid})), asked).allowed
    assert not decide(request(marked(Tlp.CLEAR), names=frozenset({"beta", "b" + kid[1:]})), asked).allowed


@pytest.mark.parametrize(
    ("value", "counts_as"),
    [
        (
            indicator(object_marking_refs=["marking-definition--00000000-0000-4000-8000-000000000009"]),
            Tlp.RED,
        ),
        (indicator(), Tlp.AMBER_STRICT),
        (marked(Tlp.GREEN, labels=["tlp:amber"]), Tlp.AMBER),
        (marked(Tlp.GREEN, labels=["tlp:magenta"]), Tlp.RED),
    ],
    ids=["unknown marking", "no marking", "two markings", "a label that is none"],
)
def test_t60_what_cannot_be_read_counts_as_the_strictest(value: dict[str, object], counts_as: Tlp):
    asked = policy(ALLOW)
    assert request(value).tlp is counts_as
    assert decide(request(value), asked).allowed is (counts_as is Tlp.AMBER)


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.REVOKED])
def test_t60_nothing_goes_to_a_party_that_is_suspended(standing: Standing):
    assert spoke(decide(request(marked(Tlp.CLEAR), standing=standing), policy(ALLOW))) == "standing"


# --- T61: the strictest of what it was derived from --------------------------------------------------------


@given(st.lists(st.sampled_from(Tlp), min_size=5, max_size=5))
def test_t61_a_derived_object_inherits_the_strictest_of_five_sources(sources: list[Tlp]):
    asked = policy(ALLOW)
    strictest = max(sources, key=lambda tlp: tlp.strictness)
    derived = request(marked(Tlp.CLEAR), derived_from=tuple(sources))
    assert decide(derived, asked).allowed is decide(request(marked(strictest)), asked).allowed
    assert decide(derived).allowed is decide(request(marked(strictest))).allowed


def test_own_organisation_alone_has_what_is_amber_strict():
    asked = policy('[groups]\nown-organisation = ["Beta"]\n' + ALLOW)
    value = marked(Tlp.AMBER_STRICT)
    assert decide(request(value), asked).allowed
    assert not decide(request(value, standing=Standing.INTRODUCED), asked).allowed
    assert not decide(request(value, names=frozenset({"gamma"})), asked).allowed
    assert not decide(request(marked(Tlp.RED)), asked).allowed


# --- T62: the originator's permit ---------------------------------------------------------------------------


def test_t62_what_is_orcon_goes_with_a_permit_for_this_recipient_and_time_alone():
    asked, value = policy(ALLOW), marked(Tlp.GREEN, labels=["ORCON"])

    def outcome(*permits: Permitted) -> str:
        found = decide(request(value, source="delta", permits=permits), asked)
        return "goes" if found.allowed else spoke(found)

    later = NOW + timedelta(seconds=1)
    assert outcome() == "orcon"
    assert outcome(Permitted(frozenset({"gamma"}), later)) == "orcon"
    assert outcome(Permitted(frozenset({"beta"}), NOW)) == "orcon"
    assert outcome(Permitted(frozenset({"beta"}), later)) == "goes"
    assert outcome(Permitted(frozenset({"*"}), later)) == "goes"
    assert decide(request(value, source="ourselves"), asked).allowed
    assert decide(request(value, source="delta"), policy("[orcon]\nhonour = false\n" + ALLOW)).allowed


# --- T63: embargoes -------------------------------------------------------------------------------------------


def test_t63_an_embargo_holds_to_the_second():
    asked = policy(
        ALLOW
        + '[[embargo]]\nid = "case"\nwhen = { label = "case-88" }\nuntil = 2026-03-01T00:00:00Z\nexcept = ["gamma"]'
    )
    value = marked(Tlp.GREEN, labels=["case-88"])
    assert not decide(request(value, now=NOW - timedelta(seconds=1)), asked).allowed
    assert decide(request(value, now=NOW), asked).allowed
    before = {"now": NOW - timedelta(days=1)}
    assert decide(request(value, names=frozenset({"gamma"}), **before), asked).allowed
    assert decide(request(marked(Tlp.GREEN), **before), asked).allowed


# --- T65: transforms, and the result looked at again ----------------------------------------------------------


def transformed(*transforms: str, more: str = "") -> Policy:
    listed = ", ".join(f'"{one}"' for one in transforms)
    return policy(f'{more}\n[[rule]]\nid = "t"\nto = ["parties"]\ntransform = [{listed}]')


def test_t65_a_redacted_object_is_another_object_that_names_nothing_of_the_old_one():
    value = marked(
        Tlp.AMBER, created_by_ref=SOURCE, description="x", external_references=[{"source_name": "s"}]
    )
    found = decide(request(value), transformed("drop:/external_references", "coarsen:/valid_from:day"))
    made = found.value
    assert made is not None
    assert made["id"] != value["id"]
    assert made["created_by_ref"] == OURS
    assert made["valid_from"] == "2026-01-02T00:00:00.000Z"
    assert "external_references" not in made
    assert str(value["id"]) not in encode(made).decode()
    assert SOURCE not in encode(made).decode()
    assert tlp_of(made, default=None) is Tlp.AMBER
    assert not [
        one for one in validate(made, spec_version="2.1", place="", body=encode(made)) if one.level != "note"
    ]
    again = decide(
        request({**value, "modified": "2026-01-03T00:00:00.000Z"}), transformed("drop:/external_references")
    )
    other = decide(
        request(value, hand=msgspec.structs.replace(HAND, recipient="gamma")),
        transformed("drop:/description"),
    )
    assert again.value is not None
    assert other.value is not None
    assert other.value["id"] not in {made["id"], again.value["id"]}


def test_t65_a_revision_of_the_original_is_a_revision_of_what_went():
    asked = transformed("drop:/description")
    first, second = (
        decide(
            request(marked(Tlp.AMBER, description="x", modified=f"2026-01-0{day}T00:00:00.000Z")), asked
        ).value
        for day in (3, 4)
    )
    assert first is not None
    assert second is not None
    assert first["id"] == second["id"]
    assert first["modified"] < second["modified"]


@pytest.mark.parametrize(
    ("transforms", "more", "why"),
    [
        (
            ("drop:/created_by_ref",),
            {"created_by_ref": SOURCE, "description": f"from {SOURCE}"},
            "still stands",
        ),
        (
            ("drop:/created_by_ref",),
            {"created_by_ref": SOURCE, "description": f"of {indicator()['id']}"},
            "still stands",
        ),
        (("drop:/x_pap",), {"x_pap": "RED"}, "PAP"),
        (("generalise:/valid_from:24", "pseudonymise:/valid_from"), {}, "no STIX"),
        (("coarsen:/name:day",), {"name": "no time"}, "cannot be read"),
        (("tear-line",), {}, "its tear-line alone"),
    ],
    ids=["maker in a text", "own id in a text", "PAP lost", "no STIX any more", "no time", "no tear-line"],
)
def test_t65_a_result_that_tells_or_allows_more_does_not_go(
    transforms: tuple[str, ...], more: dict[str, object], why: str
):
    found = decide(request(marked(Tlp.AMBER, **more)), transformed(*transforms))
    assert not found.allowed
    assert why in found.reasons[-1].text


def test_t65_what_names_a_withheld_object_stays_or_goes_without_the_name():
    gone = frozenset({OTHER})
    report = {**marked(Tlp.GREEN), "type": "report", "id": "report--00000000-0000-4000-8000-000000000001",
              "name": "r", "published": "2026-01-02T03:04:05Z", "object_refs": [OTHER, SOURCE]}  # fmt: skip
    for name in ("pattern", "pattern_type", "valid_from"):
        report.pop(name)
    assert decide(request(report), policy(ALLOW)).allowed
    assert spoke(decide(request(report, withheld=gone), policy(ALLOW))) == "result"
    cut = decide(request(report, withheld=gone), policy('references = "cut"\n' + ALLOW)).value
    assert cut is not None
    assert cut["object_refs"] == [SOURCE]
    assert OTHER not in encode(cut).decode()
    only = {**report, "object_refs": [OTHER]}
    assert not decide(request(only, withheld=gone), policy('references = "cut"\n' + ALLOW)).allowed
    told = {**report, "object_refs": [SOURCE], "description": f"See {OTHER}."}
    assert not decide(request(told, withheld=gone), policy('references = "cut"\n' + ALLOW)).allowed
    assert decide(request(report, withheld=gone), policy('references = "let"\n' + ALLOW)).allowed


def test_t65_what_names_a_redacted_object_names_what_goes_instead():
    new = "indicator--00000000-0000-4000-8000-000000000888"
    report = {"type": "grouping", "spec_version": "2.1", "id": "grouping--00000000-0000-4000-8000-000000000001",
              "created": "2026-01-02T03:04:05.000Z", "modified": "2026-01-02T03:04:05.000Z", "context": "suspicious-activity",
              "object_refs": [OTHER], "labels": ["tlp:green"]}  # fmt: skip
    made = decide(request(report, renamed={OTHER: new}), policy(ALLOW)).value
    assert made is not None
    assert made["object_refs"] == [new]
    assert made["id"] != report["id"]
    assert not decide(request(report, renamed={OTHER: new}, hand=None), policy(ALLOW)).allowed


def test_an_observable_gets_the_id_of_its_new_content():
    value = {"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd",
             "value": "198.51.100.3", "object_marking_refs": marked(Tlp.GREEN)["object_marking_refs"]}  # fmt: skip
    made = decide(request(value), transformed("generalise:/value:24")).value
    assert made is not None
    assert made["value"] == "198.51.100.0/24"
    plain = decide(request({**value, "value": "198.51.100.77"}), transformed("generalise:/value:24")).value
    assert plain is not None
    assert plain["id"] == made["id"]
    pattern = marked(
        Tlp.GREEN, pattern="[ipv4-addr:value = '198.51.100.3' OR ipv6-addr:value = '2001:db8:1:2:3::4']"
    )
    found = decide(request(pattern), transformed("generalise:/pattern:24")).value
    assert found is not None
    assert found["pattern"] == "[ipv4-addr:value = '198.51.100.0/24' OR ipv6-addr:value = '2001:db8:1::/48']"


def test_an_end_is_rounded_up_and_a_beginning_down():
    value = marked(Tlp.GREEN, valid_until="2026-01-31T12:00:00Z")
    for unit, first, last in (
        ("hour", "2026-01-02T03:00:00.000Z", "2026-01-31T12:00:00.000Z"),
        ("day", "2026-01-02T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
        ("month", "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
        ("year", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"),
    ):
        made = decide(
            request(value), transformed(f"coarsen:/valid_from:{unit}", f"coarsen:/valid_until:{unit}")
        ).value
        assert made is not None
        assert (made["valid_from"], made["valid_until"]) == (first, last)


def test_a_pseudonym_is_the_same_each_time_and_for_one_recipient_only():
    asked = transformed("pseudonymise:/name")
    first, second = (decide(request(marked(Tlp.GREEN, n, name="Jane")), asked).value for n in (1, 2))
    other = decide(
        request(marked(Tlp.GREEN, name="Jane"), hand=msgspec.structs.replace(HAND, recipient="gamma")), asked
    ).value
    assert first is not None
    assert second is not None
    assert other is not None
    assert first["name"] == second["name"] != other["name"]
    assert "Jane" not in first["name"]


def test_without_a_hand_what_goes_changed_only_does_not_go():
    value = marked(Tlp.GREEN, name="Jane")
    assert spoke(decide(request(value, hand=None), transformed("drop:/name"))) == "result"


# --- Leaks ---------------------------------------------------------------------------------------------------

HOME = "home"
SCAN = scan_of(
    networks=("10.0.0.0/8", "172.16.0.0/12", "203.0.113.0/29", "fc00::/7", "fe80::/10", "2001:db8:77::/48"),
    domains=("example.org",),
    hosts=("srv-fin-01",),
    persons=("Jürgen Müller",),
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from 10.1.2.3 on", "10.1.2.3"),
        ("172.31.255.254", "172.31.255.254"),
        ("172.32.0.1 is not ours", ""),
        ("203.0.113.7 is, 203.0.113.8 is not", "203.0.113.7"),
        ("1.10.1.2 and 110.1.2.3", ""),
        ("version 10.1.2", ""),
        ("[fd12:3456::1]", "fd12:3456::1"),
        ("at fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a"),
        ("2001:DB8:77:1::5", "2001:db8:77:1::5"),
        ("2001:db8:78::5, abcd:fd12::1", ""),
        ("mail.EXAMPLE.org", "example.org"),
        ("example.organic", ""),
        ("on SRV-FIN-01.", "srv-fin-01"),
        ("JÜRGEN MÜLLER called", "jürgen müller"),
        ("C:\\Users\\jroe\\a.exe", "\\users\\jroe\\"),
        ("C:\\Users\\Public\\a.exe", ""),
        (f"/{HOME}/jroe/.ssh", f"/{HOME}/jroe/"),
        ("\\\\fileserver\\share", "\\\\fileserver\\"),
    ],
)  # fmt: skip
def test_what_is_ours_is_found(text: str, what: str):
    found = SCAN.leaks(marked(Tlp.GREEN, description=text))
    assert [one.what for one in found] == ([what] if what else [])


def test_a_field_of_no_known_meaning_is_found_however_deep_it_stands_and_not_in_a_text():
    deep = marked(Tlp.GREEN, external_references=[{"source_name": "a", "x_case": "Neptune"}])
    assert [(one.kind, one.what) for one in SCAN.leaks(deep)] == [("field", "x_case")]
    assert SCAN.leaks(marked(Tlp.GREEN, description='it sets "x_case": 1, and x_y', labels=["x_z"])) == ()


def test_what_is_ours_does_not_leave_unless_a_person_looked_through_it():
    value = marked(Tlp.GREEN, description="from 10.1.2.3", x_note="y")
    found = decide(request(value, scan=SCAN), policy("[leaks]\n" + ALLOW))
    assert spoke(found) == "leak"
    assert {one.kind for one in found.leaks} == {"address", "field"}
    assert decide(request(value, scan=SCAN), policy(f'[leaks]\nlet = ["{value["id"]}"]\n' + ALLOW)).allowed
    cleaned = transformed("drop:/description", "drop:/x_*", more="[leaks]")
    assert decide(request(value, scan=SCAN), cleaned).allowed


# --- T66: laws -----------------------------------------------------------------------------------------------


RANK = {"withheld": 0, "redacted": 1, "goes": 2}


def rank(found: object) -> int:
    if not found.allowed:  # type: ignore[attr-defined]
        return 0
    return 1 if found.value is not None else 2  # type: ignore[attr-defined]


@pytest.mark.timeout(600)
def test_t66_in_100000_policies_a_denial_never_widens_and_a_new_member_changes_nothing_for_others():
    """Also: no policy reaches farther than TLP, and what a class is told holds for each of its objects."""
    draw = random.Random(66)
    tally = {0: 0, 1: 0, 2: 0}
    for _ in range(100_000):
        asked, about = some_policy(draw), some_request(draw)
        before = decide(about, asked)
        tally[rank(before)] += 1
        assert before.allowed <= decide(about).allowed

        denying = msgspec.structs.replace(asked, rules=(*(asked.rules or ()), some_rule(draw, 99, "deny")))
        assert rank(decide(about, denying)) <= rank(before)

        newcomer = draw.choice(PARTIES)
        group = draw.randrange(len(asked.groups))
        groups = list(asked.groups)
        groups[group] = Group(groups[group].name, (*groups[group].members, newcomer))
        if newcomer not in about.names:  # type: ignore[attr-defined]
            grown = msgspec.structs.replace(asked, groups=tuple(groups))
            after = decide(about, grown)
            assert (after.allowed, after.reasons) == (before.allowed, before.reasons)

        of_class = decide(msgspec.structs.replace(about, value=None), asked)
        if not of_class.depends:
            assert of_class.allowed == before.allowed
    assert min(tally.values()) > 2_000, "the policies and objects are so chosen that each outcome is met"


@given(policies, rules(effects=("deny",)), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_t66_a_denial_never_widens(asked: Policy, denial: Rule, draw: random.Random):
    about = some_request(draw)
    denying = msgspec.structs.replace(asked, rules=(*(asked.rules or ()), denial))
    assert rank(decide(about, denying)) <= rank(decide(about, asked))


@given(policies, st.sampled_from(LABELS), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_t66_an_embargo_never_widens(asked: Policy, label: str, draw: random.Random):
    about = some_request(draw)
    more = Embargo(id="more", when=When(label=(label,)), until=datetime(2030, 1, 1, tzinfo=UTC))
    held = msgspec.structs.replace(asked, embargoes=(*asked.embargoes, more))
    assert rank(decide(about, held)) <= rank(decide(about, asked))


@given(policies, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_t66_what_goes_redacted_is_narrower_and_names_nothing_new(asked: Policy, draw: random.Random):
    about = some_request(draw)
    found = decide(about, asked)
    if found.value is None:
        return
    value = about.value  # type: ignore[attr-defined]
    assert tlp_of(found.value, default=None).strictness >= tlp_of(value, default=None).strictness
    assert pap_of(found.value) == pap_of(value)
    assert found.value["id"] != value["id"]
    assert named_in(found.value) <= named_in(value) | {OURS}


# --- T67: controls of our own ----------------------------------------------------------------------------------


@given(
    policies,
    st.sampled_from((None, *Pap)),
    st.sampled_from(("detect", "alert", "block")),
    st.sampled_from(Tlp),
)
def test_t67_no_policy_lets_pap_red_into_a_control_nor_anything_but_green_into_a_block(
    asked: Policy, pap: Pap | None, stage: str, tlp: Tlp
):
    about = request(marked(tlp), tlp=tlp, pap=pap, purpose=stage, recipient_is_ourselves=True)
    may = pap is not Pap.RED and tlp is not Tlp.RED and (stage != "block" or pap in {Pap.GREEN, Pap.CLEAR})
    assert decide(about, asked).allowed is may


def test_pap_red_goes_to_whom_the_policy_names_alone():
    asked = policy('[pap]\nRED = ["gamma"]\n' + ALLOW)
    value = marked(Tlp.GREEN, labels=["pap:red"])
    assert spoke(decide(request(value), asked)) == "pap"
    assert decide(request(value, names=frozenset({"gamma"})), asked).allowed
    assert decide(request(marked(Tlp.GREEN, labels=["pap:amber"])), asked).allowed


# --- T68: counts -------------------------------------------------------------------------------------------------


def sighting(count: int, seers: int) -> dict[str, object]:
    refs = [f"identity--00000000-0000-4000-8000-{n:012x}" for n in range(seers)]
    return {"type": "sighting", "spec_version": "2.1", "id": "sighting--00000000-0000-4000-8000-000000000001",
            "created": "2026-01-02T03:04:05.000Z", "modified": "2026-01-02T03:04:05.000Z", "count": count,
            "first_seen": "2026-01-01T10:11:12Z", "last_seen": "2026-01-01T20:11:12Z", "labels": ["tlp:green"],
            "sighting_of_ref": OTHER, **({"where_sighted_refs": refs} if refs else {})}  # fmt: skip


COUNTED = policy("k_anonymity = 3\n" + ALLOW)


@given(st.integers(0, 10**6), st.integers(0, 12))
def test_t68_counts_of_fewer_than_k_never_leave_and_others_in_steps_without_names(count: int, seers: int):
    found = decide(request(sighting(count, seers), source="delta"), COUNTED)
    assert found.allowed is (seers >= 3)
    if found.value is not None:
        assert found.value["count"] == step(count)
        assert found.value["count"] in {0, 1, 2, 10}
        assert "where_sighted_refs" not in found.value
        assert found.value["first_seen"] == "2026-01-01T00:00:00.000Z"


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 10**6))
def test_t68_two_releases_do_not_tell_which_organisation_came_to_it(count: int, seers: int, more: int):
    """Whoever of them came last, the same leaves; and what leaves changes only with the step of the count."""
    before, after = sighting(count, seers), sighting(count + more, seers + 1)
    other = {**after, "where_sighted_refs": [*list(after["where_sighted_refs"])[:-1], SOURCE]}  # type: ignore[call-overload]
    one, two, three = (decide(request(value, source="delta"), COUNTED) for value in (before, after, other))
    assert two.value == three.value
    assert two.allowed == three.allowed
    if one.value is not None and step(count) == step(count + more):
        assert one.value == two.value


def test_what_we_saw_ourselves_is_ours_to_tell():
    assert decide(request(sighting(7, 0)), COUNTED).value is None
    assert decide(request(sighting(7, 0)), COUNTED).allowed
