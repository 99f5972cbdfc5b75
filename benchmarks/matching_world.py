"""Made logs of a network, as Zeek writes them, with truths planted in them: what a hunt must find, and nothing else.

What stands in the logs is as popular as in real networks: a few names and addresses make most of it (Zipf's law), some
names stand there once. What is listed and not planted is near to what stands there: the same endings of names, the
same half of an address, the other half of a network.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

START: Final = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
DAY: Final = 86_400
SYLLABLES: Final = (
    *("ba", "ko", "mi", "tra", "ne", "lo", "ze", "shi", "pu", "gar", "ten", "vo"),
    *("ly", "qui", "sec", "up", "date", "net", "cloud", "mail", "log", "in", "web", "api"),
)
ENDINGS: Final = ("com", "net", "org", "de", "io", "ru", "cn", "top", "xyz", "info")
SHARES: Final = {"conn": 0.48, "dns": 0.34, "http": 0.12, "files": 0.06}
COLUMNS: Final = {
    "conn": ("ts", "id.orig_h", "id.resp_h"),
    "dns": ("ts", "id.orig_h", "id.resp_h", "query", "answers"),
    "http": ("ts", "id.orig_h", "id.resp_h", "host", "uri"),
    "files": ("ts", "id.orig_h", "id.resp_h", "md5", "sha1"),
}
"""What of each log a hunt reads."""
_DRAWN: Final = 20_000
"""Names or addresses drawn at once."""
_FIRST: Final = (*range(11, 100), *range(101, 127), *range(128, 169), *range(204, 223), *[45] * 20)
"""First octets of addresses that are not listed."""
_TIMES: Final = 3
"""Records in which each planted value stands."""


class Truth(NamedTuple):
    """One hit that a hunt must give."""

    log: str
    """Name of the file."""
    line: int
    listed: str
    """What the list has."""
    scope: str


class Plant(NamedTuple):
    """A listed value and what of it stands in the logs."""

    listed: str
    scope: str
    kind: str
    """In which log it stands."""
    part: str
    """In which field of a row."""
    seen: str


@dataclass(frozen=True, slots=True)
class Logs:
    """Logs that were written."""

    folder: Path
    rows: int
    size: int
    """Bytes."""
    truths: tuple[Truth, ...]


@dataclass(slots=True)
class World:
    """Hosts, names and addresses of a made network, the same ones for each seed."""

    seed: int = 1
    names: list[str] = field(init=False)
    addresses: list[str] = field(init=False)
    own: list[str] = field(init=False)
    plants: tuple[Plant, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Make them."""
        chance = random.Random(self.seed)
        self.names = list(dict.fromkeys(_name(chance) for _ in range(150_000)))
        v4 = (_v4(chance) for _ in range(130_000))
        v6 = (_v6(chance, 0x8000) for _ in range(20_000))
        self.addresses = list(dict.fromkeys([*v4, *v6]))
        chance.shuffle(self.addresses)
        self.own = [f"10.0.{n % 16}.{n % 250 + 1}" for n in range(2_700)]
        self.own += [f"fd00:10::{n:x}" for n in range(1, 301)]
        chance.shuffle(self.own)
        self.plants = tuple(_plants(chance))

    def picks(self, chance: random.Random, things: list[str]) -> Iterator[str]:
        """Yield things, the n-th as often as one n-th of the first."""
        weights = list(itertools.accumulate(1 / n for n in range(1, len(things) + 1)))
        while True:
            yield from chance.choices(things, cum_weights=weights, k=_DRAWN)


def _name(chance: random.Random) -> str:
    word = "".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 5)))
    front = chance.choice(("", "", "www.", "cdn.", "a1."))
    return f"{front}{word}{chance.choice(('', str(chance.randint(0, 99))))}.{chance.choice(ENDINGS)}"


def _v4(chance: random.Random) -> str:
    """Return an address; one of 45/8 lies in the upper half of its /24, the lower halves being listed."""
    first = chance.choice(_FIRST)
    last = chance.randint(128, 255) if first == 45 else chance.randint(0, 255)
    return f"{first}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{last}"


def _v6(chance: random.Random, half: int) -> str:
    """Return an address of one half of each /48."""
    parts = (0x2A0E, chance.randint(0, 0xFFFF), chance.randint(0, 0xFF), half | chance.randint(0, 0x7FFF))
    number = 0
    for part in (*parts, *(chance.getrandbits(16) for _ in range(4))):
        number = number << 16 | part
    return str(ipaddress.IPv6Address(number))


