"""A slow judge of what a hunt must find, made from the words of docs/hunting.md alone.

It has its own reading of every line (json, re), its own equality of addresses (ipaddress), names and URLs (urllib), and
looks at every value of every line with every indicator. The names of the fields of Zeek and Suricata it takes from the
tables of that page, so that the page is held, too. Nothing of the product is imported here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

PAGE = Path(__file__).parents[2] / "docs" / "hunting.md"
PUBLIC_SUFFIXES = {"co.uk"}
"""Those of the golden set."""


class Seen(NamedTuple):
    """One value in a line."""

    kind: str
    """`address`, `host` (an address or a name, perhaps with a port), `name`, `url`, `hash`, `mail`, `holder`."""
    text: str
    side: str = ""


class Comparison(NamedTuple):
    """One comparison of a pattern."""

    path: str
    operator: str
    value: str


# --- One spelling ---------------------------------------------------------------------------------


def fanged(text: str) -> str:
    text = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").replace("[@]", "@")
    return re.sub(r"^hxxp", "http", text, flags=re.IGNORECASE)


def address(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip().removeprefix("[")
    if "]" in text:
        text = text.partition("]")[0]
    elif text.count(":") == 1:
        text = re.sub(r":\d{1,5}$", "", text)
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def name(text: str) -> str | None:
    text = re.sub(r":\d{1,5}$", "", text.strip()).rstrip(".").lower().removeprefix("*.")
    if not text or address(text) is not None or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", text):
        return None
    return text if text.isascii() else text.encode("idna").decode()


def url(text: str) -> tuple[str, int, str] | None:
    """Host, port, and what is asked for: the scheme is not compared, what it says of the port is."""
    text = fanged(text.strip())
    bare = address(text) if text.count(":") > 1 and "/" not in text else None
    if bare is not None:  # an address of IPv6 that nobody put into brackets
        text = f"[{bare}]" if bare.version == 6 else str(bare)
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        if not parts.hostname or parts.port == 0:
            return None
    except ValueError:  # its port is no number
        return None
    found = address(parts.hostname)
    host = name(parts.hostname) if found is None else str(found)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    path = re.sub(
        r"%([0-9A-Fa-f]{2})", _unreserved, urljoin("http://x", parts.path or "/").removeprefix("http://x")
    )
    is_default = port == {"http": 80, "https": 443}[parts.scheme]
    return (host or "", 0 if is_default else port, path + (f"?{parts.query}" if parts.query else ""))


def _unreserved(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if re.fullmatch(r"[A-Za-z0-9._~-]", letter) else match[0].upper()


def mails(text: str) -> list[str]:
    return [one.lower().rstrip(".") for one in re.findall(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+", text)]


# --- What meets what ------------------------------------------------------------------------------


def hosts(seen: Seen) -> list[str]:
    """What can be a name or an address in a value, the hosts inside it included."""
    if seen.kind in {"address", "host", "name"}:
        return [seen.text]
    if seen.kind == "url":
        found = url(seen.text)
        return [] if found is None else [found[0]]
    if seen.kind == "mail":
        return [one.rpartition("@")[2] for one in mails(seen.text)]
    return re.findall(r"\bCN\s*=\s*([^\s,/+;]+)", seen.text) if seen.kind == "holder" else []


def scope(wanted: Comparison, seen: Seen, *, personal: bool) -> str | None:
    """Return how a value meets a comparison, None if it does not."""
    path, operator, value = wanted
    sides = {"src_ref": "source", "dst_ref": "destination", "from_ref": "sender", "to_refs": "recipient"}
    for word, side in sides.items():
        if word in path and seen.side != side:
            return None
    if path.startswith(("ipv", "network-traffic")):
        return _scope_of_address(value, seen)
    if path.startswith("domain-name"):
        return _scope_of_name(operator, value, seen)
    if path.startswith("url"):
        return _scope_of_url(operator, value, seen) if seen.kind == "url" else None
    if path.startswith("file:hashes"):
        return "exact" if seen.kind == "hash" and seen.text.strip().lower() == value.lower() else None
    if seen.kind != "mail" or not personal:
        return None
    if operator == "LIKE":
        return "suffix" if any(one.endswith(value[1:].lower()) for one in mails(seen.text)) else None
    return "exact" if fanged(value).lower() in mails(seen.text) else None


def _scope_of_address(value: str, seen: Seen) -> str | None:
    value = fanged(value)
    for text in hosts(seen):
        found = address(text)
        if found is None or (seen.kind == "name"):
            continue
        if "/" in value:
            net = ip_network(value)
            if net.version == found.version and found in net:
                return "cidr"
        elif found == address(value):
            return "exact"
    return None


def _scope_of_name(operator: str, value: str, seen: Seen) -> str | None:
    found: set[str] = set()
    for text in hosts(seen):
        one = name(text)
        if one is None or seen.kind == "address":
            continue
        if operator == "LIKE":
            if one.endswith(value[1:].lower()):
                found.add("subdomain" if value.startswith("%.") else "suffix")
            continue
        wanted = name(fanged(value))
        if one == wanted:
            return "exact"
        if wanted not in PUBLIC_SUFFIXES and one.endswith(f".{wanted}"):
            found.add("subdomain")
    return min(found, default=None)


def _scope_of_url(operator: str, value: str, seen: Seen) -> str | None:
    wanted, found = url(value.removesuffix("%") if operator == "LIKE" else value), url(seen.text)
    if wanted is None or found is None:
        return None
    if operator == "LIKE":
        return "url prefix" if found[:2] == wanted[:2] and found[2].startswith(wanted[2]) else None
    return "exact" if found == wanted else None


# --- Lines ----------------------------------------------------------------------------------------


@cache
def fields(heading: str) -> Mapping[str, str]:
    """Field to kind, from the table below a heading of the page."""
    words = {"addresses": "address", "addresses or names": "host", "names": "name", "URLs": "url", "hashes": "hash",
             "certificates": "hash", "JA3 and JA4": "hash", "HASSH and SSH keys": "hash",  # `file:hashes` is met in these, too
             "e-mail addresses": "mail", "certificate names": "holder"}  # fmt: skip
    section = PAGE.read_text("utf-8").partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    found: dict[str, str] = {}
    for kind, cells in re.findall(r"^\| ([^|]+?) \| (.+?) \|$", section, re.MULTILINE):
        if kind in words:
            for field in re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", cells)):
                found[f"{field}#{words[kind]}"] = words[kind]
    return found


ZEEK_SIDES = {"id.orig_h": "source", "id.resp_h": "destination", "src": "source", "dst": "destination",
              "client_addr": "source", "server_addr": "destination", "mailfrom": "sender", "from": "sender",
              "reply_to": "sender", "rcptto": "recipient", "to": "recipient", "cc": "recipient"}  # fmt: skip
EVE_SIDES = {"src_ip": "source", "dest_ip": "destination", "smtp.mail_from": "sender", "email.from": "sender",
             "smtp.rcpt_to": "recipient", "email.to": "recipient", "email.cc": "recipient"}  # fmt: skip


def _at(record: object, keys: Sequence[str]) -> Iterator[object]:
    if not keys:
        yield record
        return
    key, many = keys[0].removesuffix("[]"), keys[0].endswith("[]")
    inner = record.get(key) if isinstance(record, dict) else None
    for one in (inner if isinstance(inner, list) else []) if many else [inner]:
        yield from _at(one, keys[1:])


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def zeek(record: Mapping[str, object]) -> Iterator[Seen]:
    def get(field: str) -> list[str]:
        spelled = (record.get(field), record.get(field.replace(".", "_")), *_at(record, field.split(".")))
        return next((texts for one in spelled if (texts := _texts(one))), [])

    for marked, kind in fields("Zeek").items():
        field = marked.partition("#")[0]
        for text in [] if field == "uri" else get(field):
            yield Seen(kind, text, ZEEK_SIDES.get(field, ""))
    for target in get("uri"):
        host = next(iter(get("host")), None)
        port = record.get("id.resp_p", record.get("id_resp_p"))
        yield from _request(host, None if port is None else int(str(port)), target)


def eve(record: Mapping[str, object]) -> Iterator[Seen]:
    for marked, kind in fields("Suricata").items():
        field = marked.partition("#")[0]
        for value in [] if field == "http.url" else _at(record, field.split(".")):
            for text in _texts(value):
                yield Seen(kind, text, EVE_SIDES.get(field, ""))
    http = record.get("http")
    if isinstance(http, dict) and isinstance(http.get("url"), str):
        yield from _request(http.get("hostname"), http.get("http_port"), http["url"])


def _request(host: str | None, port: int | None, target: str) -> Iterator[Seen]:
    if "://" in target:
        yield Seen("url", target)
    elif host and target.startswith("/"):
        has_port = port in {None, 80, 443} or re.search(r":\d+$", host)
        yield Seen("url", f"http://{host}{'' if has_port else f':{port}'}{target}")


def table(lines: Sequence[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Zeek's tables: sets and vectors have commas, `-` and `(empty)` are nothing."""
    columns: list[str] = []
    lists = {"answers", "tx_hosts", "rx_hosts", "rcptto", "to", "cc", "path", "links", "san.dns"}
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            columns = line.split("\t")[1:] if line.startswith("#fields\t") else columns
            continue
        cells = dict(zip(columns, line.split("\t"), strict=False))
        kept = {key: cell for key, cell in cells.items() if cell not in {"-", "(empty)", ""}}
        yield number, {key: cell.split(",") if key in lists else cell for key, cell in kept.items()}


