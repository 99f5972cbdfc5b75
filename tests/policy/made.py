"""Objects, recipients and policies for tests of the policy."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from hypothesis import strategies as st

from backchannel.codec import JsonObject
from backchannel.ids import PartyId
from backchannel.parties.states import Standing
from backchannel.policy.conditions import When
from backchannel.policy.decide import Request
from backchannel.policy.reading import Read, read_policy
from backchannel.policy.rules import Embargo, Group, Policy, Rule
from backchannel.policy.transforms import Hand, parse_transform
from backchannel.stix.markings import TLP_IDS, Tlp, tlp_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BETA = PartyId("identity--00000000-0000-4000-8000-00000000000b")
OURS = "identity--00000000-0000-4000-8000-0000000000aa"
HAND = Hand(b"s" * 32, "beta", OURS)
TLP_ID = {tlp: stix_id for stix_id, tlp in reversed(TLP_IDS.items())}


def indicator(number: int = 1, **more: object) -> JsonObject:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012x}",
        "created": "2026-01-02T03:04:05.000Z",
        "modified": "2026-01-02T03:04:05.000Z",
        "pattern": f"[domain-name:value = 'h{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-02T03:04:05Z",
        **more,
    }


def marked(tlp: Tlp, number: int = 1, **more: object) -> JsonObject:
    return indicator(number, object_marking_refs=[TLP_ID[tlp]], **more)


def request(value: JsonObject, **told: object) -> Request:
    """Return the question whether an object may go by a drop to the verified party Beta."""
    asked: dict[str, object] = {
        "tlp": tlp_of(value, default=None),
        "recipient": BETA,
        "names": frozenset({"beta"}),
        "collection_allows": True,
        "standing": Standing.VERIFIED,
        "purpose": "drop",
        "now": NOW,
        "type": value["type"],
        "source": "ourselves",
        "value": value,
        "hand": HAND,
    }
    return Request(**{**asked, **told})  # type: ignore[arg-type]


def policy(text: str) -> Policy:
    return read(text).policy


def read(text: str) -> Read:
    return read_policy(f'version = 1\ndefault = "deny"\n{text}'.encode())


ALLOW = '[[rule]]\nid = "all"\nto = ["parties"]\nallow = true\n'
"""A rule that allows whatever TLP does."""

# --- Generated -------------------------------------------------------------------------------------------

PARTIES = ("beta", "gamma", "delta")
LABELS = ("case-88", "orcon", "from-k7")
TYPES = ("indicator", "malware", "sighting")
GROUPS = ("certs", "clients")
TRANSFORMS = tuple(
    map(
        parse_transform,
        ("drop:/created_by_ref", "coarsen:/valid_from:day", "pseudonymise:/name", "tear-line"),
    )
)

whens = st.builds(
    When,
    tlp=st.lists(st.sampled_from([tlp.value for tlp in Tlp]), max_size=3).map(tuple),
    type=st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    label=st.lists(st.sampled_from(LABELS), max_size=1).map(tuple),
    source=st.lists(st.sampled_from(("ourselves", *PARTIES)), max_size=1).map(tuple),
)
targets = st.lists(
    st.sampled_from((*GROUPS, *PARTIES, "anybody", "parties", "verified")), min_size=1, max_size=2
).map(tuple)


@st.composite
def rules(draw: st.DrawFn, effects: tuple[str, ...] = ("allow", "deny", "transform")) -> Rule:
    effect = draw(st.sampled_from(effects))
    return Rule(
        id=f"r{draw(st.integers(0, 10**9))}",
        when=draw(whens),
        to=draw(targets) if effect != "deny" or draw(st.booleans()) else (),
        effect=effect,  # type: ignore[arg-type]
        why="no" if effect == "deny" else "",
        transforms=(draw(st.sampled_from(TRANSFORMS)),) if effect == "transform" else (),
    )


policies = st.builds(
    Policy,
    groups=st.builds(
        lambda certs, clients: (
            Group("certs", tuple(sorted(certs))),
            Group("clients", tuple(sorted(clients))),
        ),
        st.sets(st.sampled_from(PARTIES)),
        st.sets(st.sampled_from(PARTIES)),
    ),
    rules=st.lists(rules(), max_size=8).map(tuple),
    embargoes=st.lists(
        st.builds(
            Embargo,
            id=st.just("e"),
            when=whens,
            until=st.sampled_from((NOW, datetime(2027, 1, 1, tzinfo=UTC))),
            except_for=st.lists(st.sampled_from((*GROUPS, *PARTIES)), max_size=1).map(tuple),
        ),
        max_size=1,
    ).map(tuple),
    references=st.sampled_from(("withhold", "cut", "let")),
    k_anonymity=st.sampled_from((0, 3)),
)


SOURCE = "identity--00000000-0000-4000-8000-000000000555"


def some_object(draw: random.Random) -> dict[str, object]:
    """Return an object; of the same seed the same."""
    kind = draw.choice(TYPES)
    value = marked(
        draw.choice([*Tlp, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER]),
        labels=draw.sample(LABELS, draw.randint(0, 2)) or ["l"],
        name="n",
    )
    value |= {"type": kind, "id": f"{kind}--00000000-0000-4000-8000-000000000001"}
    if draw.random() < 0.5:
        value["created_by_ref"] = SOURCE
    return value


def some_rule(draw: random.Random, number: int, effect: str = "") -> Rule:
    effect = effect or draw.choice(("allow", "allow", "allow", "deny", "transform"))
    when = When(
        tlp=tuple(draw.sample([tlp.value for tlp in Tlp], draw.choice((0, 0, 2, 3)))),
        type=tuple(draw.sample(TYPES, draw.choice((0, 0, 1, 2)))),
        label=tuple(draw.sample(LABELS, draw.choice((0, 0, 0, 1)))),
        source=tuple(draw.sample(("ourselves", *PARTIES), draw.choice((0, 0, 0, 1)))),
    )
    names = (*GROUPS, *PARTIES, "anybody", "parties", "verified")
    to = tuple(draw.sample(names, draw.randint(1, 2))) if effect != "deny" or draw.random() < 0.5 else ()
    transforms = (draw.choice(TRANSFORMS),) if effect == "transform" else ()
    return Rule(id=f"r{number}", when=when, to=to, effect=effect, why="no", transforms=transforms)  # type: ignore[arg-type]


def some_policy(draw: random.Random) -> Policy:
    return Policy(
        groups=tuple(Group(name, tuple(draw.sample(PARTIES, draw.randint(0, 3)))) for name in GROUPS),
        rules=tuple(some_rule(draw, number) for number in range(draw.randint(0, 6))),
        references=draw.choice(("withhold", "cut", "let")),  # type: ignore[arg-type]
        k_anonymity=draw.choice((0, 3)),
    )


def some_request(draw: random.Random) -> object:
    party = draw.choice((None, *PARTIES))
    return request(
        some_object(draw),
        recipient=None if party is None else BETA,
        names=frozenset() if party is None else frozenset({party}),
        standing=None if party is None else draw.choice([*Standing, *[Standing.VERIFIED] * 10]),
        source=draw.choice(("ourselves", *PARTIES, "")),
    )