def _plants(chance: random.Random) -> Iterator[Plant]:
    """Yield 40 of each way in which something can be met; all listed values have a word of their own."""
    for n in range(40):
        word = f"{chance.choice(SYLLABLES)}{chance.getrandbits(40):010x}"
        ending = chance.choice(ENDINGS)
        v4 = f"172.{chance.randint(64, 254)}.{chance.randint(0, 255)}.{n}"
        v6 = ipaddress.IPv6Address(0x2A0F << 112 | chance.getrandbits(96))
        net4 = f"45.{chance.randint(0, 255)}.{n}"
        net6 = ipaddress.IPv6Network((0x2A0F << 112 | n << 96 | chance.getrandbits(16) << 80, 49))
        md5, sha1 = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(160):040x}"
        yield Plant(v4, "exact", "conn", "resp", v4)
        yield Plant(str(v6), "exact", "conn", "resp", v6.exploded if n % 2 else str(v6).upper())
        yield Plant(f"{net4}.0/25", "cidr", "conn", "resp", f"{net4}.{chance.randint(0, 127)}")
        yield Plant(str(net6), "cidr", "dns", "answer", str(net6[chance.getrandbits(64)]))
        yield Plant(
            f"{word}a.{ending}",
            "exact",
            "dns",
            "name",
            f"{word}A.{ending}." if n % 2 else f"{word}a.{ending}",
        )
        yield Plant(f"{word}b.{ending}", "subdomain", "dns", "name", f"x{n}.cdn.{word}b.{ending}")
        url = f"http://{word}c.{ending}/gate/{n}.php"
        yield Plant(url, "exact", "http", "url", url.removeprefix("http://"))
        yield Plant(md5, "exact", "files", "md5", md5.upper() if n % 2 else md5)
        yield Plant(sha1, "exact", "files", "sha1", sha1)


def write_list(path: Path, world: World, count: int, *, is_planted: bool, salt: int = 0) -> None:
    """Write a list of `count` values, one a line.

    Args:
        path: of the list.
        world: what is listed is near to what stands in its logs.
        count: of values.
        is_planted: whether what is planted is among them; else nothing of the list is in the logs.
        salt: lists of different ones have different values.
    """
    chance = random.Random(f"{count} {salt}")
    values = [plant.listed for plant in world.plants] if is_planted else []
    known = set(world.addresses)
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{value}\n" for value in values)
        for _ in range(count - len(values)):
            part = chance.random()
            word = f"{chance.choice(SYLLABLES)}{chance.getrandbits(48):012x}"
            if part < 0.37:
                value = f"{word}.{chance.choice(world.names)}"
            elif part < 0.62:
                value = chance.choice(world.addresses[:1000])
                while value in known or value.startswith("45."):
                    value = _v4(chance)
            elif part < 0.66:
                value = _v6(chance, 0)
            elif part < 0.665:
                value = (
                    f"45.{chance.randint(0, 255)}.{chance.randint(40, 255)}.0/26"  # planted ones lie below 40
                )
            elif part < 0.668:
                value = str(ipaddress.IPv6Network(f"{_v6(chance, 0)}/49", strict=False))
            elif part < 0.88:
                value = f"{chance.getrandbits(160):040x}"
            else:
                value = f"http://{word}.{chance.choice(ENDINGS)}/{chance.getrandbits(32):x}"
            file.write(f"{value}\n")


