"""Formats of which nobody's logs are at hand, or not of each shape: lines made by us, as the program's own documents say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.logs.test_samples import SAMPLES

from backchannel.logs.recognise import recognise, records
from backchannel.logs.tables import names
from backchannel.logs.times import Assumed

ASSUMED = Assumed(UTC, datetime(2026, 4, 1, tzinfo=UTC))
AT = "2026-03-01T10:00:00"
SYSLOG = "Mar  1 10:00:00 gw "

MADE: dict[str, list[tuple[str, dict[str, str]]]] = {
    # BIND 9 Administrator Reference Manual, "Query Logging"; the category `rpz`.
    "bind": [
        ("01-Mar-2026 10:00:00.123 queries: info: client @0x7f1 10.0.0.5#3076 (evil.example): query: evil.example IN A +E(0)K (10.0.0.1)",
         {"client": "10.0.0.5", "query": "evil.example", "server": "10.0.0.1"}),
        ("01-Mar-2026 10:00:00.123 client 10.0.0.5#3076/key k1 (evil.example): view inside: query: evil.example IN AAAA + (::1)",
         {"client": "10.0.0.5", "query": "evil.example", "server": "::1"}),
        ("01-Mar-2026 10:00:00.123 rpz: info: client @0x7f1 10.0.0.5#3076 (evil.example): rpz QNAME NXDOMAIN rewrite evil.example/A/IN via evil.example.rpz",
         {"client": "10.0.0.5", "query": "evil.example"}),
        ("01-Mar-2026 10:00:00.123 client 10.0.0.5#3076: query: evil.example IN A +", {"client": "10.0.0.5", "query": "evil.example"}),
        ("2026-03-01T10:00:00.123Z client @0x7f1 10.0.0.5#3076 (evil.example): query: evil.example IN A + (10.0.0.1)",
         {"client": "10.0.0.5", "query": "evil.example", "server": "10.0.0.1"}),
    ],
    # unbound.conf(5): log-queries, log-replies, log-tag-queryreply, rpz-log.
    "unbound": [
        ("[1772359200] unbound[1234:0] info: 10.0.0.5 evil.example. A IN", {"client": "10.0.0.5", "query": "evil.example."}),
        ("[1772359200] unbound[1234:0] reply: 10.0.0.5 evil.example. A IN NOERROR 0.012 0 45", {"client": "10.0.0.5", "query": "evil.example."}),
        (SYSLOG + "unbound: [1234:0] info: 2001:db8::5 evil.example. A IN", {"client": "2001:db8::5", "query": "evil.example."}),
        ("[1772359200] unbound[1234:0] info: rpz: applied [bad] evil.example. nxdomain 10.0.0.5@41234 evil.example. A IN",
         {"client": "10.0.0.5", "query": "evil.example."}),
    ],
    # PowerDNS: recursor `quiet=no`, its structured logging, and the authoritative server's `log-dns-queries`.
    "powerdns": [
        (SYSLOG + "pdns_recursor[12]: 3 [4/1] question for 'evil.example|A' from 10.0.0.5:41234", {"client": "10.0.0.5:41234", "query": "evil.example"}),
        (SYSLOG + 'pdns-recursor[12]: msg="Question" subsystem="syncres" level="0" prio="Info" qname="evil.example" qtype="A" remote="10.0.0.5:41234"',
         {"client": "10.0.0.5:41234", "query": "evil.example"}),
        (SYSLOG + "pdns_server[12]: Remote 10.0.0.5 wants 'evil.example|A', do = 0, bufsize = 512: packetcache MISS", {"client": "10.0.0.5", "query": "evil.example"}),
        ("Mar 01 10:00:00 Remote 10.0.0.5<-10.0.0.9 wants 'evil.example|A', do = 0", {"client": "10.0.0.5", "query": "evil.example"}),
    ],
    # dnsmasq(8): --log-queries, --log-queries=extra.
    "dnsmasq": [
        (SYSLOG + "dnsmasq[9]: query[A] evil.example from 10.0.0.5", {"client": "10.0.0.5", "query": "evil.example"}),
        (SYSLOG + "dnsmasq[9]: 12 10.0.0.5/41234 query[AAAA] evil.example from 10.0.0.5", {"client": "10.0.0.5", "query": "evil.example"}),
        ("Mar  1 10:00:00 dnsmasq[9]: reply evil.example is 203.0.113.7", {"query": "evil.example", "answer": "203.0.113.7"}),
        (SYSLOG + "dnsmasq[9]: forwarded evil.example to 192.0.2.53", {"query": "evil.example", "server": "192.0.2.53"}),
    ],
    # Apache mod_log_config (vhost_combined; a proxy's requests), nginx `combined` and error_log.
    "web": [
        ('shop.example:443 203.0.113.7 - - [01/Mar/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 5 "http://evil.example/x" "curl"',
         {"vhost": "shop.example:443", "client": "203.0.113.7", "referrer": "http://evil.example/x", "target": "/a?b=1"}),
        ('10.0.0.5 - who [01/Mar/2026:10:00:00 +0000] "CONNECT evil.example:443 HTTP/1.1" 200 -', {"client": "10.0.0.5", "connect": "evil.example:443"}),
        ('10.0.0.5 - - [01/Mar/2026:10:00:00 +0000] "GET http://evil.example/a HTTP/1.1" 200 5', {"client": "10.0.0.5", "asked": "http://evil.example/a"}),
        (r'2001:db8::5 - - [01/Mar/2026:10:00:00 +0000] "\x16\x03\"" 400 0 "-" "-"', {"client": "2001:db8::5"}),
        ('2026/03/01 10:00:00 [error] 7#7: *1 open() "/x" failed, client: 203.0.113.7, server: _, request: "GET /x HTTP/1.1", host: "shop.example", referrer: "http://evil.example/"',
         {"client": "203.0.113.7", "vhost": "shop.example", "referrer": "http://evil.example/"}),
        ("[Sun Mar 01 10:00:00.123456 2026] [core:error] [pid 7:tid 9] [client 203.0.113.7:4711] AH00126: x, referer: http://evil.example/",
         {"client": "203.0.113.7", "referrer": "http://evil.example/"}),
    ],
    # Squid, "Features/LogFormat": squid's own.
    "squid": [
        ("1772359200.123    180 10.0.0.5 TCP_MISS/200 411 GET http://evil.example/x - HIER_DIRECT/203.0.113.7 text/html",
         {"client": "10.0.0.5", "url": "http://evil.example/x", "server": "203.0.113.7"}),
        ("1772359200.123   5180 10.0.0.5 TCP_TUNNEL/200 9411 CONNECT evil.example:443 who HIER_DIRECT/203.0.113.7 -",
         {"client": "10.0.0.5", "connect": "evil.example:443", "server": "203.0.113.7"}),
    ],
    # Postfix: smtpd(8), qmgr(8), smtp(8), postscreen(8).
    "postfix": [
        (SYSLOG + "postfix/smtpd[9]: 4F1A2B3C4D: client=mx.evil.example[203.0.113.7]", {"client": "203.0.113.7", "client_name": "mx.evil.example"}),
        (SYSLOG + "postfix/qmgr[9]: 4F1A2B3C4D: from=<who@evil.example>, size=1, nrcpt=1 (queue active)", {"sender": "who@evil.example"}),
        (SYSLOG + "postfix/smtp[9]: 4F1A2B3C4D: to=<a@b.example>, orig_to=<c@b.example>, relay=mx.evil.example[203.0.113.7]:25, delay=1, status=sent (250 OK)",
         {"recipient": "a@b.example", "orig_to": "c@b.example", "relay": "mx.evil.example", "relay_address": "203.0.113.7"}),
        (SYSLOG + "postfix/local[9]: 4F1A2B3C4D: to=<a@b.example>, relay=local, delay=1, status=sent", {"recipient": "a@b.example", "relay": "local"}),
        (SYSLOG + "postfix/postscreen[9]: PREGREET 11 after 0.1 from [203.0.113.7]:4711: EHLO x", {"client": "203.0.113.7"}),
        (SYSLOG + "postfix/smtpd[9]: lost connection after AUTH from unknown[2001:db8::7]", {"client": "2001:db8::7", "client_name": "unknown"}),
        (SYSLOG + "postfix/smtpd[9]: warning: hostname evil.example does not resolve to address 203.0.113.7", {"client": "203.0.113.7", "client_name": "evil.example"}),
    ],
    # Exim specification, "Log files".
    "exim": [
        ("2026-03-01 10:00:00 1uAbCd-00000000Xyz-12ab <= who@evil.example H=mx.evil.example (helo.example) [203.0.113.7]:25 P=esmtps S=1 id=x for a@b.example",
         {"sender": "who@evil.example", "client_name": "mx.evil.example", "helo": "helo.example", "client": "203.0.113.7", "recipient": "a@b.example"}),
        ("2026-03-01 10:00:00 1uAbCd-0001Xy-12 => a@b.example <c@b.example> R=r T=t H=mx.evil.example [203.0.113.7] C=\"250 OK\"",
         {"recipient": "a@b.example", "orig_to": "c@b.example", "server_name": "mx.evil.example", "server": "203.0.113.7"}),
        ("2026-03-01 10:00:00.123 +0000 H=(x) [203.0.113.7] F=<who@evil.example> rejected RCPT <a@b.example>: no",
         {"client": "203.0.113.7", "helo": "x", "sender": "who@evil.example", "recipient": "a@b.example"}),
    ],
    "dovecot": [
        (SYSLOG + "dovecot: imap-login: Login: user=<a@b.example>, method=PLAIN, rip=203.0.113.7, lip=10.0.0.1, mpid=1, TLS", {"client": "203.0.113.7", "server": "10.0.0.1", "account": "a@b.example"}),
        (SYSLOG + "dovecot: imap-login: Disconnected (no auth attempts): rip=203.0.113.7, lip=10.0.0.1", {"client": "203.0.113.7", "server": "10.0.0.1"}),
    ],
    # Rspamd, "Logging": log_format of the line of each message.
    "rspamd": [
        ("2026-03-01 10:00:00 #12345(normal) <a1b2c3>; task; rspamd_task_write_log: id: <x@y>, qid: <4F1A>, ip: 203.0.113.7, from: <who@evil.example>, (default: F (no action): [0.10/15.00] [A(0.1){}]), len: 1, time: 1ms, dns req: 0, digest: <d>, rcpts: <a@b.example>,<c@b.example>, mime_rcpts: <a@b.example>",
         {"client": "203.0.113.7", "sender": "who@evil.example", "recipient": "<a@b.example>,<c@b.example>,"}),
        (SYSLOG + "rspamd[12]: <a1b2c3>; task; rspamd_task_write_log: id: <x@y>, ip: 203.0.113.7, user: a, smtp_from: <who@evil.example>, (x", {"client": "203.0.113.7", "account": "a", "sender": "who@evil.example"}),
    ],
    # Asterisk: messages of chan_sip and res_pjsip; "Asterisk Security Event Logger".
    "asterisk": [
        ("[2026-03-01 10:00:00] NOTICE[123]: chan_sip.c:28476 handle_request_register: Registration from '\"100\" <sip:100@192.0.2.1>' failed for '203.0.113.7:5060' - Wrong password",
         {"client": "203.0.113.7:5060"}),
        ("[2026-03-01 10:00:00] NOTICE[123][C-0001]: chan_sip.c: Call from '' (203.0.113.7:5060) to extension '00441234' rejected because extension not found in context 'default'.",
         {"client": "203.0.113.7"}),
        ("[2026-03-01 10:00:00] NOTICE[123]: res_pjsip/pjsip_distributor.c:676 log_failed_request: Request 'REGISTER' from '<sip:100@192.0.2.1>' failed for '203.0.113.7:5060' (callid: x) - No matching endpoint found",
         {"client": "203.0.113.7:5060"}),
    ],
    "freeswitch": [
        ("2026-03-01 10:00:00.123456 96.03% [WARNING] sofia_reg.c:1842 SIP auth challenge (REGISTER) on sofia profile 'internal' for [100@192.0.2.1] from ip 203.0.113.7", {"client": "203.0.113.7"}),
    ],
    # Kamailio: module acc (to syslog), and the alerts of the configuration that comes with it.
    "kamailio": [
        (SYSLOG + "kamailio[9]: NOTICE: acc [acc.c:289]: acc_log_request(): ACC: transaction answered: timestamp=1772359200;method=INVITE;from_tag=a;to_tag=b;call_id=c;code=200;reason=OK;src_user=100;src_domain=b.example;src_ip=203.0.113.7;dst_ouser=0044;dst_user=0044;dst_domain=evil.example",
         {"client": "203.0.113.7", "caller_domain": "b.example", "called_domain": "evil.example"}),
        (SYSLOG + "kamailio[9]: ALERT: <script>: ALERT: pike blocking REGISTER from sip:100@b.example (IP:203.0.113.7:5060)", {"client": "203.0.113.7"}),
    ],
    # The kernel's nf_log_ipv4 and nf_log_ipv6, with a prefix of the rule's.
    "netfilter": [
        (SYSLOG + "kernel: [12.34] drop: IN=eth0 OUT= MAC=aa:bb SRC=203.0.113.7 DST=10.0.0.5 LEN=44 TOS=0x00 PROTO=TCP SPT=1 DPT=2", {"src": "203.0.113.7", "dst": "10.0.0.5"}),
        (SYSLOG + "kernel: IN= OUT=eth0 SRC=2001:db8::5 DST=2001:db8::7 LEN=44 TC=0", {"src": "2001:db8::5", "dst": "2001:db8::7"}),
    ],
    "pf": [
        (SYSLOG + "pf[9]: 10:00:00.000123 rule 5/0(match): block in on em0: 203.0.113.7.4711 > 10.0.0.5.22: Flags [S]", {"src": "203.0.113.7", "dst": "10.0.0.5"}),
    ],
    "sshd": [
        (SYSLOG + "sshd[9]: Failed password for invalid user root from 203.0.113.7 port 22 ssh2", {"client": "203.0.113.7"}),
        (SYSLOG + "sshd[9]: Connection closed by authenticating user root 203.0.113.7 port 22 [preauth]", {"client": "203.0.113.7"}),
    ],
    # schemas.microsoft.com/win/2004/08/events/event; Sysmon's events 3 and 22.
    "windows-xml": [
        (("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>3</EventID><TimeCreated SystemTime='2026-03-01T10:00:00.1234567Z'/>"
         "<Computer>ws5.b.example</Computer></System><EventData><Data Name='SourceIp'>10.0.0.5</Data><Data Name='DestinationIp'>203.0.113.7</Data></EventData></Event>"),
         {"Computer": "ws5.b.example", "source": "10.0.0.5", "destination": "203.0.113.7"}),
        (('<Event xmlns="x"><System><TimeCreated SystemTime="2026-03-01T10:00:00.1Z"/></System><EventData><Data Name="QueryName">evil.example</Data>'
         '<Data Name="QueryResults">::ffff:203.0.113.7;</Data><Data Name="Hashes">MD5=0,SHA1=1</Data></EventData></Event>'),
         {"QueryName": "evil.example", "QueryResults": "::ffff:203.0.113.7;", "Hashes": "MD5=0,SHA1=1"}),
    ],
    # Asterisk, "CSV CDR Backends" and cdr.conf: Master.csv.
    "asterisk-cdr": [
        (('"","1001","+493069990123","from-internal","""Bob"" <1001>","PJSIP/1001-1","PJSIP/trunk-2","Dial","PJSIP/493069990123@trunk,60",'
          '"2026-03-01 10:00:00","2026-03-01 10:00:05","2026-03-01 10:01:00",60,55,"ANSWERED","DOCUMENTATION","1772359200.1",""'),
         {"src": "1001", "dst": "+493069990123"}),
        (('"","003069990124","1001","from-trunk","003069990124","PJSIP/trunk-3","PJSIP/1001-4","Dial","PJSIP/1001",'
          '"2026-03-01 10:00:00","","2026-03-01 10:00:09",9,0,"NO ANSWER","DOCUMENTATION"'), {"src": "003069990124", "dst": "1001"}),
    ],
    # tshark(1): -T fields -E header=y -E separator=/t.
    "tshark": [
        ("frame.time_epoch\tip.src\tip.dst\tipv6.src\tdns.qry.name\tdns.a\thttp.host", {}),
        ("1772359200.123\t203.0.113.7\t10.0.0.5\t\tevil.example\t203.0.113.7,203.0.113.8\t",
         {"ip.src": "203.0.113.7", "ip.dst": "10.0.0.5", "dns.qry.name": "evil.example", "dns.a": "203.0.113.7,203.0.113.8"}),
    ],
    # W3C WD-logfile-960323, "Example".
    "w3c": [
        ("#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(Referer) cs-host sc-status", {}),
        ("2026-03-01 10:00:00 10.0.0.1 GET /a b=1 80 - 203.0.113.7 http://evil.example/ shop.example 200",
         {"s-ip": "10.0.0.1", "c-ip": "203.0.113.7", "cs(Referer)": "http://evil.example/", "cs-host": "shop.example", "cs-uri-stem?cs-uri-query": "/a?b=1"}),
        ("#Fields: date time c-ip cs-uri", {}),
        ("2026-03-01 10:00:00 203.0.113.7 http://evil.example/b", {"c-ip": "203.0.113.7", "cs-uri": "http://evil.example/b"}),
        ("#Fields: date-time,connector-id,local-endpoint,remote-endpoint", {}),
        ('2026-03-01T10:00:00.530Z,"MX, \\1",10.0.0.1:25,203.0.113.7:53722', {"remote-endpoint": "203.0.113.7:53722"}),
    ],
}  # fmt: skip


