"""The golden set: indicators of every kind that is looked for, and a log of every format, made by us."""

from __future__ import annotations

import json

from tests.golden.oracle import Comparison

MD5, SHA1, SHA256 = (
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c442" * 8,
)
A, D, U, M = "ipv4-addr:value", "domain-name:value", "url:value", "email-addr:value"
VALID = ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")

WANTED: dict[str, list[Comparison]] = {
    one: [Comparison(*comparison) for comparison in several]
    for one, several in {
        "name": [(D, "=", "evil.example")],
        "defanged name": [(D, "=", "EVIL[.]Example.")],
        "international name": [(D, "=", "bücher.example")],
        "name in punycode": [(D, "=", "xn--bcher-kva.example")],
        "name and its neighbours": [(D, "=", "my-evil.example")],
        "below a name": [(D, "LIKE", "%.evil.example")],
        "end of a name": [(D, "LIKE", "%vil.example")],
        "address": [(A, "=", "203.0.113.7")],
        "defanged address": [(A, "=", "203[.]0[.]113[.]7")],
        "network": [(A, "ISSUBSET", "203.0.113.0/24")],
        "network by equality": [(A, "=", "198.51.100.0/25")],
        "odd network": [(A, "ISSUBSET", "198.51.100.128/27")],
        "address of IPv6": [("ipv6-addr:value", "=", "2001:DB8:0:0::7")],
        "network of IPv6": [("ipv6-addr:value", "ISSUBSET", "2001:db8:7::/48")],
        "IPv4 in IPv6": [("ipv6-addr:value", "=", "::ffff:203.0.113.7")],
        "URL": [(U, "=", "http://evil.example/a?b=1")],
        "defanged URL": [(U, "=", "hxxps://evil[.]example:8443/x")],
        "URL with the port of its scheme": [(U, "=", "HTTP://Evil.Example:80/%7Euser")],
        "URL of an address": [(U, "=", "http://203.0.113.7:8080/a")],
        "beginning of URLs": [(U, "LIKE", "http://evil.example/dir/%")],
        "MD5": [("file:hashes.MD5", "=", MD5.upper())],
        "SHA-1": [("file:hashes.'SHA-1'", "=", SHA1)],
        "SHA-256": [("file:hashes.'SHA-256'", "=", SHA256)],
        "who began it": [("network-traffic:src_ref.value", "=", "203.0.113.7")],
        "with whom": [("network-traffic:dst_ref.value", "=", "203.0.113.7")],
        "mail": [(M, "=", "Who@Evil.example")],
        "mails of a host": [(M, "LIKE", "%@evil.example")],
        "sender": [("email-message:from_ref.value", "=", "who@evil.example")],
        "recipient": [("email-message:to_refs[*].value", "=", "who@evil.example")],
        "either": [(D, "=", "other.example"), (A, "=", "192.0.2.99"), (M, "=", "who@evil.example")],
        "for a day": [(D, "=", "evil.example")],
        "never": [(D, "=", "never.example"), (A, "=", "192.0.2.250")],
    }.items()
}
NOT_IN_THE_INDEX = {"end of a name", "mail", "mails of a host", "sender", "recipient"}
"""What a rehunt cannot answer, as docs/hunting.md says: ends of names, and persons."""


def pattern(comparisons: list[Comparison]) -> str:
    return "[" + " OR ".join(f"{path} {operator} '{value}'" for path, operator, value in comparisons) + "]"


