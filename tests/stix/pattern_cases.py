"""Random patterns with random observations, drawn so that a good part of them match.

Every operator, qualifier, kind of literal and form of path occurs often; `uses` of a case names what is in
it. What the oracle is known not to do is not drawn: EXISTS beside other comparisons, NOT EXISTS, START and
STOP of 2.0 with a timestamp literal, ISSUPERSET against a plain address, true or false in a set of numbers.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field

NAMES = ("a.exe", "b.dll", "setup.exe", "report.doc", "x", "it's", "back\\slash", "ünï.exe")
ADDRESSES = ("203.0.113.7", "203.0.113.200", "198.51.100.9", "192.0.2.77")
BLOCKS = ("203.0.113.0/24", "198.51.100.0/25", "192.0.2.64/26")
HOSTS = ("evil.example", "www.evil.example", "good.example")
TIMES = tuple(f"2026-03-01T12:00:{second:02d}{part}Z" for second in range(0, 50, 5) for part in ("", ".25"))
PORTS = (22, 80, 443, 8080)
REGEXES = (
    "^a",
    "exe$",
    "e.i",
    "[0-9]+",
    "(a|b)\\\\.",
    "^$",
    "x?",
    "(?i)EVIL",
    "\\\\x61",
    "^.{3,9}$",
    "[^a-z]",
)
LIKES = ("%", "a%", "%.exe", "%e_i%", "_", "x", "%2%", "____", "%l_.example", "%p%x%")
RAW = (b"alice", b"\x00\x01", b"bob!", b"p.x", b"")


@dataclass(slots=True)
class Case:
    """One pattern with what was observed."""

    pattern: str
    stix_version: str
    observations: list[dict]
    uses: set[str] = field(default_factory=set)


# form -> (object type, path, kind of its values)
PATHS = (
    ("property", "file", "name", "string"),
    ("property", "file", "size", "number"),
    ("property", "file", "x_ratio", "number"),
    ("property", "file", "x_hidden", "bool"),
    ("property", "file", "mtime", "time"),
    ("property", "ipv4-addr", "value", "address"),
    ("property", "domain-name", "value", "string"),
    ("property", "network-traffic", "dst_port", "number"),
    ("property", "network-traffic", "start", "time"),
    ("property", "file", "x_net", "block"),
    ("key in quotes", "file", "hashes.'SHA-256'", "string"),
    ("key in quotes", "file", "extensions.'x-pe-ext'.entropy", "number"),
    ("nested key", "file", "x_meta.owner", "string"),
    ("nested key", "file", "x_meta.level", "number"),
    ("index", "network-traffic", "protocols[0]", "string"),
    ("index", "network-traffic", "protocols[1]", "string"),
    ("any index", "network-traffic", "protocols[*]", "string"),
    ("any index and key", "email-message", "body_multipart[*].content_type", "string"),
    ("reference", "network-traffic", "src_ref.value", "address"),
    ("reference", "network-traffic", "dst_ref.value", "address"),
    ("reference", "email-message", "from_ref.value", "string"),
    ("references", "email-message", "to_refs[*].value", "string"),
    ("references by index", "email-message", "to_refs[0].value", "string"),
    ("chain of references", "process", "opened_connection_refs[*].dst_ref.value", "address"),
    ("hexadecimal", "file", "magic_number_hex", "binary"),
    ("binary", "file", "x_payload_bin", "binary"),
    ("missing", "file", "x_none", "string"),
    ("missing", "x-nothing", "at_all", "number"),
)


def objects(draw: random.Random) -> dict[str, dict]:
    """The objects of one observation, by the keys of STIX 2.0."""
    made: dict[str, dict] = {
        "0": {"type": "ipv4-addr", "value": draw.choice(ADDRESSES)},
        "1": {"type": "ipv4-addr", "value": draw.choice(ADDRESSES)},
        "2": {"type": "domain-name", "value": draw.choice(HOSTS)},
        "3": {"type": "email-addr", "value": draw.choice(("bob", "eve")) + "@" + draw.choice(HOSTS)},
        "4": {
            "type": "network-traffic",
            "src_ref": "0",
            "dst_ref": draw.choice("012"),
            "dst_port": draw.choice(PORTS),
            "start": draw.choice(TIMES),
            "protocols": draw.sample(["tcp", "tls", "http", "ipv4"], draw.randint(1, 3)),
        },
        "5": a_file(draw),
    }
    if draw.random() < 0.5:
        made["6"] = a_file(draw)
    if draw.random() < 0.5:
        made["7"] = {
            "type": "email-message",
            "is_multipart": True,
            "from_ref": "3",
            "to_refs": draw.sample(["3", "8", "missing"], draw.randint(1, 3)),
            "body_multipart": [{"content_type": draw.choice(["text/plain", "text/html"])} for _ in range(2)],
        }
        made["8"] = {"type": "email-addr", "value": "carol@good.example"}
    if draw.random() < 0.5:
        made["9"] = {"type": "process", "pid": draw.randint(1, 9), "opened_connection_refs": ["4"]}
    # An address that a reference names as a host has no block to be compared with.
    if made["4"]["dst_ref"] == "2":
        made["4"]["dst_ref"] = "1"
    return made


def a_file(draw: random.Random) -> dict:
    made = {
        "type": "file",
        "name": draw.choice(NAMES),
        "size": draw.choice((0, 5, 12, 1024)),
        "x_ratio": draw.choice((0.5, 1.0, 12.25)),
        "x_hidden": draw.random() < 0.5,
        "mtime": draw.choice(TIMES),
        "x_net": draw.choice(BLOCKS),
        "hashes": {"SHA-256": draw.choice("abc") * 64},
        "extensions": {"x-pe-ext": {"entropy": draw.choice((1, 2.5, 7))}},
        "x_meta": {"owner": draw.choice(("root", "eve")), "level": draw.choice((1, 2, 3))},
        "magic_number_hex": draw.choice(RAW).hex(),
        "x_payload_bin": base64.b64encode(draw.choice(RAW)).decode(),
    }
    for key in list(made):
        if key not in {"type", "name"} and draw.random() < 0.15:
            del made[key]
    return made


def observed(draw: random.Random, stix_version: str) -> list[dict]:
    """Observed data: of 2.0 with `objects`, of 2.1 as bundles with `object_refs`."""
    made = []
    for number in range(draw.randint(2, 5)):
        first = draw.randrange(len(TIMES))
        last = min(len(TIMES) - 1, first + draw.choice((0, 0, 0, 3, 8)))
        head = {
            "type": "observed-data",
            "id": f"observed-data--00000000-0000-4000-8000-{number:012d}",
            "first_observed": TIMES[first],
            "last_observed": TIMES[last],
            "number_observed": draw.choice((1, 1, 1, 2)),
        }
        inside = objects(draw)
        made.append({**head, "objects": inside} if stix_version == "2.0" else as_bundle(head, inside, number))
    return made


def as_bundle(head: dict, inside: dict[str, dict], number: int) -> dict:
    ids = {key: f"{one['type']}--{number:08d}-0000-4000-8000-{int(key):012d}" for key, one in inside.items()}

    def renamed(name: str, value: object) -> object:
        if name.endswith("_refs") and isinstance(value, list):
            return [ids.get(key, "file--00000000-0000-4000-8000-ffffffffffff") for key in value]
        return ids[str(value)] if name.endswith("_ref") else value

    scos = [
        {"id": ids[key], **{name: renamed(name, value) for name, value in one.items()}}
        for key, one in inside.items()
    ]
    refs = {"spec_version": "2.1", "object_refs": list(ids.values())}
    return {
        "type": "bundle",
        "id": f"bundle--00000000-0000-4000-8000-{number:012d}",
        "objects": [{**head, **refs}, *scos],
    }


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Drawing:
    """One case in the making."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.version = draw.choice(("2.0", "2.1"))
        self.uses: set[str] = set()

    def case(self) -> Case:
        seen = observed(self.draw, self.version)
        pattern = self.observations(depth=0)
        return Case(pattern, self.version, seen, self.uses)

    def use(self, *words: str) -> None:
        self.uses.update(words)

    def observations(self, depth: int) -> str:
        roll = self.draw.random()
        if roll < (0.5 if depth == 0 else 0.6) or depth > 2:
            text = self.observation()
        else:
            operator = self.draw.choice(("AND", "OR", "FOLLOWEDBY"))
            self.use(f"observations {operator}")
            text = f" {operator} ".join(
                self.observations(depth + 1) for _ in range(self.draw.choice((2, 2, 3)))
            )
            if depth or self.draw.random() < 0.6:
                self.use("parentheses of observations")
                text = f"({text})"
        if (text[0] == "[" and " AND [" not in text) or text[0] == "(":
            text += self.qualifiers()
        return text

    def qualifiers(self) -> str:
        words = []
        if self.draw.random() < 0.12:
            words.append(f"REPEATS {self.draw.choice((1, 2, 2, 3))} TIMES")
        if self.draw.random() < 0.15:
            words.append(f"WITHIN {self.draw.choice(('1', '5', '7.5', '20', '60'))} SECONDS")
        if self.draw.random() < 0.1:
            start, stop = sorted(self.draw.sample(TIMES, 2))
            mark = "t" if self.version == "2.1" else ""
            words.append(f"START {mark}'{start}' STOP {mark}'{stop}'")
        for word in words:
            self.use(word.split(" ", 1)[0])
        self.draw.shuffle(words)
        return "".join(f" {word}" for word in words)

    def observation(self) -> str:
        if self.version == "2.1" and self.draw.random() < 0.07:
            self.use("EXISTS")
            form, kind, path, _ = self.draw.choice(PATHS)
            self.use(f"path: {form}")
            return f"[EXISTS {kind}:{path}]"
        kind = self.draw.choice(("file", "file", "network-traffic", None))
        return f"[{self.comparisons(kind, depth=0)}]"

    def comparisons(self, kind: str | None, depth: int) -> str:
        if self.draw.random() < 0.55 or depth > 2:
            return self.comparison(kind)
        operator = self.draw.choice(("AND", "OR", "OR"))
        self.use(f"comparisons {operator}")
        text = f" {operator} ".join(self.comparisons(kind, depth + 1) for _ in range(2))
        if depth and self.draw.random() < 0.7:
            self.use("parentheses of comparisons")
            text = f"({text})"
        return text

    def comparison(self, kind: str | None) -> str:
        form, object_type, path, values = self.draw.choice(
            [one for one in PATHS if kind is None or one[1] in {kind, "x-nothing"}]
        )
        self.use(f"path: {form}")
        operator, literal = self.asked(values)
        self.use(f"operator {operator}")
        negation = ""
        if self.draw.random() < 0.15:
            negation = "NOT "
            self.use("NOT")
        return f"{object_type}:{path} {negation}{operator} {literal}"

    def asked(self, values: str) -> tuple[str, str]:
        if values in {"address", "block"} and self.draw.random() < 0.6:
            if values == "block":
                return self.draw.choice((("ISSUPERSET", self.address()), ("ISSUBSET", self.block())))
            return "ISSUBSET", self.block()
        if values in {"string", "address", "binary"} and self.draw.random() < 0.45:
            if self.draw.random() < 0.5:
                return "LIKE", f"'{self.draw.choice(LIKES)}'"
            return "MATCHES", f"'{self.draw.choice(REGEXES)}'"
        if values != "binary" and self.draw.random() < 0.18:
            members = [self.literal(values) for _ in range(self.draw.randint(0, 4))]
            return "IN", f"({', '.join(members)})"
        # Any type may be compared with any other, but a text with a time only where it is one.
        other = values
        if self.draw.random() < 0.15:
            other = self.draw.choice(("string", "number", "bool", "binary"))
        elif values in {"number", "bool"} and self.draw.random() < 0.05:
            other = "time"
        operators = ("=", "=", "!=") if other == "bool" else ("=", "=", "=", "!=", "<", "<=", ">", ">=")
        return self.draw.choice(operators), self.literal(other)

    def address(self) -> str:
        return f"'{self.draw.choice(ADDRESSES)}'"

    def block(self) -> str:
        return f"'{self.draw.choice((*BLOCKS, '203.0.113.128/25', '0.0.0.0/1'))}'"

    def literal(self, values: str) -> str:
        self.use(f"literal {values}")
        draw = self.draw
        if values == "number":
            return str(draw.choice((0, 1, 2, 5, 12, 80, 443, 0.5, 2.5, 12.25, -3)))
        if values == "bool":
            return draw.choice(("true", "false"))
        if values == "time":
            return f"t'{draw.choice(TIMES)}'"
        if values == "address":
            return self.address()
        if values == "block":
            return f"'{draw.choice(BLOCKS)}'"
        if values == "binary":
            raw = draw.choice(RAW)
            if draw.random() < 0.5:
                self.use("literal hexadecimal")
                return f"h'{raw.hex()}'"
            self.use("literal base64")
            return f"b'{base64.b64encode(raw or b'?').decode()}'"
        return quoted(draw.choice((*NAMES, *HOSTS, "tcp", "root", "alice", "text/html", "a" * 64)))


def cases(seed: int, count: int) -> list[Case]:
    """Draw `count` cases; the same seed gives the same."""
    draw = random.Random(seed)
    return [Drawing(draw).case() for _ in range(count)]