HOST, ADDRESS, NAME, URL, HASH, MAIL = "host", "address", "name", "url", "hash", "mail"
IP = r"[0-9a-fA-F.:]+"
TEXT: dict[str, list[tuple[str, dict[str, tuple[str, str]]]]] = {
    "windows-xml": [(r"Name='SourceIp'>(?P<c>[^<]+)<.*Name='DestinationIp'>(?P<s>[^<]+)<", {"c": (ADDRESS, "source"), "s": (ADDRESS, "destination")}),
                    (r"Name='QueryName'>(?P<q>[^<]+)<.*Name='QueryResults'>(?P<a>[^;<]+);", {"q": (NAME, ""), "a": (HOST, "")}),
                    (r"Name='Hashes'>MD5=(?P<m>\w+),SHA256=(?P<h>\w+)<", {"m": (HASH, ""), "h": (HASH, "")})],
    "bind": [(rf"client (?:@\S+ )?(?P<c>{IP})#\d+.*?: query: (?P<q>\S+) IN", {"c": (ADDRESS, "source"), "q": (NAME, "")})],
    "unbound": [(rf"\] (?:info|reply): (?P<c>{IP}) (?P<q>\S+) [A-Z]+ IN", {"c": (ADDRESS, "source"), "q": (NAME, "")})],
    "powerdns": [(r"question for '(?P<q>[^|']+)\|\w+' from (?P<c>[0-9.]+)", {"c": (ADDRESS, "source"), "q": (NAME, "")})],
    "dnsmasq": [(rf"query\[\w+\] (?P<q>\S+) from (?P<c>{IP})", {"c": (ADDRESS, "source"), "q": (NAME, "")}),
                (r"reply (?P<q>\S+) is (?P<a>\S+)", {"q": (NAME, ""), "a": (HOST, "")})],
    "web": [(rf'^(?P<c>{IP}) - - \[[^]]+\] "(?:CONNECT (?P<h>\S+)|GET (?P<u>http\S+)|GET /\S*) HTTP/1.1" \d+ \d+ "(?P<r>[^"]*)"',
             {"c": (ADDRESS, "source"), "h": (HOST, "destination"), "u": (URL, ""), "r": (URL, "")})],
    "squid": [(rf"^\S+ +\d+ (?P<c>{IP}) \S+ \d+ (?:CONNECT (?P<h>\S+)|GET (?P<u>\S+)) \S+ \w+/(?P<s>{IP})",
               {"c": (ADDRESS, "source"), "h": (HOST, "destination"), "u": (URL, ""), "s": (ADDRESS, "destination")})],
    "postfix": [(rf"client=(?P<n>\S+)\[(?P<c>{IP})\]", {"n": (NAME, "source"), "c": (ADDRESS, "source")}),
                (r"from=<(?P<f>[^>]*)>", {"f": (MAIL, "sender")}),
                (rf" to=<(?P<t>[^>]*)>.*?relay=(?P<n>\S+)\[(?P<s>{IP})\]", {"t": (MAIL, "recipient"), "n": (NAME, "destination"), "s": (ADDRESS, "destination")})],
    "exim": [(rf"<= (?P<f>\S+) H=(?P<n>\S+) \((?P<e>\S+)\) \[(?P<c>{IP})\].* for (?P<t>\S+)$",
              {"f": (MAIL, "sender"), "n": (HOST, "source"), "e": (HOST, ""), "c": (ADDRESS, "source"), "t": (MAIL, "recipient")})],
    "dovecot": [(rf"rip=(?P<c>{IP})", {"c": (ADDRESS, "source")})],
    "rspamd": [(rf"ip: (?P<c>{IP}), from: <(?P<f>[^>]+)>.* rcpts: <(?P<t>[^>]+)>,", {"c": (ADDRESS, "source"), "f": (MAIL, "sender"), "t": (MAIL, "recipient")})],
    "asterisk-cdr": [],  # numbers of calls are in none of the set's patterns
    "asterisk": [(r"failed for '(?P<c>[0-9.]+):\d+'", {"c": (ADDRESS, "source")})],
    "kamailio": [(rf"src_domain=(?P<a>[^;]+);src_ip=(?P<c>{IP});.*dst_domain=(?P<b>\S+)$", {"a": (HOST, ""), "b": (HOST, ""), "c": (ADDRESS, "source")})],
    "freeswitch": [(rf"from ip (?P<c>{IP})$", {"c": (ADDRESS, "source")})],
    "netfilter": [(rf"SRC=(?P<c>{IP}) DST=(?P<s>{IP})", {"c": (ADDRESS, "source"), "s": (ADDRESS, "destination")})],
    "pf": [(r": (?P<c>[0-9.]+)\.\d+ > (?P<s>[0-9.]+)\.\d+:", {"c": (ADDRESS, "source"), "s": (ADDRESS, "destination")})],
    "sshd": [(rf"from (?P<c>{IP}) port", {"c": (ADDRESS, "source")})],
    "w3c": [(r"^\d{4}-\d\d-\d\d \S+ (?P<s>\S+) GET (?P<p>\S+) (?P<y>\S+) (?P<o>\d+) - (?P<c>\S+) (?P<r>\S+) (?P<h>\S+) \d+$",
             {"s": (ADDRESS, "destination"), "c": (ADDRESS, "source"), "r": (URL, ""), "h": (HOST, "")})],
    "csv": [(r"^[^,]+,(?P<c>[^,]+),(?P<h>[^,]+),(?P<x>\w+)$", {"c": (ADDRESS, "source"), "h": (HOST, "destination"), "x": (HASH, "")})],
}  # fmt: skip