OTHERS = {"vhost", "target", "s-port", "cs-host", "caller", "called", "called_user", "account", "agent"}
"""Fields that a line may have besides those that it is made for."""


def test_each_table_of_text_is_held_on_others_logs_or_on_made_lines():
    assert {*names("lines"), *names("columns")} == MADE.keys() | {"asterisk"}
    assert set(SAMPLES.values()) <= MADE.keys()


@pytest.mark.parametrize("name", MADE)
def test_each_made_line_is_read_as_the_documents_say(name: str, tmp_path):
    lines = [line for line, _ in MADE[name]]
    log = tmp_path / "made.log"
    log.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    shape = recognise([line.encode() for line in lines], assumed=ASSUMED)
    assert shape.format in {name, "syslog"}
    for number, (line, expected) in enumerate(MADE[name], 1):
        if not expected:
            continue
        # Its own kind of log: behind an envelope, or without one.
        above = [one for one in lines[:number] if one.startswith(("#", "frame."))]
        alone = recognise([*(one.encode() for one in above), line.encode()], assumed=ASSUMED)
        log.write_text("".join(f"{one}\n" for one in [*above, line]), "utf-8")
        with log.open("rb") as stream:
            (record,) = records(stream, alone, end=log.stat().st_size, on_broken=pytest.fail)
        cells = {path[0]: cell for path, cell in zip(record.layout.columns, record.cells, strict=True)}
        read = {one.name for one in record.layout.fields} | {
            record.layout.columns[place][0]
            for one in record.layout.fields
            for place in one.columns
            if place >= 0
        }
        got = {key: cell for key, cell in cells.items() if key in read and cell not in {None, "", "-"}}
        assert {key: got.get(key) for key in expected} == expected, line
        assert got.keys() - expected.keys() <= OTHERS, line
        at = record.layout.seen_at(record.cells)
        assert at is not None
        assert at.replace(microsecond=0) == datetime.fromisoformat(f"{AT}+00:00"), line