J = 1767225600
C = {"uid": "C1", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.1"}


def _lines(*records: dict[str, object]) -> str:
    return "".join(json.dumps(one, ensure_ascii=number % 2 == 0) + "\n" for number, one in enumerate(records))


def _zeek() -> list[dict[str, object]]:
    names = ["evil.example", "A.Evil.Example.", "notevil.example", "my-evil.example", "evil.example.org", "bücher.example",
             "www.XN--bcher-KVA.example", "other.example", "vil.example", "", "-", "evil.example:53"]  # fmt: skip
    hosts = ["203.0.113.7", "203.0.113.70", "198.51.100.127", "198.51.100.128", "198.51.100.159", "198.51.100.160", "192.0.2.99",
             "2001:db8::7", "2001:0DB8:0000:0000:0000:0000:0000:0007", "2001:db8::70", "::ffff:203.0.113.7", "2001:db8:7::1", "2001:db8:8::1"]  # fmt: skip
    urls = [("evil.example", "/a?b=1", 80), ("evil.example", "/a", 80), ("EVIL.example", "/a?b=1", 8080), ("evil.example:8443", "/x", 9),
            ("evil.example", "/~user", 80), ("evil.example", "/%7euser", 80), ("evil.example", "/./dir/../dir/z", 80), ("evil.example", "/dirt", 80),
            ("203.0.113.7", "/a", 8080), ("proxy.example", "http://evil.example/a?b=1", 3128), ("evil.example", "/A?b=1", 80)]  # fmt: skip
    found: list[dict[str, object]] = []
    for n, name in enumerate(names):
        found.append(
            {"ts": J + n * 14_400, **C, "query": name, "answers": ["198.51.100.9", "x.evil.example"][: n % 3]}
        )
    for host in hosts:
        found += [
            {"ts": J, **C, "id.resp_h": host},
            {"ts": J, **C, "id.orig_h": host, "id.resp_h": "10.0.0.5"},
        ]
    for host, target, port in urls:
        found.append(
            {
                "ts": J,
                **C,
                "id.resp_p": port,
                "host": host,
                "uri": target,
                "referrer": "https://www.evil.example/dir/" if port == 9 else "-",
            }
        )
    found += [
        {"ts": J, **C, "referrer": "http://other.example/evil.example"},
        {"ts": J, **C, "referrer": "http://user@evil.example:8443/x#part"},
        {"ts": J, **C, "referrer": "http://[2001:db8::7]/a"},
        {"ts": J, **C, "md5": MD5, "sha1": SHA1.upper()},
        {"ts": J, **C, "sha256": SHA256, "md5": MD5[:-1]},
        {"ts": J, **C, "ja3": MD5},
        {"ts": J, **C, "mailfrom": "<Who@Evil.Example>", "rcptto": ["a@b.example", "<c@other.example>"]},
        {"ts": J, **C, "mailfrom": "x@y.example", "rcptto": ["who@evil.example"]},
        {"ts": J, **C, "mailfrom": "someone@evil.example", "to": ["Who <who@evil.example>"]},
        {"ts": J, **C, "subject": "CN=www.evil.example,O=Evil", "issuer": "CN = 203.0.113.7"},
        {"ts": J, **C, "san.dns": ["*.evil.example", "fine.example"], "server_name": "evil.example"},
        {"ts": J, **C, "tx_hosts": ["203.0.113.7", "10.0.0.9"]},
    ]
    return found


def _tsv() -> str:
    columns = [
        "ts",
        "uid",
        "id.orig_h",
        "id.resp_h",
        "id.resp_p",
        "query",
        "answers",
        "host",
        "uri",
        "referrer",
        "md5",
        "mailfrom",
        "rcptto",
    ]
    lines = ["#separator \\x09", "#fields\t" + "\t".join(columns), "#types\ttime"]
    for record in _zeek():
        cells = [record.get(column) for column in columns]
        text = [
            "-"
            if cell is None
            else ",".join(cell) or "(empty)"
            if isinstance(cell, list)
            else str(cell) or "(empty)"
            for cell in cells
        ]
        lines.append("\t".join(text))
    turned = [columns[0], columns[1], columns[3], columns[2], columns[5]]  # the columns change in the middle
    lines += [
        "#fields\t" + "\t".join(turned),
        f"{J}\tC9\t203.0.113.7\t10.0.0.5\tevil.example",
        "#close\t2026-01-01",
    ]
    return "\n".join(lines) + "\n"


def _eve() -> list[dict[str, object]]:
    def one(**more: object) -> dict[str, object]:
        return {
            "timestamp": "2026-01-02T10:00:00.000000+0000",
            "event_type": "x",
            "src_ip": "10.0.0.5",
            "dest_ip": "10.0.0.1",
            **more,
        }

    return [
        one(dest_ip="203.0.113.7"), one(src_ip="2001:db8:7::9"), one(timestamp="2026-01-03T01:00:00.000000+0200", dns={"rrname": "evil.example"}),
        one(dns={"rrname": "evil.example"}), one(timestamp="2026-01-03T00:00:00.000000+0000", dns={"queries": [{"rrname": "www.evil.example"}]}),
        one(dns={"answers": [{"rrname": "a.example", "rdata": "198.51.100.9"}, {"rrname": "b.example", "rdata": "x.bücher.example"}]}),
        one(dns={"grouped": {"A": ["192.0.2.1", "203.0.113.9"], "CNAME": ["other.example"]}}),
        one(http={"hostname": "evil.example", "url": "/a?b=1", "http_port": 80, "http_refer": "https://evil.example:8443/x"}),
        one(http={"hostname": "evil.example", "url": "/x", "http_port": 8443}), one(http={"hostname": "fine.example", "xff": "203.0.113.7", "url": "/"}),
        one(tls={"sni": "my-evil.example", "subject": "C=X, CN=evil.example", "issuerdn": "CN=ca.example"}),
        one(fileinfo={"sha256": SHA256, "md5": MD5}), one(files=[{"sha1": SHA1}]), one(tls={"ja3": {"hash": MD5}}),
        one(smtp={"mail_from": "<who@evil.example>", "rcpt_to": ["<a@b.example>"], "helo": "evil.example"}),
        one(email={"from": "A <a@b.example>", "to": ["who@evil.example", "b@evil.example"], "url": ["http://evil.example/dir/q"]}),
    ]  # fmt: skip


SYS = "Mar  1 10:00:00 gw "
WEB = ' - - [01/Mar/2026:10:00:00 +0000] "GET '
LOGS: dict[str, str] = {
    "zeek-json": _lines(*_zeek()) + '{"ts": 1, "uid": "cut", "id.orig_h": "203.0.113.7", "que\n',
    "zeek-tsv": _tsv(),
    "suricata-eve": _lines(*_eve()),
    "windows": _lines(
        {"EventID": 3, "Channel": "Sysmon", "Computer": "PC1", "UtcTime": "2026-03-01 10:00:00.000", "SourceIp": "10.0.0.5", "DestinationIp": "203.0.113.7"},
        {"EventID": 22, "Channel": "Sysmon", "Computer": "PC1", "UtcTime": "2026-03-01 10:00:00.000", "QueryName": "www.evil.example", "QueryResults": "type:  5 other.example;::ffff:203.0.113.9;"},
        {"EventID": 1, "Channel": "Sysmon", "Computer": "PC1", "UtcTime": "2026-03-01 10:00:00.000", "Hashes": f"SHA1={SHA1.upper()},MD5={MD5},SHA256={'0' * 64}"},
    ),
    "windows-xml": "".join(
        f"<Event xmlns='x'><System><TimeCreated SystemTime='2026-03-01T10:00:00Z'/><Computer>PC1</Computer></System><EventData>{data}</EventData></Event>\n"
        for data in (
            "<Data Name='SourceIp'>10.0.0.5</Data><Data Name='DestinationIp'>203.0.113.7</Data>",
            "<Data Name='QueryName'>evil.example</Data><Data Name='QueryResults'>::ffff:198.51.100.9;</Data>",
            f"<Data Name='Hashes'>MD5={MD5},SHA256={SHA256}</Data>",
        )
    ),
    "ecs": _lines(
        {"@timestamp": "2026-03-01T10:00:00Z", "ecs": {"version": "8"}, "source": {"ip": "203.0.113.7"}, "destination": {"ip": "10.0.0.5"}},
        {"@timestamp": "2026-03-01T10:00:00Z", "ecs": {"version": "8"}, "dns": {"question": {"name": "Bücher.example"}, "answers": [{"data": "198.51.100.130"}]}},
        {"@timestamp": "2026-03-01T10:00:00Z", "ecs": {"version": "8"}, "url": {"full": "http://evil.example/dir/a"}, "file": {"hash": {"sha256": SHA256}}},
        {"@timestamp": "2026-03-01T10:00:00Z", "ecs": {"version": "8"}, "email": {"from": {"address": ["who@evil.example"]}, "to": {"address": ["a@other.example"]}}},
    ),
    "ocsf": _lines(
        {"class_uid": 4001, "category_uid": 4, "time": J * 1000, "src_endpoint": {"ip": "10.0.0.5"}, "dst_endpoint": {"ip": "2001:db8::7"}},
        {"class_uid": 4003, "category_uid": 4, "time": J * 1000, "query": {"hostname": "other.example"}, "answers": [{"rdata": "203.0.113.1"}]},
        {"class_uid": 4002, "category_uid": 4, "time": J * 1000, "http_request": {"url": {"url_string": "https://evil.example:8443/x"}}},
        {"class_uid": 1001, "category_uid": 1, "time": J * 1000, "file": {"hashes": [{"value": "0" * 32}, {"value": SHA1}]}},
    ),
    "dnstap": _lines(
        {"network": {"query-ip": "10.0.0.5", "response-ip": "203.0.113.7"}, "dnstap": {"timestamp-rfc3339ns": "2026-03-01T10:00:00Z"},
         "dns": {"qname": "a.evil.example", "resource-records": {"an": [{"name": "x", "rdata": "198.51.100.1"}]}}},
    ),
    "cloudtrail": _lines(
        {"eventTime": "2026-03-01T10:00:00Z", "eventSource": "s3", "eventName": "Get", "awsRegion": "x", "sourceIPAddress": "203.0.113.7"},
        {"eventTime": "2026-03-01T10:00:00Z", "eventSource": "s3", "eventName": "Get", "awsRegion": "x", "sourceIPAddress": "203.0.113.255"},
    ),
    "bind": "01-Mar-2026 10:00:00.123 queries: info: client @0x7f1 10.0.0.5#3076 (evil.example): query: evil.example IN A +E(0)K (10.0.0.1)\n"
            "01-Mar-2026 10:00:00.123 queries: info: client @0x7f1 203.0.113.7#3076 (fine.example): query: fine.example IN A + (10.0.0.1)\n",
    "unbound": "[1772359200] unbound[1234:0] info: 10.0.0.5 evil.example. A IN\n[1772359200] unbound[1234:0] info: 2001:db8::7 WWW.evil.example. AAAA IN\n",
    "powerdns": SYS + "pdns_recursor[12]: 3 [4/1] question for 'evil.example|A' from 10.0.0.5:41234\n",
    "dnsmasq": SYS + "dnsmasq[9]: query[A] other.example from 10.0.0.5\n" + SYS + "dnsmasq[9]: reply x.example is 203.0.113.7\n",
    "web": "203.0.113.7" + WEB + '/ HTTP/1.1" 200 5 "http://evil.example/a?b=1" "curl"\n10.0.0.5' + WEB + 'http://evil.example/dir/x HTTP/1.1" 200 5 "-" "x"\n'
           '10.0.0.5 - - [01/Mar/2026:10:00:00 +0000] "CONNECT www.evil.example:443 HTTP/1.1" 200 5 "-" "x"\n2001:db8::7' + WEB + '/evil.example HTTP/1.1" 200 5 "-" "203.0.113.7"\n',
    "squid": "1772359200.123    180 10.0.0.5 TCP_MISS/200 411 GET http://evil.example/a?b=1 - HIER_DIRECT/203.0.113.7 text/html\n"
             "1772359200.123   5180 10.0.0.5 TCP_TUNNEL/200 9411 CONNECT evil.example:443 - HIER_DIRECT/192.0.2.99 -\n",
    "postfix": SYS + "postfix/smtpd[9]: 4F1A2B3C4D: client=mx.evil.example[203.0.113.7]\n" + SYS + "postfix/qmgr[9]: 4F1A2B3C4D: from=<who@evil.example>, size=1, nrcpt=1 (queue active)\n"
               + SYS + "postfix/smtp[9]: 4F1A2B3C4D: to=<a@b.example>, relay=mx.other.example[198.51.100.3]:25, delay=1, status=sent (250 OK)\n",
    "exim": "2026-03-01 10:00:00 1uAbCd-00000000Xyz-12ab <= who@evil.example H=mx.evil.example (helo.example) [203.0.113.7]:25 P=esmtps S=1 id=x for a@b.example\n",
    "dovecot": SYS + "dovecot: imap-login: Login: user=<u>, method=PLAIN, rip=203.0.113.7, lip=10.0.0.1, mpid=1, TLS\n",
    "rspamd": "2026-03-01 10:00:00 #12345(normal) <a1b2c3>; task; rspamd_task_write_log: id: <x@y>, qid: <4F1A>, ip: 203.0.113.7, from: <who@evil.example>, (default: F (no action): [0.10/15.00] [A(0.1){}]), len: 1, time: 1ms, dns req: 0, digest: <d>, rcpts: <a@b.example>, mime_rcpts: <a@b.example>\n",
    "asterisk": "[2026-03-01 10:00:00] NOTICE[123]: chan_sip.c:28476 handle_request_register: Registration from '\"100\" <sip:100@192.0.2.1>' failed for '203.0.113.7:5060' - Wrong password\n",
    "asterisk-cdr": '"","+49301234567","231","from-trunk","""x"" <+49301234567>","PJSIP/trunk-1","PJSIP/231-2","Dial","PJSIP/231,20",'
                    '"2026-03-01 10:00:00","2026-03-01 10:00:02","2026-03-01 10:01:00",60,58,"ANSWERED","DOCUMENTATION","1772359200.1",""\n',
    "kamailio": SYS + "kamailio[9]: NOTICE: acc [acc.c:289]: acc_log_request(): ACC: transaction answered: timestamp=1772359200;method=INVITE;from_tag=a;to_tag=b;call_id=c;code=200;reason=OK;src_user=100;src_domain=b.example;src_ip=203.0.113.7;dst_ouser=0044;dst_user=0044;dst_domain=evil.example\n",
    "freeswitch": "2026-03-01 10:00:00.123456 96.03% [WARNING] sofia_reg.c:1842 SIP auth challenge (REGISTER) on sofia profile 'internal' for [100@192.0.2.1] from ip 203.0.113.7\n",
    "netfilter": SYS + "kernel: [12.34] drop: IN=eth0 OUT= MAC=aa:bb SRC=203.0.113.7 DST=10.0.0.5 LEN=44 TOS=0x00 PROTO=TCP SPT=1 DPT=2\n" + SYS + "kernel: [12.34] drop: IN=eth0 OUT= SRC=2001:db8::5 DST=2001:db8:7::7 LEN=44 TC=0\n",
    "pf": SYS + "pf[9]: 10:00:00.000123 rule 5/0(match): block in on em0: 203.0.113.7.4711 > 10.0.0.5.22: Flags [S]\n",
    "sshd": SYS + "sshd[9]: Failed password for invalid user root from 203.0.113.7 port 22 ssh2\n",
    "w3c": "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(Referer) cs-host sc-status\n"
           "2026-03-01 10:00:00 10.0.0.1 GET /a b=1 80 - 203.0.113.7 http://evil.example/dir/ evil.example 200\n2026-03-01 10:00:00 10.0.0.1 GET /x - 8443 - 10.0.0.5 - evil.example 200\n",
    "csv": f"Start,Client,Asked,Sum\n2026-03-01 10:00:00,203.0.113.7,evil.example:443,{MD5}\n2026-03-01 10:00:00,10.0.0.5,192.0.2.99,{'0' * 32}\n",
}  # fmt: skip
"""A log of each format; `zeek-json` ends with a line that was cut."""
MAPPING = """
separator = ","
time = ["Start"]
times = ["%Y-%m-%d %H:%M:%S"]
source = ["Client"]
[[field]]
reading = "address"
side = "source"
names = ["Client"]
[[field]]
reading = "host"
side = "destination"
names = ["Asked"]
[[field]]
reading = "hash"
names = ["Sum"]
"""
