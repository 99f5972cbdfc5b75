"""Read `policy.toml`: strictly, since what is not understood must not decide over what leaves.

Each fault names the line, the field, what is wrong and what mends it. A file with a fault is no policy: nothing leaves
under it. What can be read and yet cannot be meant (`doubts`) is told by `policy check`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from backchannel.codec import JsonObject, JsonValue
from backchannel.policy.cases import Case, read_case
from backchannel.policy.conditions import FIELDS, NO_PAP, PURPOSES, When
from backchannel.policy.fields import MAX_VALUES, Fault, Fields
from backchannel.policy.hunt_requests import read_hunt_rule
from backchannel.policy.loading import load_toml
from backchannel.policy.rules import RESERVED, Embargo, Group, Leaks, Policy, Rule
from backchannel.policy.transforms import TEAR_LINE, Transform, parse_transform
from backchannel.stix.markings import Pap, Tlp, parse_tlp
from backchannel.stix.visible import visible

MAX_POLICY_BYTES: Final = 2**20
MAX_RULES: Final = 1_000
"""Rules, and embargoes, of one file: a decision asks all of them."""
MAX_GROUPS: Final = 1_000
MAX_MEMBERS: Final = 10_000
MAX_TRANSFORMS: Final = 50
MAX_CASES: Final = 1_000
MAX_WORDS: Final = 5_000
"""Hosts, persons and words that are looked for."""
SHORTEST_WORD: Final = 3

_KEYS: Final = frozenset(
    {
        "version", "default", "groups", "reach", "rule", "embargo", "orcon", "feedback", "k_anonymity", "pap",
        "approval", "references", "leaks", "hunt_request", "test",
    }
)  # fmt: skip


class Read(msgspec.Struct, frozen=True):
    """What a file says."""

    policy: Policy
    cases: tuple[Case, ...]
    lines: Mapping[str, int]
    """Name of a part (`rule ID`, `embargo ID`, `group NAME`, `test NAME`) to its line."""


class PolicyFaultsError(ValueError):
    """The file is no policy."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults[:3])))
        self.faults = tuple(faults)