def write_logs(
    folder: Path, world: World, rows: int, *, form: str = "json", days: int = 1, planted: bool = True
) -> Logs:
    """Write logs: one file of each kind, or of each kind and day.

    Args:
        folder: is made.
        world: whose logs they are.
        rows: in all of them.
        form: `json`, or `tsv` as Zeek's ASCII writer.
        days: that they cover, each with as many rows.
        planted: whether what is planted stands in them.
    """
    chance = random.Random(f"{world.seed} {rows} {days}")
    size, truths = 0, []
    folder.mkdir(parents=True)
    draws = _Draws(world, chance)
    for day in range(days):
        for kind, share in SHARES.items():
            count = int(rows * share) // days
            name = f"{kind}.log" if days == 1 else f"{kind}.{day:03}.log"
            plants = [one for one in world.plants if planted and one.kind == kind] * _TIMES
            here = {
                line: one
                for line, one in zip(chance.sample(range(count), len(plants)), plants, strict=True)
                if days == 1 or line % days == day  # of each value some days, not all
            }
            head = _head(kind) if form == "tsv" else ""
            skipped = head.count("\n")
            with (folder / name).open("w", encoding="ascii") as file:
                file.write(head)
                file.writelines(_rows(kind, form, draws, chance, count, START + day * DAY, here))
                size += file.tell()
            truths += [
                Truth(name, line + 1 + skipped, one.listed, one.scope) for line, one in sorted(here.items())
            ]
    return Logs(
        folder, sum(int(rows * share) // days * days for share in SHARES.values()), size, tuple(truths)
    )


class _Draws:
    """What rows take their values from."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.own = world.picks(chance, world.own)
        self.names = world.picks(chance, world.names)
        self.addresses = world.picks(chance, world.addresses)


def _rows(
    kind: str, form: str, draws: _Draws, chance: random.Random, count: int, start: int, here: dict[int, Plant]
) -> Iterator[str]:
    step = DAY / count
    for line in range(count):
        row = {
            "ts": f"{start + line * step:.6f}",
            "uid": f"C{chance.getrandbits(68):017x}",
            "orig": next(draws.own),
            "port": str(1024 + chance.getrandbits(15)),
            "resp": next(draws.addresses),
        }
        if kind == "dns":
            rare = chance.getrandbits(40)
            row["name"] = next(draws.names) if rare % 25 else f"x{rare}.rare.example"
            row["answer"] = next(draws.addresses)
        elif kind == "http":
            row["url"] = f"{next(draws.names)}/p{chance.getrandbits(17)}"
        elif kind == "files":
            row["md5"], row["sha1"] = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(160):040x}"
        plant = here.get(line)
        if plant is not None:
            row[plant.part] = plant.seen
        yield _line(kind, form, row)


def _line(kind: str, form: str, row: dict[str, str]) -> str:
    if kind == "http":
        row["host"], _, path = row["url"].partition("/")
        row["uri"] = f"/{path}"
    return (_JSON if form == "json" else _TSV)[kind] % row


_BASE: Final = (
    '{"ts":%(ts)s,"uid":"%(uid)s","id.orig_h":"%(orig)s","id.orig_p":%(port)s,'
    '"id.resp_h":"%(resp)s","id.resp_p":443,'
)
_JSON: Final = {
    "conn": _BASE + '"proto":"tcp","service":"ssl","duration":0.12,"orig_bytes":1200,"resp_bytes":5000,'
    '"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":10,'
    '"orig_ip_bytes":1600,"resp_pkts":9,"resp_ip_bytes":5600}\n',
    "dns": _BASE
    + '"proto":"udp","trans_id":1,"rtt":0.02,"query":"%(name)s","qclass":1,"qclass_name":"C_INTERNET",'
    '"qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,'
    '"answers":["%(answer)s"],"TTLs":[60.0],"rejected":false}\n',
    "http": _BASE + '"trans_depth":1,"method":"GET","host":"%(host)s","uri":"%(uri)s","version":"1.1",'
    '"user_agent":"Mozilla/5.0","request_body_len":0,"response_body_len":100,"status_code":200,"status_msg":"OK",'
    '"tags":[]}\n',
    "files": _BASE
    + '"fuid":"F%(uid)s","source":"HTTP","depth":0,"analyzers":["MD5","SHA1"],"mime_type":"text/html",'
    '"duration":0.0,"is_orig":false,"seen_bytes":100,"md5":"%(md5)s","sha1":"%(sha1)s"}\n',
}


_PAIR: Final = re.compile(r'"([^"]+)":(\[[^\]]*\]|"[^"]*"|[^,}]+)')
_WORDS: Final = {"true": "T", "false": "F", "[]": "(empty)"}


def _as_tsv(template: str) -> str:
    """Return how Zeek's ASCII writer writes what a template of JSON says."""
    values = (_WORDS.get(value, value.strip("[]").replace('"', "")) for _, value in _PAIR.findall(template))
    return "\t".join(values) + "\n"


_TSV: Final = {kind: _as_tsv(template) for kind, template in _JSON.items()}


def _head(kind: str) -> str:
    names = "\t".join(name for name, _ in _PAIR.findall(_JSON[kind]))
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
        f"#path\t{kind}\n#fields\t{names}\n"
    )


def check(truths: Iterable[Truth], hits: Path) -> str:
    """Hold what a hunt gave against what is planted; return in words what differs, "" if nothing does.

    Args:
        truths: that it should give, each once.
        hits: `--jsonl` of `hunt` or `rehunt`.
    """
    found: Counter[Truth] = Counter()
    for line in hits.read_bytes().splitlines():
        one = json.loads(line)
        if one["schema"] == "backchannel.hit/1":
            listed = one["pattern"].split("'")[-2]
            found[Truth(Path(one["log"]["path"]).name, one["log"]["line"], listed, one["scope"])] += 1
    wanted = Counter(truths)
    missed, besides = wanted - found, found - wanted
    if not missed and not besides:
        return ""
    some = ", ".join(map(str, [*missed, *besides][:3]))
    return f"{missed.total():,} of {wanted.total():,} truths missed, {besides.total():,} hits besides: {some}"
