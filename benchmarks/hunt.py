"""Hunt through 1 GB of Zeek JSON with 10,000 and 1,000,000 indicators, beside `ripgrep -F -f`.

The logs are made: one file a type and day, as Zeek writes them, with popularity that falls as in real
networks. 200 of the indicators are in them. ripgrep has less to do: it knows no kinds, no networks and no
names below names, and gives lines without saying which indicator is in them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import US, Cost, machine, run

SYLLABLES = (
    *("ba", "ko", "mi", "tra", "ne", "lo", "ze", "shi", "pu", "gar", "ten", "vo"),
    *("ly", "qui", "sec", "up", "date", "net", "cloud", "mail", "log", "in", "web", "api"),
)
ENDINGS = ["com", "net", "org", "de", "io", "ru", "cn", "top", "xyz", "info"]
PLANTED = 200


def a_name(chance: random.Random) -> str:
    """Return a plausible host name."""
    word = "".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 5)))
    front = chance.choice(["", "", "www.", "cdn.", "a1."])
    return f"{front}{word}{chance.choice(['', str(chance.randint(0, 99))])}.{chance.choice(ENDINGS)}"


def an_address(chance: random.Random) -> str:
    """Return a public-looking address."""
    return ".".join(str(chance.randint(11, 223)) for _ in range(4))


class World:
    """Hosts, names and addresses of a made network."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.names = [a_name(chance) for _ in range(150_000)]
        self.addresses = [an_address(chance) for _ in range(150_000)]
        self.own = [f"10.0.{n % 16}.{n % 250 + 1}" for n in range(3000)]
        self.time = 1_767_225_600.0

    def pick(self, things: list[str]) -> str:
        """Return one of `things`, the first ones by far most often."""
        return things[min(int(self.chance.paretovariate(0.7)) - 1, 10**9) % len(things)]

    def base(self) -> dict[str, object]:
        """Return what every record with a connection has."""
        self.time += 0.2
        return {
            "ts": round(self.time, 6),
            "uid": f"C{self.chance.getrandbits(100):025x}"[:18],
            "id.orig_h": self.pick(self.own),
            "id.orig_p": self.chance.randint(1024, 65535),
            "id.resp_h": self.pick(self.addresses),
            "id.resp_p": 443,
        }

    def conn(self) -> dict[str, object]:
        """Return a record of conn.log."""
        return self.base() | {
            "proto": "tcp", "service": "ssl", "duration": 0.12, "orig_bytes": 1200, "resp_bytes": 5000,
            "conn_state": "SF", "local_orig": True, "local_resp": False, "missed_bytes": 0, "history": "ShADadFf",
            "orig_pkts": 10, "orig_ip_bytes": 1600, "resp_pkts": 9, "resp_ip_bytes": 5600,
        }  # fmt: skip

    def dns(self) -> dict[str, object]:
        """Return a record of dns.log."""
        name = (
            self.pick(self.names)
            if self.chance.random() > 0.04
            else f"x{self.chance.getrandbits(40)}.rare.example"
        )
        return self.base() | {
            "proto": "udp", "trans_id": 1, "rtt": 0.02, "query": name, "qclass": 1, "qclass_name": "C_INTERNET",
            "qtype": 1, "qtype_name": "A", "rcode": 0, "rcode_name": "NOERROR", "AA": False, "TC": False, "RD": True,
            "RA": True, "Z": 0, "answers": [self.pick(self.addresses)], "TTLs": [60.0], "rejected": False,
        }  # fmt: skip

    def http(self) -> dict[str, object]:
        """Return a record of http.log."""
        return self.base() | {
            "trans_depth": 1, "method": "GET", "host": self.pick(self.names),
            "uri": f"/p{int(self.chance.paretovariate(0.7)) % 100_000}", "version": "1.1", "user_agent": "Mozilla/5.0",
            "request_body_len": 0, "response_body_len": 100, "status_code": 200, "status_msg": "OK", "tags": [],
        }  # fmt: skip

    def files(self) -> dict[str, object]:
        """Return a record of files.log."""
        return self.base() | {
            "fuid": f"F{self.chance.getrandbits(80):020x}"[:18], "source": "HTTP", "depth": 0, "analyzers": ["MD5", "SHA1"],
            "mime_type": "text/html", "duration": 0.0, "is_orig": False, "seen_bytes": 100,
            "md5": f"{self.chance.getrandbits(128):032x}", "sha1": f"{self.chance.getrandbits(160):040x}",
        }  # fmt: skip


SHARES = {"conn": 0.48, "dns": 0.34, "http": 0.12, "files": 0.06}