def text_line(format_: str, line: str) -> Iterator[Seen]:
    for shape, groups in TEXT[format_]:
        if (match := re.search(shape, line)) is None:
            continue
        for group, (kind, side) in groups.items():
            if match[group] and match[group] != "-":
                yield Seen(kind, match[group], side)
        if format_ == "w3c":
            query = "" if match["y"] == "-" else f"?{match['y']}"
            yield from _request(match["h"], int(match["o"]), match["p"] + query)
        return


JSONS: dict[str, list[tuple[str, str, str]]] = {
    "windows": [("SourceIp", ADDRESS, "source"), ("DestinationIp", ADDRESS, "destination"), ("QueryName", NAME, "")],
    "ecs": [("source.ip", ADDRESS, "source"), ("destination.ip", ADDRESS, "destination"), ("dns.question.name", NAME, ""),
            ("dns.answers[].data", HOST, ""), ("url.full", URL, ""), ("tls.client.server_name", HOST, ""),
            ("file.hash.sha256", HASH, ""), ("file.hash.md5", HASH, ""), ("email.from.address", MAIL, "sender"), ("email.to.address", MAIL, "recipient")],
    "ocsf": [("src_endpoint.ip", ADDRESS, "source"), ("dst_endpoint.ip", ADDRESS, "destination"), ("query.hostname", NAME, ""),
             ("answers[].rdata", HOST, ""), ("http_request.url.url_string", URL, ""), ("tls.sni", HOST, ""),
             ("file.hashes[].value", HASH, ""), ("email.from", MAIL, "sender"), ("email.to", MAIL, "recipient")],
    "dnstap": [("network.query-ip", ADDRESS, "source"), ("network.response-ip", ADDRESS, "destination"), ("dns.qname", NAME, ""),
               ("dns.resource-records.an[].rdata", HOST, "")],
    "cloudtrail": [("sourceIPAddress", HOST, "source")],
}  # fmt: skip