def read_policy(data: bytes) -> Read:
    """Read a file of rules.

    Raises:
        PolicyFaultsError: it is not of its form; all that is wrong is named, up to `fields.MAX_FAULTS`.
    """
    if len(data) > MAX_POLICY_BYTES:
        fault = Fault(None, "file", f"it is larger than {MAX_POLICY_BYTES // 2**20} MiB", "Use groups.")
        raise PolicyFaultsError([fault])
    try:
        text = data.decode("utf-8")
        value = load_toml(text)
    except UnicodeDecodeError:
        raise PolicyFaultsError([Fault(None, "file", "it is no UTF-8", "Save it as UTF-8.")]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise PolicyFaultsError(
            [Fault(line, "file", f"it is no TOML: {visible(str(error))}", "Mend that line.")]
        ) from None
    except ValueError as error:
        raise PolicyFaultsError([Fault(None, "file", str(error), "Write it as documented.")]) from None
    return _Reading(value, text).read()


FEEDBACK: Final = ("received", "read", "assessed", "acted", "declined")
"""States of a receipt."""


class _Reading:
    """One file being read; what is wrong is collected."""

    def __init__(self, value: JsonObject, text: str) -> None:
        self._at = Fields(value, text)

    def read(self) -> Read:
        value = self._at.value
        self._at.known(value, _KEYS, "")
        if value.get("version") != 1 or isinstance(value.get("version"), bool):
            self._at.fault("version", "it says not which form it has", "Write: version = 1")
        if value.get("default") != "deny":
            self._at.fault(
                "default", "what no rule allows is denied, and the file says so", 'Write: default = "deny"'
            )
        groups = self._groups()
        rules = self._at.listed("rule", self._rule, MAX_RULES)
        embargoes = self._at.listed("embargo", self._embargo, MAX_RULES)
        self._at.place = ("", 0)
        self._at.unique("rule", [one.id for one in rules])
        self._at.unique("embargo", [one.id for one in embargoes])
        reach = self._reach()
        policy = Policy(
            anybody=reach.get("anybody", Tlp.CLEAR),
            any_party=reach.get("any_party", Tlp.GREEN),
            named_reader=reach.get("named_reader", Tlp.AMBER),
            groups=groups,
            rules=tuple(rules),
            embargoes=tuple(embargoes),
            orcon=self._orcon()[0],
            orcon_labels=self._orcon()[1],
            pap=self._pap(),
            feedback=self._feedback(),
            k_anonymity=self._at.number("k_anonymity", 0, 1_000),
            approval=self._approval(),
            references=self._references(),
            leaks=self._leaks(),
            hunt_requests=tuple(
                self._at.listed("hunt_request", lambda one, _: read_hunt_rule(self._at, one), MAX_RULES)
            ),
        )
        cases = self._at.listed("test", lambda one, number: read_case(self._at, one, number), MAX_CASES)
        if self._at.faults:
            raise PolicyFaultsError(self._at.faults)
        return Read(policy, tuple(cases), self._at.named)

    # --- Parts ----------------------------------------------------------------------------------

    def _groups(self) -> tuple[Group, ...]:
        value = self._at.table("groups")
        if len(value) > MAX_GROUPS:
            self._at.fault("groups", f"there are more than {MAX_GROUPS:,}", "Leave out what no rule names.")
            return ()
        found: list[Group] = []
        for name, members in value.items():
            self._at.place = ("groups", 0)
            if name in RESERVED or not self._at.ident_of(name):
                why = (
                    "it is there already, and means something"
                    if name in RESERVED
                    else "it is no name of a group"
                )
                self._at.fault(name, why, "Use small letters, digits, dots and dashes, and another word.")
                continue
            self._at.named[f"group {name}"] = self._at.line_of("groups", 0, name)
            found.append(Group(name, self._at.texts(members, name, MAX_MEMBERS)))
        self._at.place = ("", 0)
        return tuple(found)

    def _rule(self, value: JsonObject, number: int) -> Rule | None:
        self._at.known(value, {"id", "when", "to", "allow", "deny", "transform", "note"}, "")
        ident = self._at.ident(value, "rule", number)
        when = self._when(value.get("when", {}))
        to = self._at.recipients(value, "to")
        said = [one for one in ("allow", "deny", "transform") if one in value]
        if len(said) != 1:
            what = "it says nothing" if not said else f"it says both {said[0]} and {said[1]}"
            mend = 'Write one of: allow = true, deny = "why", transform = ["drop:/description"]'
            self._at.fault(said[1] if said else "rule", what, mend)
            return None
        if said[0] != "deny" and not to:
            self._at.fault(
                "to", "it says to nobody whom it allows something", 'Name groups or parties: to = ["..."]'
            )
        if said[0] == "deny":
            why = self._at.text(value["deny"], "deny", what="says why, in words")
            return Rule(id=ident, when=when, to=to, effect="deny", why=why)
        if said[0] == "allow":
            if value["allow"] is not True:
                self._at.fault(
                    "allow", "it is not true", 'What is not allowed is denied anyway; else: deny = "why"'
                )
            return Rule(id=ident, when=when, to=to, effect="allow")
        return Rule(
            id=ident, when=when, to=to, effect="transform", transforms=self._transforms(value["transform"])
        )

    def _transforms(self, value: JsonValue) -> tuple[Transform, ...]:
        found: list[Transform] = []
        for text in self._at.texts(value, "transform", MAX_TRANSFORMS):
            try:
                found.append(parse_transform(text))
            except ValueError as error:
                self._at.fault(
                    "transform", str(error), "See docs/reference/policy.md for the six transforms."
                )
        if TEAR_LINE in found and len(set(found)) > 1:
            what = "a tear-line goes letter for letter as its originator made it, so nothing else can be done to it"
            mend = "Write `tear-line` alone, and the others in a rule of their own for what is to go changed."
            self._at.fault("transform", what, mend)
        if not found and not self._at.faults:
            self._at.fault("transform", "it changes nothing", "Name a transform, or write: allow = true")
        return tuple(dict.fromkeys(found))

    def _embargo(self, value: JsonObject, number: int) -> Embargo | None:
        self._at.known(value, {"id", "when", "until", "except", "note"}, "")
        ident = self._at.ident(value, "embargo", number)
        until = self._at.time(value.get("until"), "until")
        if until is None:
            return None
        when, but = self._when(value.get("when", {})), self._at.recipients(value, "except")
        return Embargo(id=ident, when=when, until=until, except_for=but)

    def _when(self, value: JsonValue) -> When:
        if not isinstance(value, dict):
            self._at.fault("when", "it is no table", 'Write for example: when = { tlp = ["CLEAR", "GREEN"] }')
            return When()
        self._at.known(value, set(FIELDS), "when.")
        found: dict[str, tuple[str, ...]] = {}
        for field in FIELDS:
            if field not in value:
                continue
            held = value[field]
            texts = self._at.texts([held] if isinstance(held, str) else held, f"when.{field}", MAX_VALUES)
            if not texts:
                self._at.fault(
                    f"when.{field}", "no value is named, so it is never met", "Name one, or leave it out."
                )
            found[field] = tuple(dict.fromkeys(self._condition(field, text) for text in texts))
        return When(**found)

    def _condition(self, field: str, text: str) -> str:
        try:
            if field == "tlp":
                return parse_tlp(text).value
            if field == "pap":
                word = text.casefold().removeprefix("pap:")
                return word if word == NO_PAP else Pap(word).value
        except ValueError:
            labels = (
                "CLEAR, GREEN, AMBER, AMBER+STRICT, RED"
                if field == "tlp"
                else "CLEAR, GREEN, AMBER, RED, none"
            )
            self._at.fault(
                f"when.{field}", f"there is no label {visible(text, max_chars=40)}", f"Write one of: {labels}"
            )
        if field == "purpose" and text not in PURPOSES:
            what = f"there is no way {visible(text, max_chars=40)}"
            self._at.fault("when.purpose", what, f"Write one of: {', '.join(PURPOSES)}")
        return text.casefold() if field == "source" else text

    def _reach(self) -> dict[str, Tlp]:
        value = self._at.table("reach")
        widest = {"anybody": Tlp.CLEAR, "any_party": Tlp.GREEN, "named_reader": Tlp.AMBER}
        self._at.place = ("reach", 0)
        self._at.known(value, set(widest), "")
        found: dict[str, Tlp] = {}
        for name, most in widest.items():
            if name in value:
                tlp = self._at.tlp(value[name], name)
                if tlp is not None and tlp.strictness > most.strictness:
                    what = f"{tlp.label} is more than TLP lets it have: a policy can only narrow"
                    self._at.fault(name, what, f"Write {most.label} or less.")
                elif tlp is not None:
                    found[name] = tlp
        self._at.place = ("", 0)
        return found

    def _orcon(self) -> tuple[bool, tuple[str, ...]]:
        value = self._at.table("orcon")
        self._at.place = ("orcon", 0)
        self._at.known(value, {"honour", "labels"}, "")
        honour = value.get("honour", True)
        if not isinstance(honour, bool):
            self._at.fault("honour", "it is neither true nor false", "Write: honour = true")
        labels = tuple(
            one.casefold() for one in self._at.texts(value.get("labels", ["orcon"]), "labels", MAX_VALUES)
        )
        self._at.place = ("", 0)
        return honour is not False, labels

    def _pap(self) -> tuple[tuple[Pap, tuple[str, ...]], ...]:
        value = self._at.table("pap")
        self._at.place = ("pap", 0)
        found: list[tuple[Pap, tuple[str, ...]]] = []
        for word, to in value.items():
            try:
                found.append((Pap(word.casefold()), self._at.names(to, word)))
            except ValueError:
                self._at.fault(
                    word, "there is no such label of PAP", "Write one of: CLEAR, GREEN, AMBER, RED"
                )
        self._at.place = ("", 0)
        return tuple(found)

    def _feedback(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        value = self._at.table("feedback")
        self._at.place = ("feedback", 0)
        self._at.known(value, set(FEEDBACK), "")
        found = tuple((state, self._at.names(value[state], state)) for state in FEEDBACK if state in value)
        self._at.place = ("", 0)
        return found

    def _approval(self) -> tuple[Tlp, ...]:
        value = self._at.table("approval")
        self._at.place = ("approval", 0)
        self._at.known(value, {"two_persons"}, "")
        found = self._at.labels(value.get("two_persons", []), "two_persons")
        self._at.place = ("", 0)
        return found

    def _references(self) -> Literal["withhold", "cut", "let"]:
        value = self._at.value.get("references", "withhold")
        if value not in ("withhold", "cut", "let"):  # what stands there may be a list
            self._at.fault("references", "it is none of the three ways", "Write one of: withhold, cut, let")
            return "withhold"
        return cast('Literal["withhold", "cut", "let"]', value)

    def _leaks(self) -> Leaks | None:
        if "leaks" not in self._at.value:
            return None
        value = self._at.table("leaks")
        self._at.place = ("leaks", 0)
        self._at.known(value, {"own", "hosts", "persons", "words", "paths", "custom_fields", "let"}, "")
        flags = {name: value.get(name, True) for name in ("own", "paths", "custom_fields")}
        for name, held in flags.items():
            if not isinstance(held, bool):
                self._at.fault(name, "it is neither true nor false", f"Write: {name} = true")
        lists = {
            name: self._at.texts(value.get(name, []), name, MAX_WORDS)
            for name in ("hosts", "persons", "words", "let")
        }
        for name in ("hosts", "persons", "words"):
            for word in lists[name]:
                if len(word) < SHORTEST_WORD:
                    self._at.fault(
                        name,
                        f"{visible(word)!r} is in every text",
                        f"Name words of {SHORTEST_WORD} characters.",
                    )
        self._at.place = ("", 0)
        return Leaks(
            own=flags["own"] is not False,
            paths=flags["paths"] is not False,
            custom_fields=flags["custom_fields"] is not False,
            **lists,
        )