def write_logs(folder: Path, world: World, *, megabytes: int) -> int:
    """Write logs of about that size; return their bytes."""
    rows = megabytes * 2**20 // 420
    total = 0
    for kind, share in SHARES.items():
        make = getattr(world, kind)
        with (folder / f"{kind}.log").open("w", encoding="ascii") as file:
            for _ in range(int(rows * share)):
                total += file.write(json.dumps(make(), separators=(",", ":")) + "\n")
    return total


def write_indicators(folder: Path, world: World, count: int) -> tuple[Path, Path]:
    """Write a list that we import, and the same as needles for ripgrep."""
    chance = random.Random(count)
    values = [world.names[n * 37 + 5000] for n in range(PLANTED // 2)]
    values += [world.addresses[n * 41 + 3000] for n in range(PLANTED // 2)]
    known = set(world.addresses)
    while len(values) < count:  # none of these is in the logs: every count finds the same lines
        part = chance.random()
        word = f"{chance.choice(SYLLABLES)}{chance.getrandbits(28):x}{a_name(chance)}"
        if part < 0.37:
            values.append(word)
        elif part < 0.67 and (address := an_address(chance)) not in known:
            values.append(address)
        elif part < 0.88:
            values.append(f"{chance.getrandbits(160):040x}")
        else:
            values.append(f"http://{word}/{chance.getrandbits(32):x}")
    listed, needles = folder / f"{count}.txt", folder / f"{count}.needles"
    listed.write_text("\n".join(values) + "\n")
    needles.write_text("\n".join(values) + "\n")
    return listed, needles


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-hunt-") as scratch:
        folder = Path(scratch)
        world = World(random.Random(1))
        logs = folder / "logs"
        logs.mkdir()
        size = write_logs(logs, world, megabytes=asked.megabytes)
        print(
            f"{datetime.now(UTC).date()}, {machine()}; {size / 2**20:,.0f} MiB of Zeek JSON in {len(SHARES)} files"
        )
        homes, needles = {}, folder / "needles"
        for count in asked.counts:
            listed, values = write_indicators(folder, world, count)
            if count == min(asked.counts):
                needles = values
            homes[count] = folder / f"home-{count}"
            run(*US, "init", "--name", "Bench", home=homes[count])
            taken = run(*US, "import", str(listed), home=homes[count])
            print(f"{count:>9,} indicators: import {taken.cpu_s:.1f} s CPU", flush=True)
        costs: dict[int | str, list[Cost]] = {}
        for _ in range(asked.times):  # in turns: what else the machine does meets all of them alike
            for count, home in homes.items():
                cost = run(*US, "hunt", "--jsonl", str(logs), home=home, out=folder / f"hits-{count}.jsonl")
                costs.setdefault(count, []).append(cost)
            peer = run("rg", "-F", "-f", str(needles), str(logs), out=folder / "lines.txt")
            costs.setdefault("rg", []).append(peer)
            costs.setdefault("wc", []).append(
                run("wc", "-l", *(str(path) for path in sorted(logs.iterdir())))
            )
        tell(homes, costs, folder, size)


def tell(homes: dict[int, Path], costs: dict[int | str, list[Cost]], folder: Path, size: int) -> None:
    """Print the cheapest run of each, with the dearest, and the ratios."""
    least = {name: min(runs, key=lambda cost: cost.cpu_s) for name, runs in costs.items()}
    most = {name: max(cost.cpu_s for cost in runs) for name, runs in costs.items()}
    for count in homes:
        end = json.loads((folder / f"hits-{count}.jsonl").read_text().splitlines()[-1])
        print(
            f"{count:>9,} indicators: hunt {least[count].cpu_s:.2f} to {most[count]:.2f} s CPU, "
            f"{size / 2**20 / least[count].cpu_s:.0f} MiB/s, "
            f"{max(cost.rss_mib for cost in costs[count]):.0f} MiB memory, {end['hits']:,} hits"
        )
    low, high = min(homes), max(homes)
    ratio = least["rg"].cpu_s / least[low].cpu_s
    print(f"{low:>9,} needles: rg {least['rg'].cpu_s:.2f} to {most['rg']:.2f} s CPU: ratio {ratio:.2f}")
    if low != high:
        print(f"{high:,} against {low:,} indicators: {least[high].cpu_s / least[low].cpu_s:.2f}")
    print(f"limit: counting the lines costs {least['wc'].cpu_s:.2f} s CPU; load {os.getloadavg()[1]:.1f}")


if __name__ == "__main__":
    main()