def json_line(format_: str, record: Mapping[str, object]) -> Iterator[Seen]:
    for field, kind, side in JSONS[format_]:
        for value in _at(record, field.split(".")):
            for text in _texts(value):
                yield Seen(kind, text, side)
    if format_ == "windows":
        for found in re.findall(r"=([0-9A-Fa-f]{32,64})", str(record.get("Hashes", ""))):
            yield Seen(HASH, found)
        for found in str(record.get("QueryResults", "")).split(";"):
            yield Seen(HOST, found.strip().rpartition(" ")[2])


def records(format_: str, text: str) -> Iterator[tuple[int, list[Seen], datetime | None]]:
    """Yield the number of each line, what stands in it, and its time where the format has it as a number or in RFC 3339."""
    lines = text.split("\n")
    if format_ == "zeek-tsv":
        for number, cells in table(lines):
            yield number, list(zeek(cells)), _moment(cells.get("ts"))
        return
    for number, line in enumerate(lines, 1):
        if format_ in TEXT:
            yield number, list(text_line(format_, line)), None
            continue
        try:
            record = json.loads(line)
        except ValueError:
            continue
        seen = (
            zeek(record)
            if format_ == "zeek-json"
            else eve(record)
            if format_ == "suricata-eve"
            else json_line(format_, record)
        )
        yield number, list(seen), _moment(record.get("ts", record.get("timestamp")))


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except ValueError:
        return datetime.fromisoformat(str(value))


def judged(
    format_: str, text: str, wanted: Mapping[str, Sequence[Comparison]], *, personal: bool
) -> dict[tuple[int, str], tuple[set[str], datetime | None]]:
    """Return (line, name of the indicator) of each hit, with the scopes in which it is one and the time of the record."""
    found: dict[tuple[int, str], tuple[set[str], datetime | None]] = {}
    for number, several, at in records(format_, text):
        for indicator, comparisons in wanted.items():
            scopes = {
                how
                for seen in several
                for comparison in comparisons
                if (how := scope(comparison, seen, personal=personal)) is not None
            }
            if scopes:
                found[number, indicator] = ({"exact"} if "exact" in scopes else scopes, at)
    return found
